"""Objectives: budgets that add up, alarms on proof, and nothing concluded from what was not measured."""

from __future__ import annotations

import json

import pytest

from reconciler.documents.objective import Objective
from reconciler.errors import Retryable
from reconciler.model.signals import Severity, SignalStatus
from reconciler.signals.objectives import LAG_MS, Account, Kept, ObjectiveState, burning, keep, resumed, settle, terms
from reconciler.testing.telemetry import MemoryTelemetry

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_000 * DAY
RATIO = {
    "ratio": {
        "bad": ["requests_total{outcome=failed}"],
        "total": ["requests_total{outcome=failed}", "requests_total{outcome=ok}"],
    }
}
SLOW = {"threshold": {"metric": "latency_p99", "above": 500}}


def _objective(indicator: dict, target: str = "0.99", window: int = 30 * DAY, name: str = "promise") -> Objective:
    spec = {"components": ["checkout"], "indicator": indicator, "target": target, "windowMs": window}
    document = {"apiVersion": "homeostat/v1", "kind": "Objective", "metadata": {"name": name}, "spec": spec}
    return Objective.model_validate_json(json.dumps(document))


def _latency(values: list[float], step: int = MINUTE, until: int = NOW) -> MemoryTelemetry:
    """One sample in the middle of each step up to the newest closed one."""
    telemetry = MemoryTelemetry(components=["checkout"])
    last = (until - LAG_MS) // step * step - step // 2
    telemetry.put("checkout", "latency_p99", [(last - step * back, v) for back, v in enumerate(reversed(values))])
    return telemetry


def _look(objective: Objective, telemetry: MemoryTelemetry, state: ObjectiveState | None = None, now: int = NOW) -> Kept:
    return keep([objective], telemetry, state or ObjectiveState(), now)


def _told(kept: Kept) -> list[tuple[str, str]]:
    return [(dict(signal.labels)["alarm"], signal.status.value) for signal in kept.signals]


def test_thirty_days_are_kept_in_minutes_and_hours_with_the_workbooks_alarms():
    found = terms(_objective(SLOW, "0.999").spec)
    assert (found.step_ms, found.block, found.blocks) == (MINUTE, 60, 720)
    told = [(alarm.name, alarm.long, alarm.short, round(alarm.burn, 3)) for alarm in found.alarms]
    assert told == [("fast", 60, 5, 14.4), ("steady", 360, 30, 6.0), ("slow", 4_320, 360, 1.0)]


def test_a_budget_counts_what_was_bad_of_what_was_measured():
    kept = _look(_objective(SLOW, "0.9"), _latency([900.0] * 36 + [100.0] * 324))
    (budget,) = kept.budgets
    measured = 360 / 43_200
    assert float(budget.measured) == pytest.approx(measured, rel=1e-5)
    assert float(budget.left) == pytest.approx(1 - measured, rel=1e-5)  # a tenth was bad: six hours of the promise are spent
    assert (budget.burn, budget.alarms) == ("0", ())


def test_events_weigh_by_their_number_and_a_counter_may_begin_again():
    telemetry = MemoryTelemetry(components=["checkout"])
    first = NOW - LAG_MS - 10 * MINUTE
    ok, failed = [0, 100, 200, 0, 100, 200], [0, 0, 0, 0, 100, 100]
    for name, values in (("ok", ok), ("failed", failed)):
        points = [(first + n * 30_000, float(v)) for n, v in enumerate(values)]
        telemetry.put("checkout", f"requests_total{{outcome={name}}}", points)
    objective = _objective(RATIO)
    account = settle(objective.spec, telemetry, "checkout", Account(), NOW)
    assert (sum(s[0] for s in account.steps), sum(s[1] for s in account.steps)) == (100.0, 500.0)


def test_a_fast_burn_alarms_once_and_ends_with_the_trouble():
    objective, calm = _objective(SLOW), [100.0] * 300
    burning_now = _look(objective, _latency([*calm, *[900.0] * 15]))
    assert _told(burning_now) == [("fast", "firing")]
    assert burning_now.signals[0].severity is Severity.CRITICAL
    assert burning_now.budgets[0].alarms == ("fast",)
    assert burning(objective.spec, burning_now.state.accounts["promise/checkout"])
    later = NOW + 5 * MINUTE
    telemetry = _latency([*calm, *[900.0] * 15, *[100.0] * 5], until=later)
    after = _look(objective, telemetry, burning_now.state, later)
    assert _told(after) == [("fast", "resolved")]
    assert after.signals[0].started_ms == burning_now.signals[0].started_ms
    assert not _look(objective, telemetry, after.state, later).signals


def test_a_steady_leak_alarms_where_no_minute_is_a_disaster():
    kept = _look(_objective(SLOW, "0.99"), _latency(([900.0] + [100.0] * 9) * 36))
    assert _told(kept) == [("steady", "firing")]


