"""The shared statistics: robust, tolerant of gaps, causal."""

import itertools
import math
import random

import pytest

from reconciler.analysis.growth import began, growth, increase, rate
from reconciler.analysis.robust import mad, median, quantile, robust_z, spread
from reconciler.analysis.shifts import cut, onset, shift, superiority
from reconciler.model.telemetry import Series

NAN = math.nan


def series(values, step=5_000, start=0):
    return Series("checkout", "latency_p99", tuple(start + i * step for i in range(len(values))), tuple(values))


def test_one_outlier_moves_neither_median_nor_spread():
    assert median([1, 2, 3, 4, 1e9]) == 3
    assert mad([1, 2, 3, 4, 1e9]) == 1


def test_gaps_and_nan_are_left_out_and_never_read_as_zero():
    assert median([NAN, 5, math.inf, 5]) == 5
    assert math.isnan(median([NAN]))
    assert cut(series([1, NAN, 3]), 0, 60_000) == (1, 3)


def test_a_quantile_interpolates_and_refuses_a_share_outside_its_range():
    assert quantile([0, 10], 0.25) == 2.5
    with pytest.raises(ValueError, match="share"):
        quantile([1], 1.5)


def test_a_flat_reference_is_as_wide_as_its_floor():
    assert spread([7, 7, 7], 0.5) == 0.5
    assert spread([], 0.5) == 0.5
    assert robust_z(8, [7, 7, 7], 0.5) == 2
    assert robust_z(7, [7, 7], 0) == 0
    assert robust_z(8, [7, 7], 0) == math.inf


def test_a_constant_series_never_shifts():
    found = shift([3.0] * 20, [3.0] * 20, 0.0)
    assert (found.effect, found.moved, found.superiority) == (0, False, 0.5)


def test_a_step_out_of_the_noise_is_a_rise_and_its_mirror_a_fall():
    noise = random.Random(1)
    low, high = ([noise.gauss(centre, 5) for _ in range(30)] for centre in (100, 200))
    assert shift(low, high, 5).rose
    assert shift(high, low, 5).fell
    assert not shift(low, high, 5).fell


def test_noise_alone_does_not_shift():
    noise = random.Random(2)
    windows = [[noise.gauss(100, 10) for _ in range(24)] for _ in range(200)]
    assert not any(shift(a, b, 5).moved for a, b in itertools.pairwise(windows))


def test_a_few_wild_samples_do_not_shift_a_window():
    assert not shift([10.0] * 20, [10.0] * 15 + [900.0] * 5, 1).moved


def test_too_few_samples_prove_nothing():
    found = shift([1.0] * 20, [50.0] * 3, 1)
    assert not found.known
    assert not found.moved
    assert not shift([], [50.0] * 9, 1).moved


def test_superiority_counts_ties_half():
    assert superiority([1, 2], [2, 3]) == pytest.approx((0.5 + 1 + 2 * 1) / 4 + 0.0)
    assert superiority([], [1]) == 0.5


def test_the_onset_is_the_first_sample_of_a_departure_that_lasts():
    reference = [10.0] * 20
    spike_then_step = [10.0] * 5 + [99.0] * 2 + [10.0] * 5 + [99.0] * 10
    assert onset(series(spike_then_step), reference, 1, 1, 0) == 12 * 5_000
    assert onset(series([10.0] * 30), reference, 1, 1, 0) is None
    assert onset(series([99.0] * 9 + [10.0] * 9), reference, 1, 1, 0) is None


def test_a_moment_of_errors_before_a_rest_is_no_onset_and_a_short_rest_does_not_end_one():
    moment, rest, step = [99.0] * 3, [10.0] * 4, [99.0] * 30
    assert onset(series([10.0] * 5 + moment + rest + step), [10.0] * 20, 1, 1, 0) == 12 * 5_000
    assert onset(series([10.0] * 5 + moment + rest[1:] + step), [10.0] * 20, 1, 1, 0) == 5 * 5_000


def test_an_onset_looks_only_in_the_asked_direction_and_time():
    falling = series([10.0] * 5 + [1.0] * 10)
    assert onset(falling, [10.0] * 9, 1, 1, 0) is None
    assert onset(falling, [10.0] * 9, 1, -1, 0) == 25_000
    assert onset(falling, [10.0] * 9, 1, -1, 40_000) == 40_000


def test_steady_growth_knows_when_it_reaches_the_limit():
    found = growth(series([0.2 + 0.01 * i for i in range(40)]), 0, 10**9)
    assert found.steady
    assert found.seconds_to(1.0) == pytest.approx((1 - 0.58) / 0.002, rel=0.05)


@pytest.mark.parametrize("kills", [[], [0.7, 0.55, 0.3, 0.31, 0.32]], ids=["still growing", "killed since"])
def test_a_growth_has_begun_at_the_bend_also_when_kills_hide_it(kills):
    bent = [0.3] * 60 + [0.3 + 0.01 * i for i in range(60)] + kills
    assert began(series(bent), 0, 10**9) == pytest.approx(60 * 5_000, abs=20_000)


@pytest.mark.parametrize("values", [[0.2 + 0.005 * i for i in range(120)], [0.4], [], [0.4] * 100])
def test_what_grew_from_the_start_or_never_has_no_beginning(values):
    assert began(series(values), 0, 10**9) is None


def test_growth_after_a_restart_starts_anew():
    saw = [0.5 + 0.01 * i for i in range(40)] + [0.1 + 0.01 * i for i in range(10)]
    found = growth(series(saw), 0, 10**9)
    assert found.steady
    assert found.samples == 10


def test_noise_and_flatness_are_no_growth():
    noise = random.Random(3)
    assert not growth(series([0.5 + noise.gauss(0, 0.02) for _ in range(120)]), 0, 10**9).steady
    flat = growth(series([0.5] * 50), 0, 10**9)
    assert not flat.steady
    assert flat.seconds_to(1) == math.inf
    assert not growth(series([]), 0, 10**9).steady


def test_a_rate_survives_a_counter_reset_and_needs_two_samples():
    assert rate(series([0, 10, 20, 5]), 0, 10**9) == pytest.approx(25 / 15)
    assert math.isnan(rate(series([5]), 0, 10**9))
    assert increase(series([0, 10, 20, 5]), 0, 10**9) == 25
    assert increase(series([5]), 0, 10**9) == 0


def test_a_window_never_sees_later_samples():
    values = [10.0] * 20 + [500.0] * 20
    assert cut(series(values), 0, 100_000) == (10.0,) * 20
    assert growth(series(values), 0, 100_000).level == 10
