"""Each detector finds what its part of the analysis finds, and says it in the one shape."""

from __future__ import annotations

import numpy as np

from reconciler.analysis.detectors import causes
from reconciler.analysis.detectors.anomalies import AnomalyDetector
from reconciler.analysis.detectors.causes import Causes
from reconciler.analysis.detectors.failures import Failures
from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.analysis.detectors.levels import Levels
from reconciler.analysis.detectors.patterns import Patterns, groups
from reconciler.analysis.detectors.series import tidy
from reconciler.ports.detector import Change
from reconciler.testing.check_detector import END_MS, STEP_MS, system, times, window

CALLS = (("front", "back"),)


def test_the_slow_callee_is_the_cause_and_not_its_slow_caller():
    found = Causes().detect(window(system(), calls=CALLS))
    assert (found[0].kind, found[0].component) == ("cause", "back")
    assert sum(float(f.confidence) for f in found if f.kind == "cause") <= 1.001


def test_a_release_of_the_cause_just_before_is_suspected_and_one_long_before_is_not():
    changes = tuple(Change("back", END_MS - minutes * 60_000, "release", f"c{minutes}") for minutes in (7, 300))
    found = [f for f in Causes().detect(window(system(), calls=CALLS, changes=changes)) if f.kind == "suspect"]
    assert [f.at_ms for f in found] == [changes[0].at_ms]
    assert "c7" in found[0].text


def test_a_change_of_what_the_cause_calls_is_suspected_less_than_one_of_the_cause():
    changes = (Change("disk", END_MS - 420_000, "config"), Change("back", END_MS - 420_000, "config"))
    calls = (*CALLS, ("back", "disk"))
    found = [f for f in Causes().detect(window(system(), calls=calls, changes=changes)) if f.kind == "suspect"]
    assert [f.component for f in found] == ["back", "disk"]


def test_a_change_that_came_after_the_trouble_is_not_suspected():
    late = (Change("back", END_MS - 60_000, "release"),)
    assert not [f for f in Causes().detect(window(system(), calls=CALLS, changes=late)) if f.kind == "suspect"]


def test_nobody_complains_so_there_is_no_cause():
    assert Causes().detect(window(system(), alarm=False)) == ()


def test_a_quiet_window_is_unknown():
    quiet = {key: (at, np.random.default_rng(1).gamma(100, 0.01, len(at))) for key, (at, _) in system().items()}
    assert [f.kind for f in Causes().detect(window(quiet, calls=CALLS))] == ["unknown"]


def test_the_step_of_a_series_is_told_with_its_levels():
    found = Levels(series=1).detect(window(system()))
    assert [(f.kind, f.metric) for f in found] == [("change", "latency_p99")]
    assert abs(found[0].at_ms - (END_MS - 15 * STEP_MS)) <= 2 * STEP_MS
    assert float(dict(found[0].values)["after"]) > 6 * float(dict(found[0].values)["before"])


def test_a_change_of_a_hundredth_is_everyday():
    tiny = {("a", "m"): (times(60), np.where(np.arange(60) < 40, 100.0, 101.0))}
    assert not Levels(series=1).detect(window(tiny))


def test_an_odd_sample_is_an_anomaly_and_an_ordinary_series_none():
    found = AnomalyDetector().detect(window(system(400)))
    assert {f.component for f in found} >= {"back"}
    assert all(f.at_ms >= END_MS - 600_000 for f in found)


def test_memory_that_fills_steadily_is_a_risk_with_its_lead_time():
    share = {("cart", "memory_usage"): (times(100), np.linspace(0.3, 0.7, 100))}
    (found,) = Failures().detect(window(share, alarm=False))
    assert found.kind == "risk"
    assert 15 * 60 < float(dict(found.values)["lead_s"]) < 22 * 60


def test_what_fell_a_moment_ago_foretells_nothing_yet():
    count = 300
    fallen = np.full(count, 0.8)
    fallen[-20:] = np.linspace(0.2, 0.7, 20)
    assert Failures().detect(window({("shop", "memory_usage"): (times(count), fallen)}, alarm=False)) == []


def test_an_age_is_no_anomaly_when_it_starts_anew():
    count, resets = 400, (0, 100, 200, 300, 385)
    age = np.arange(count) - np.array([max(r for r in resets if r <= i) for i in range(count)])
    assert AnomalyDetector().detect(window({("shop", "release_age_s"): (times(count), age * STEP_MS / 1000)})) == []


def test_memory_that_stands_is_no_risk():
    assert not Failures().detect(window({("cart", "memory_usage"): (times(100), np.full(100, 0.7))}, alarm=False))


def test_a_daily_load_has_a_forecast_and_the_odds_of_its_limit():
    count = 9 * 288
    at = times(count, 300_000)
    load = 100 + 50 * np.sin(np.arange(count) * 2 * np.pi / 288) + np.random.default_rng(2).normal(0, 2, count)
    key = ("cart", "request_rate")
    found = Forecasts().detect(window({key: (at, load)}, alarm=False, limits={key: 140.0}))
    assert [f.kind for f in found] == ["forecast", "breach"]
    assert float(found[1].confidence) > 0.9
    assert END_MS < found[1].at_ms < END_MS + 24 * 3_600_000


def test_lost_work_at_the_entry_with_attempts_beyond_any_policy_is_metastable():
    count, since = 200, 30
    normal, storm = np.full(count - since, 100.0), np.full(since, 2_000.0)
    samples = {
        ("front", "request_rate"): (times(count), np.concatenate([normal, storm])),
        ("front", "error_count"): (times(count), np.concatenate([normal * 0, storm * 0.99])),
    }
    (found,) = Patterns().detect(window(samples))
    assert (found.kind, found.component, found.metric) == ("pattern", "front", "metastable")


def test_callers_come_before_those_they_call_and_a_cycle_ends():
    found = groups((("a", "b"), ("b", "c"), ("c", "b"), ("x", "c"), ("a", "ghost"), ("ghost", "d")), ["d", "c", "b", "a", "x"])
    assert found == [["a", "d", "b", "c"], ["x", "b", "c"]]


def test_of_too_many_components_those_that_moved_most_are_compared(monkeypatch):
    crowd = {(f"s{n}", "cpu_usage"): (times(60), np.random.default_rng(n).gamma(100, 0.01, 60)) for n in range(30)}
    monkeypatch.setattr(causes, "COMPONENTS", 3)
    assert len(causes._compared(tidy(window(crowd)))) == 3
    found = Causes().detect(window(crowd | system(60), calls=CALLS))
    assert found[0].component == "back"
