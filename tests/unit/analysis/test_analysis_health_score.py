"""The health score: every lost point accounted for, the unknown told and never counted."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.health_score import HealthScore, Vital, health_score

WELL = Vital(errors=0.0, latency=1.0, full=0.3, ready=1.0)
ANY = st.floats(allow_nan=True, allow_infinity=True)
VITALS = st.dictionaries(st.text(max_size=5), st.builds(Vital, ANY, ANY, ANY, ANY), max_size=6)


def scored(vitals, calls=(), patterned=()) -> HealthScore:
    found = health_score(vitals, calls, patterned)
    assert found is not None
    return found


def test_a_system_that_is_well_has_all_points_and_no_losses():
    assert scored({"shop": WELL, "db": WELL}) == HealthScore(100.0, (), ())


def test_where_nothing_was_measured_there_is_no_score():
    assert health_score({}) is None
    assert health_score({"shop": Vital()}) is None


def test_what_fails_beyond_counting_costs_its_whole_weight_and_is_named_first():
    found = scored({"shop": Vital(errors=0.5, latency=1.5, full=0.3, ready=1.0)})
    assert [(loss.component, loss.kind) for loss in found.losses] == [("shop", "failures"), ("shop", "slowness")]
    assert found.losses[0].points == 40.0
    assert math.isclose(found.score + sum(loss.points for loss in found.losses), 100.0)


def test_where_users_come_in_counts_more_than_what_only_others_call():
    calls = (("shop", "db"), ("shop", "stock"))
    ill = Vital(errors=0.2)
    at_entry = scored({"shop": ill, "db": WELL, "stock": WELL}, calls).score
    behind = scored({"shop": WELL, "db": ill, "stock": WELL}, calls).score
    assert at_entry < behind < 100


def test_what_is_not_known_leaves_its_weight_to_the_rest_and_is_told():
    found = scored({"shop": Vital(errors=1.0), "ghost": Vital()})
    assert found.unknown == ("ghost",)
    assert found.losses[0].points == 80.0  # of failures and patterns, which is all that can be known of it


def test_a_pattern_costs_who_takes_part_in_it():
    assert [loss.kind for loss in scored({"shop": WELL}, patterned={"shop"}).losses] == ["patterns"]


def test_a_cycle_of_calls_has_no_entry_and_counts_all_alike():
    assert (
        scored({"a": Vital(errors=0.2), "b": WELL}, (("a", "b"), ("b", "a"))).score
        == scored({"a": Vital(errors=0.2), "b": WELL}).score
    )


@given(VITALS, st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=8))
def test_score_and_losses_are_a_hundred_together_whatever_was_measured(vitals, calls):
    found = health_score(vitals, calls, set(list(vitals)[:2]))
    if found is None:
        assert all(math.isnan(x) for v in vitals.values() for x in (v.errors, v.latency, v.full, v.ready))
    else:
        assert 0 <= found.score <= 100
        assert math.isclose(found.score + math.fsum(loss.points for loss in found.losses), 100.0, abs_tol=1e-6)


@given(VITALS)
def test_more_failures_never_raise_the_score(vitals):
    before = health_score(vitals)
    worse = {name: Vital(1.0 if not math.isnan(v.errors) else v.errors, v.latency, v.full, v.ready) for name, v in vitals.items()}
    after = health_score(worse)
    if before is not None:
        assert after is not None
        assert after.score <= before.score + 1e-9
