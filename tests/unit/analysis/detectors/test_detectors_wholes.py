"""What several components ask for together is told of the one that bears it, or it is said why nothing can be told."""

import dataclasses

import numpy as np
import pytest

from reconciler.analysis.detectors import wholes
from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.analysis.detectors.saying import Speaker
from reconciler.analysis.detectors.series import tidy
from reconciler.analysis.forecasts.history import Unknown
from reconciler.model.wholes import Whole
from reconciler.ports.detector import Window
from reconciler.testing.check_detector import END_MS, HOSTILE, bad_series, times, window

COUNT = 9 * 288
STEP_MS = 300_000
PLACE = ("db", "request_rate{capacity=orders-db}")
NOISE = np.random.default_rng(4)


def load(level):
    course = 1 + 0.5 * np.sin(np.arange(COUNT) * 2 * np.pi / 288)
    return times(COUNT, STEP_MS), level * (course + 0.02 * NOISE.standard_normal(COUNT))


LOADS = {(name, "request_rate"): load(level) for name, level in (("cart", 100), ("checkout", 40), ("search", 10))}
CALLS = tuple((name, "db") for name, _ in LOADS)


def whole(**other):
    return Whole(**({"name": "orders-db", "component": "db", "metric": "request_rate", "unit": "req/s", "limit": "200"} | other))


def told(one, samples=LOADS, **more):
    seen: Window = window(samples, alarm=False, calls=CALLS, **more)
    found = Forecasts().detect(dataclasses.replace(seen, wholes=(one,)))
    return [f for f in found if (f.component, f.metric) == wholes.series_of(one)]


def reason(one, samples=LOADS):
    (found,) = told(one, samples)
    assert (found.kind, found.confidence) == ("unknown", "0")
    return found.text


def test_the_callers_of_a_database_are_foretold_together_and_pass_what_there_is():
    course, breach = told(whole())
    assert (course.kind, breach.kind, breach.component, breach.metric) == ("forecast", "breach", *PLACE)
    assert float(breach.confidence) > 0.9
    assert END_MS < breach.at_ms < END_MS + 24 * 3_600_000


def test_none_of_them_passes_it_alone():
    found = Forecasts().detect(window(LOADS, alarm=False, limits=dict.fromkeys(LOADS, 200.0)))
    assert {f.kind for f in found} == {"forecast"}


def test_the_parts_add_up_where_the_whole_is_highest():
    values = {name: float(value) for name, value in told(whole())[0].values}
    parts = {name: value for name, value in values.items() if name.startswith("of ")}
    assert list(parts) == ["of cart", "of checkout", "of search"]
    assert sum(parts.values()) == pytest.approx(values["highest"], rel=1e-5)
    assert 210 < values["highest"] < 240
    assert "of it cart 1" in told(whole())[0].text


def test_enough_for_all_is_no_breach():
    assert [f.kind for f in told(whole(limit="400"))] == ["forecast"]


def test_named_parts_are_taken_and_no_others():
    values = dict(told(whole(parts=("checkout", "search")))[0].values)
    assert {name for name in values if name.startswith("of ")} == {"of checkout", "of search"}


def test_a_share_is_not_added():
    assert "request_rate is measured in share, which does not add up" in reason(whole(unit="share"))


def test_what_nobody_gives_a_unit_is_not_added():
    assert "no Sensor gives request_rate a unit" in reason(whole(unit=""))


def test_a_sum_without_one_of_its_parts_is_unknown():
    assert "of payment: request_rate is not measured" in reason(whole(parts=("cart", "payment")))
    gone = LOADS | {("search", "request_rate"): tuple(part[:-50] for part in LOADS["search", "request_rate"])}
    assert "search was last measured 4.2 h before" in reason(whole(), gone)


def test_whom_nobody_calls_needs_named_parts():
    assert "0 components are known to call it" in reason(whole(component="ghost"))


@pytest.mark.parametrize("shape", sorted(bad_series()))
def test_a_bad_part_gives_numbers_or_unknown_and_no_error(shape):
    found = told(whole(), LOADS | {("search", "request_rate"): bad_series()[shape]})
    assert found
    for finding in found:
        assert finding.kind == "unknown" or all(np.isfinite(float(value)) for _, value in finding.values)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_reaches_no_sentence(name):
    samples = LOADS | {(name, "request_rate"): LOADS["cart", "request_rate"]}
    for finding in told(whole(parts=("search", name)), samples) + told(whole(parts=("search", name))):
        text = " ".join([finding.text, *(key for key, _ in finding.values)])
        assert text.isprintable()
        assert "<" not in text
        assert len(text) < 1_000


def test_more_than_may_be_foretold_are_said_to_be_left_out(monkeypatch):
    monkeypatch.setattr(wholes, "PARTS", 5)
    three = (whole(name="a"), whole(name="b"), whole(name="c", parts=("cart", "search")))
    seen = dataclasses.replace(window(LOADS, alarm=False, calls=CALLS), wholes=three)
    found = list(wholes.of_wholes(Speaker("forecasts", "4", {}), tidy(seen), lambda *_: Unknown("young")))
    assert [f.kind for f in found] == ["unknown"] * 3
    assert "young" in found[0].text
    assert "5 parts in all are foretold, no more" in found[1].text
    assert "young" in found[2].text


def test_of_too_many_wholes_the_rest_is_said_to_be_left_out(monkeypatch):
    monkeypatch.setattr(wholes, "WHOLES", 1)
    seen = dataclasses.replace(window(LOADS, alarm=False, calls=CALLS), wholes=(whole(name="a"), whole(name="b")))
    found = list(wholes.of_wholes(Speaker("forecasts", "4", {}), tidy(seen), lambda *_: Unknown("young")))
    assert ["no more" in f.text for f in found] == [False, True]


def test_who_calls_itself_is_no_part_of_what_others_ask_of_it():
    seen = dataclasses.replace(window(LOADS, alarm=False, calls=(*CALLS, ("db", "db"))), wholes=(whole(),))
    assert Forecasts().detect(seen)[0].kind == "forecast"


def test_a_sum_of_which_one_part_has_no_forecast_is_unknown():
    seen = dataclasses.replace(window(LOADS, alarm=False, calls=CALLS), wholes=(whole(),))
    real = Forecasts()

    def foretell(history, components):
        return Unknown("too young") if components == ("search",) else real._foretold(history, None, ())

    (found,) = wholes.of_wholes(Speaker("forecasts", "4", {}), tidy(seen), foretell)
    assert (found.kind, found.text[-9:]) == ("unknown", "too young")


def test_a_metric_with_labels_keeps_them():
    assert wholes.series_of(whole(metric="call_rate{callee=db}"))[1] == "call_rate{callee=db,capacity=orders-db}"
