"""Each emergent pattern from its mechanism, in small; and what looks like one and is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.patterns import Kind, Reading, Watch

STEP, QUIET = 15.0, 80  # samples before anything happens
SERVICES = ("shop", "stock", "db")


def calm(demand=100.0, replicas=6.0, seed=0, n=QUIET):
    """Readings of three services that do what they are asked."""
    noise = np.random.default_rng(seed).normal(1, 0.02, (n, 6))
    return [{s: Reading(demand * row[k], demand * row[k + 3], 0.1, replicas) for k, s in enumerate(SERVICES)} for row in noise]


def trouble(n, shop=1.0, stock=1.0, db=1.0, done=(0.0, 0.0, 0.0), demand=100.0, replicas=(6.0, 6.0, 6.0)):
    """Attempts as multiples of the demand, of which a share is done."""
    tried = (shop, stock, db)
    return [
        {
            s: Reading(demand * a, demand * d, demand * max(a - d, 0), r)
            for s, a, d, r in zip(SERVICES, tried, done, replicas, strict=True)
        }
    ] * n


def seen(periods):
    watch = Watch(SERVICES)
    return [found for i, p in enumerate(periods) if (found := watch.see(i * STEP, p))]


def scaled(counts, demand=100.0):
    return [{s: Reading(demand, demand, 0.0, c if s == "stock" else 6.0) for s in SERVICES} for c in counts]


def test_a_scaler_that_chases_itself_oscillates():
    (found,) = seen(calm() + scaled([6, 6, 8, 8, 10, 10, 7, 5, 5, 7, 9, 10, 7, 5, 6, 8]))
    assert found.kind is Kind.OSCILLATION
    assert found.participants == ("stock",)
    assert QUIET * STEP < found.onset < found.told <= found.onset + 300


def test_a_replica_added_and_taken_at_every_look_is_no_oscillation():
    assert seen(calm() + scaled([6, 5] * 60)) == []


def test_a_scaler_that_follows_demand_does_not_oscillate():
    wave = [100.0] * 8 + [200.0] * 10 + [100.0] * 12
    periods = [{s: Reading(d, d, 0.0, d / 16) for s in SERVICES} for d in wave]
    assert seen(calm() + periods) == []


def test_capacity_that_goes_and_takes_others_with_it_is_a_cascade():
    (found,) = seen(calm() + trouble(10, shop=1.3, stock=0.4, db=0.2, replicas=(6, 6, 0)))
    assert found.kind is Kind.CASCADE
    assert found.participants[0] == "db"
    assert set(found.participants) == set(SERVICES)
    assert found.onset == QUIET * STEP


def test_lost_replicas_that_nobody_misses_are_no_cascade():
    assert seen(calm() + scaled([2] * 40)) == []


def test_refused_work_that_comes_back_is_a_retry_storm():
    (found,) = seen(calm() + trouble(20, shop=2.5, stock=4.5, db=4.0))
    assert found.kind is Kind.RETRY_STORM
    assert found.onset == QUIET * STEP
    assert found.told - found.onset <= 60


def test_a_collapse_in_which_nothing_completes_is_a_retry_storm_though_a_mild_one():
    (found,) = seen(calm() + trouble(20, shop=1.8, stock=1.7, db=0.7))
    assert found.kind is Kind.RETRY_STORM


def test_work_that_piles_up_beyond_any_policy_is_metastable():
    (found,) = seen(calm() + trouble(40, shop=40.0, stock=3.5, db=1.6, done=(0, 0, 1.6)))
    assert found.kind is Kind.METASTABLE
    assert "shop" in found.participants


def test_an_overload_whose_bottleneck_still_works_is_no_pattern():
    assert seen(calm() + trouble(40, shop=2.2, stock=1.5, db=1.4, done=(0.4, 1.4, 1.4)) + calm()) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_pattern(seed):
    assert seen(calm(seed=seed, n=200)) == []


def test_a_lasting_pattern_is_told_once_and_a_later_one_again():
    storm = trouble(30, shop=2.5, stock=4.5, db=4.0)
    assert [f.kind for f in seen(calm() + storm + calm() + storm)] == [Kind.RETRY_STORM] * 2


def test_one_bad_reading_is_no_pattern():
    assert seen(calm() + trouble(1, shop=9.0, stock=9.0, db=9.0) + calm()) == []


def test_one_bad_reading_of_a_restart_is_no_cascade():
    assert seen(calm() + trouble(1, shop=1.3, replicas=(6, 6, 0)) + calm()) == []


def test_a_gap_in_a_storm_does_not_end_it():
    storm = trouble(3, shop=2.5, stock=4.5, db=4.0)
    (found,) = seen(calm() + storm + [{}] + storm)
    assert found.onset == QUIET * STEP


def test_what_comes_later_changes_no_earlier_answer():
    periods = calm() + trouble(30, shop=2.5, stock=4.5, db=4.0) + calm() + trouble(20, shop=40.0, db=0.1)
    whole = seen(periods)
    assert len(whole) == 2
    for end in (90, 110, 200):
        assert seen(periods[:end]) == [f for f in whole if f.told < end * STEP]


def test_what_is_usual_is_not_learnt_from_trouble():
    watch = Watch(SERVICES)
    for i, period in enumerate(calm() + trouble(500, shop=2.5, stock=4.5, db=4.0)):
        watch.see(i * STEP, period)
    assert watch._services["shop"].good.at(watch._time) == pytest.approx(100, rel=0.05)


def test_before_enough_was_seen_it_says_that_it_does_not_know():
    watch = Watch(SERVICES)
    assert not any(watch.see(i * STEP, p) for i, p in enumerate(trouble(10, shop=40.0)))
    assert not watch.known


@pytest.mark.parametrize("value", [math.nan, 0.0, -5.0, 1e308, math.inf, 5e-324])
def test_degenerate_readings_get_no_pattern(value):
    assert seen([{s: Reading(value, value, value, value) for s in SERVICES}] * 100) == []


def test_late_repeated_and_timeless_periods_are_passed_over():
    watch = Watch(SERVICES)
    storm = trouble(1, shop=9.0, stock=9.0, db=9.0)[0]
    for i, period in enumerate(calm()):
        watch.see(i * STEP, period)
    for time in (0.0, (QUIET - 1) * STEP, math.nan, math.inf, -1.0):
        assert watch.see(time, storm) is None
    assert watch._lost_since is None


def test_a_watch_of_nothing_is_refused():
    with pytest.raises(ValueError, match="name the entry first"):
        Watch(())


def test_every_kind_has_a_remedy():
    assert all(kind.remedy for kind in Kind)


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=30)
@given(st.lists(st.builds(Reading, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=40))
def test_any_numbers_get_an_answer(readings):
    for found in seen(calm(n=30) + [{"shop": r, "db": r} for r in readings]):
        assert found.onset <= found.told
        assert found.participants
