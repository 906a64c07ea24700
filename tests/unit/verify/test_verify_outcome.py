"""Better, worse or unknown, from numbers alone."""

from dataclasses import replace

import pytest

from reconciler.model.outcomes import OutcomeState
from reconciler.model.proposals import Check, Expectation
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Health, HealthState
from reconciler.testing.telemetry import MemoryTelemetry
from reconciler.verify import Seen, verify, windows

APPLIED = 1_000_000
EXPECTED = Expectation((Check("checkout", "latency_p99", "below", "200"),), ("cart", "search"))
GUARD, OUTCOME = (windows(EXPECTED, APPLIED, stage) for stage in ("guard", "outcome"))


def world(before=900.0, after=100.0, cart=(50.0, 50.0), search=(60.0, 60.0), metric="latency_p99"):
    telemetry = MemoryTelemetry()
    for name, levels in {"checkout": (before, after), "cart": cart, "search": search}.items():
        for time in range(APPLIED - 200_000, APPLIED + 310_000, 5_000):
            wobble = 1 + 0.02 * ((time // 5_000) % 3 - 1)
            telemetry.put(name, metric, [(time, levels[time >= APPLIED] * wobble)])
    return telemetry


def judge(telemetry, expectation=EXPECTED, span=OUTCOME, stage="outcome", health=(), now=None):
    return verify(expectation, telemetry, span, stage, "c1", now or span.due_ms, Seen(tuple(health)))


def test_a_held_promise_beyond_the_neighbours_is_better_and_keeps_its_numbers():
    outcome = judge(world())
    assert (outcome.state, outcome.reason) == (OutcomeState.BETTER, Reason.BETTER)
    own = outcome.comparisons[0]
    assert (own.before, own.after, own.bound, own.held, own.control) == ("900", "100", "200", True, False)
    assert [c.component for c in outcome.comparisons if c.control] == ["cart", "search"]


def test_more_than_a_fifth_worse_is_worse_at_the_guard():
    outcome = judge(world(after=1_200), span=GUARD, stage="guard")
    assert (outcome.state, outcome.stage) == (OutcomeState.WORSE, "guard")
    assert judge(world(after=1_050), span=GUARD, stage="guard").state is OutcomeState.UNKNOWN


def test_a_tick_on_a_quiet_metric_is_not_worse():
    quiet = replace(EXPECTED, checks=(Check("checkout", "error_rate", "below", "0.02"),))
    assert judge(world(0.0005, 0.001, (0, 0), (0, 0), "error_rate"), quiet).state is not OutcomeState.WORSE


def test_what_neighbours_did_too_is_not_the_repairs_doing():
    everybody_worse = judge(world(after=1_800, cart=(50, 110), search=(60, 130)))
    assert everybody_worse.state is OutcomeState.UNKNOWN
    everybody_better = judge(world(cart=(500, 50), search=(600, 60)))
    assert everybody_better.state is OutcomeState.UNKNOWN
    assert "neighbours" in everybody_better.summary


def test_at_the_guard_everything_worse_since_the_apply_is_taken_back():
    outcome = judge(world(after=1_800, cart=(50, 110), search=(60, 130)), span=GUARD, stage="guard")
    assert outcome.state is OutcomeState.WORSE
    assert "every neighbour" in outcome.summary
    one_is_fine = judge(world(after=1_800, cart=(50, 110), search=(60, 60)), span=OUTCOME)
    assert "every neighbour" not in one_is_fine.summary


def test_at_the_guard_what_was_as_bad_just_before_is_not_the_repairs_doing():
    telemetry = MemoryTelemetry()
    for name, calm, bad in (("checkout", 100, 1_800), ("cart", 50, 110), ("search", 60, 130)):
        for time in range(APPLIED - 200_000, APPLIED + 70_000, 5_000):
            level = bad if time >= APPLIED - 35_000 else calm
            telemetry.put(name, "latency_p99", [(time, level * (1 + 0.02 * ((time // 5_000) % 3 - 1)))])
    assert judge(telemetry, span=GUARD, stage="guard").state is OutcomeState.UNKNOWN


def test_improving_neighbours_do_not_make_a_steady_component_worse():
    assert judge(world(after=900, cart=(50, 20), search=(60, 20))).state is OutcomeState.UNKNOWN


def test_a_repair_that_an_untouched_neighbour_pays_for_is_worse():
    outcome = judge(world(cart=(50, 400)))
    assert outcome.state is OutcomeState.WORSE
    assert "cart" in outcome.summary


def test_a_neighbour_that_got_its_load_back_is_no_control_and_no_harm():
    telemetry = world(cart=(50, 400))
    telemetry.put(
        "cart", "request_rate", [(t, 100 if t < APPLIED else 150) for t in range(APPLIED - 200_000, APPLIED + 310_000, 5_000)]
    )
    outcome = judge(telemetry)
    assert outcome.state is OutcomeState.BETTER
    assert "cart" not in {c.component for c in outcome.comparisons}


def test_worse_out_of_trouble_that_was_still_growing_is_seen():
    telemetry = world(after=2_500)
    telemetry.put("checkout", "latency_p99", [(APPLIED - 60_000 + 5_000 * i, 100 + 100 * i) for i in range(12)])
    assert judge(telemetry, span=GUARD, stage="guard").state is OutcomeState.WORSE


def test_neither_worse_nor_as_promised_is_unknown():
    outcome = judge(world(after=600))
    assert (outcome.state, outcome.reason) == (OutcomeState.UNKNOWN, Reason.UNKNOWN)


def test_a_share_of_improvement_is_measured_against_before():
    relative = replace(EXPECTED, checks=(Check("checkout", "latency_p99", "below", "", "0.5"),))
    assert judge(world(after=440), relative).state is OutcomeState.BETTER
    assert judge(world(after=500), relative).state is OutcomeState.UNKNOWN


def test_above_is_the_mirror_of_below():
    ready = replace(EXPECTED, checks=(Check("checkout", "replicas_ready", "above", "3"),))
    assert judge(world(2, 4, (3, 3), (3, 3), "replicas_ready"), ready).state is OutcomeState.BETTER
    assert judge(world(4, 2, (3, 3), (3, 3), "replicas_ready"), ready).state is OutcomeState.WORSE


def failing(telemetry):
    telemetry.failing = True


@pytest.mark.parametrize(
    "blinding",
    [
        failing,
        lambda t: t.forget("checkout", "latency_p99"),
        lambda t: t.forget("checkout", "latency_p99", OUTCOME.after[0] + 15_000),
        lambda t: [t.forget(name, "latency_p99", APPLIED) for name in ("checkout", "cart", "search")],
    ],
)
@pytest.mark.parametrize("after", [100.0, 9_000.0])
def test_missing_or_stale_telemetry_is_blind_and_never_good_or_bad(blinding, after):
    telemetry = world(after=after)
    blinding(telemetry)
    outcome = judge(telemetry)
    assert (outcome.state, outcome.reason) == (OutcomeState.UNKNOWN, Reason.BLIND)


def test_old_telemetry_is_blind_even_though_the_window_is_full():
    telemetry = world()
    assert (
        judge(
            telemetry,
            replace(EXPECTED, outcome_after_ms=600_000),
            windows(replace(EXPECTED, outcome_after_ms=600_000), APPLIED, "outcome"),
        ).reason
        == Reason.BLIND
    )


def test_an_expectation_without_checks_proves_nothing():
    assert judge(world(), replace(EXPECTED, checks=())).reason == Reason.BLIND


def test_a_bound_that_is_no_number_is_never_held():
    broken = replace(EXPECTED, checks=(Check("checkout", "latency_p99", "below", "soon"),))
    assert judge(world(), broken).state is OutcomeState.UNKNOWN


@pytest.mark.parametrize(
    ("about", "state", "expected"),
    [
        ("Service/checkout", HealthState.MISSING, OutcomeState.WORSE),
        ("Service/checkout", HealthState.DEGRADED, OutcomeState.UNKNOWN),
        ("Service/checkout", HealthState.UNKNOWN, OutcomeState.BETTER),
        ("Service/catalog", HealthState.MISSING, OutcomeState.BETTER),
    ],
)
def test_health_of_the_checked_object_counts_as_far_as_it_says_something(about, state, expected):
    assert judge(world(), health=[Health(about, state)]).state is expected


def test_a_degraded_object_that_got_worse_by_the_numbers_is_worse():
    assert judge(world(after=2_000), health=[Health("Service/checkout", HealthState.DEGRADED)]).state is OutcomeState.WORSE


def test_without_controls_the_numbers_stand_alone():
    assert judge(world(), replace(EXPECTED, controls=())).state is OutcomeState.BETTER


def test_the_windows_leave_out_the_rollout_and_end_when_they_are_due():
    assert GUARD.after == (APPLIED + 20_000, APPLIED + 60_000)
    assert OUTCOME.after == (APPLIED + 180_000, APPLIED + 300_000)
    assert OUTCOME.before == (APPLIED - 60_000, APPLIED)
