"""Quantiles of buckets: the same as of the values where buckets allow it, and never beyond what was seen."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.distributions import explicit, exponential, quantiles, sane

BOUNDS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8, unique=True).map(sorted)


def test_a_bucket_is_read_as_prometheus_reads_it():
    assert quantiles(explicit([1.0, 2.0, 4.0], [10, 10, 10, 10]), (0.25, 0.5, 0.75, 0.99)) == (1.0, 2.0, 4.0, 4.0)


def test_histograms_with_other_bounds_are_joined():
    found = quantiles([*explicit([2.0], [10, 0]), *explicit([1.0, 2.0], [0, 10, 0])], (0.25, 0.5))
    assert found == pytest.approx((1.0, 4 / 3))


def test_exponential_buckets_double_at_scale_zero():
    assert quantiles(exponential(0, 2, [4, 4]), (0.5, 1.0)) == (8.0, 16.0)
    assert quantiles(exponential(0, 2, [4, 4], sign=-1.0), (0.5, 1.0)) == (-8.0, -4.0)


def test_points_are_their_own_quantiles():
    assert quantiles([(v, v, 1.0) for v in (5.0, 1.0, 3.0)], (0.0, 0.5, 1.0)) == (1.0, 3.0, 5.0)


def test_no_mass_has_no_quantile():
    assert quantiles([], (0.5,)) == ()
    assert quantiles(explicit([1.0], [0, 0]), (0.5,)) == ()


@pytest.mark.parametrize(
    ("counts", "bounds"),
    [([1.0] * 401, []), ([-1.0], []), ([math.inf], []), ([1, 1], [math.nan]), ([1, 1, 1], [2.0, 1.0]), ([1, 1, 1], [1.0, 1.0])],
)
def test_hostile_buckets_are_not_sane(counts: list[float], bounds: list[float]):
    assert not sane(counts, bounds)


def test_bounds_too_far_from_one_are_left_out():
    assert [list(exponential(*told, [1])) for told in ((-20, 1), (0, 5_000), (-99, 1))] == [[], [], []]


@given(BOUNDS, st.data())
def test_quantiles_ascend_and_stay_within_the_buckets(bounds: list[float], data: st.DataObject):
    counts = data.draw(st.lists(st.integers(0, 10**9), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    found = quantiles(explicit(bounds, counts), (0.1, 0.5, 0.9, 1.0))
    assert bool(found) == any(counts)
    assert list(found) == pytest.approx(sorted(found))
    assert all(min(0.0, bounds[0]) - 1e-6 <= value <= bounds[-1] + 1e-6 for value in found)


def test_thousands_of_bounds_that_cross_take_no_time():
    began = time.process_time()
    found = quantiles([(n / 7, 9_000 + n / 11, 1.0) for n in range(20_000)], (0.5, 0.99))
    assert time.process_time() - began < 5.0
    assert found == pytest.approx((5_883.0, 10_474.0), rel=0.05)


@pytest.mark.parametrize("piece", [(-1.7e308, 1.7e308, 1.0), (0.0, 5e-324, 1e19)])
def test_a_bucket_as_wide_or_as_narrow_as_numbers_get_has_quantiles(piece: tuple[float, float, float]):
    assert quantiles([piece], (0.5,)) == (piece[1],)