def test_a_short_disaster_within_the_budget_alarms_nobody():
    assert not _look(_objective(SLOW, "0.9"), _latency([100.0] * 350 + [900.0] * 2)).signals


def test_a_young_installation_alarms_on_proof_and_not_before():
    assert not _look(_objective(SLOW, "0.999"), _latency([900.0] * 2)).signals  # half of the short window is not measured
    assert ("fast", "firing") in _told(_look(_objective(SLOW, "0.999"), _latency([900.0] * 10)))
    assert not _look(_objective(SLOW, "0.9"), _latency([900.0] * 10)).signals  # ten minutes of such a promise are no 2 %


def test_a_wide_budget_still_alarms_when_everything_fails():
    assert ("fast", "firing") in _told(_look(_objective(SLOW, "0.5"), _latency([900.0] * 60)))


def test_what_is_not_measured_changes_nothing():
    objective = _objective(SLOW)
    fired = _look(objective, _latency([100.0] * 300 + [900.0] * 15))
    silent = _look(objective, MemoryTelemetry(components=["checkout"]), fired.state, NOW + 10 * MINUTE)
    assert not silent.signals
    assert silent.budgets[0].alarms == ("fast",)
    assert silent.budgets[0].burn == ""


def test_a_budget_of_nothing_measured_is_unknown():
    (budget,) = _look(_objective(SLOW), MemoryTelemetry(components=["checkout"])).budgets
    assert (budget.left, budget.burn, budget.measured) == ("", "", "0")


def test_a_ratio_without_one_of_its_counters_is_unknown():
    telemetry = MemoryTelemetry(components=["checkout"])
    points = [(NOW - HOUR + n * 30_000, 100.0 * n) for n in range(100)]
    telemetry.put("checkout", "requests_total{outcome=ok}", points)
    assert _look(_objective(RATIO), telemetry).budgets[0].left == ""


def test_no_requests_are_no_evidence_of_health():
    telemetry = MemoryTelemetry(components=["checkout"])
    for name in ("ok", "failed"):
        telemetry.put("checkout", f"requests_total{{outcome={name}}}", [(NOW - HOUR + n * 30_000, 7.0) for n in range(100)])
    assert _look(_objective(RATIO), telemetry).budgets[0].measured == "0"


def test_a_blind_source_loses_nothing():
    telemetry = _latency([100.0] * 60)
    telemetry.failing = True
    with pytest.raises(Retryable):
        _look(_objective(SLOW), telemetry)


def test_looking_often_and_looking_once_come_to_the_same():
    objective, values = _objective(SLOW), [900.0 if n % 7 == 0 else 100.0 for n in range(120)]
    telemetry = _latency(values, until=NOW + HOUR)
    state = ObjectiveState()
    for now in range(NOW, NOW + HOUR + 1, 7 * MINUTE // 2):
        state = _look(objective, telemetry, state, now).state
    often = settle(objective.spec, telemetry, "checkout", state.accounts["promise/checkout"], NOW + HOUR)
    once = settle(objective.spec, telemetry, "checkout", Account(), NOW + HOUR)
    assert often.blocks == once.blocks
    assert often.steps[-120:] == once.steps[-120:]


def test_a_restart_keeps_what_was_noted_and_reads_the_newest_again():
    objective = _objective(SLOW)
    noted = [(NOW - n * HOUR, (30.0, 60.0, 60)) for n in range(24, 700)]
    account = resumed(objective.spec, _latency([100.0] * 360), "checkout", noted, NOW)
    assert sum(slot[2] for _, slot in account.blocks) == 676 * 60 + 360
    assert len(account.steps) == 360


def test_another_indicator_begins_another_account():
    first = _look(_objective(SLOW), _latency([900.0] * 360))
    other = _objective({"threshold": {"metric": "latency_p99", "above": 1_000}})
    assert float(_look(other, _latency([900.0] * 360), first.state, NOW).budgets[0].left) == 1.0


def test_a_window_of_one_day_watches_minutes():
    found = terms(_objective(SLOW, window=DAY).spec)
    assert found.step_ms == 10_000
    assert [alarm.long * 10 for alarm in found.alarms] == [300, 720, 8_640]
    kept = _look(_objective(SLOW, "0.99", DAY), _latency([900.0] * 12, step=10_000))
    assert ("fast", SignalStatus.FIRING.value) in _told(kept)


def test_no_alarm_begins_about_what_is_worked_on_and_its_budget_is_spent_all_the_same():
    objective, telemetry = _objective(SLOW), _latency([100.0] * 300 + [900.0] * 15)
    resting = keep([objective], telemetry, ObjectiveState(), NOW, lambda component: component == "checkout")
    assert resting.signals == ()
    assert resting.budgets[0].left == _look(objective, telemetry).budgets[0].left
    assert _told(_look(objective, telemetry, resting.state)) == [("fast", "firing")]
