"""Recordings that no one should send: an answer or a clear "unknown", never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reconciler.analysis.causes import Column, Recording, find

COLUMNS = [Column.of(s, m) for s in ("a", "b") for m in ("latency", "log_errors", "requests", "success_rate")]
EDGES = [("a", "b"), ("b", "a"), ("b", "b"), ("a", "ghost")]  # a cycle, a loop and one that is not measured


def made(values: object, times: object = None) -> Recording:
    table = np.asarray(values, dtype=float)
    at = np.arange(len(table)) * 60.0 if times is None else times
    return Recording.of(at, table, COLUMNS, EDGES, 1800.0, (0.0, 1700.0), "a")  # type: ignore[arg-type]  # as callers may


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 8)),
        np.zeros((1, 8)),
        np.zeros((40, 8)),
        np.full((40, 8), 7.0),
        np.full((40, 8), -3.0),
        np.full((40, 8), np.nan),
        np.full((40, 8), np.inf),
        np.full((40, 8), 1e300),
        np.full((2, 8), 5.0),
    ],
)
def test_empty_constant_lost_and_endless_values_are_unknown(values: object) -> None:
    found = find(made(values))
    assert not found.known
    assert found.unknown
    assert found.confidence == 0.0


def test_values_that_overflow_are_gaps() -> None:
    assert np.isnan(made(np.full((3, 8), 1e300)).values).all()


def test_no_columns_are_unknown() -> None:
    assert find(Recording.of([0.0, 1.0], np.zeros((2, 0)), [], [], 1.0, (0.0, 1.0))).unknown == "nothing was measured"


def test_an_alarm_far_from_every_sample_is_unknown() -> None:
    rng = np.random.default_rng(1)
    recording = Recording.of(np.arange(40) * 60.0, rng.random((40, 8)), COLUMNS, EDGES, 9e9, (0.0, 1700.0))
    assert find(recording).unknown == "no samples around the alarm, or none in the normal period"


def test_a_table_that_does_not_fit_its_columns_is_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(3, 2\) for 3 times and 8 columns"):
        Recording.of([0.0, 1.0, 2.0], np.zeros((3, 2)), COLUMNS, [], 1.0, (0.0, 1.0))


def test_order_and_duplicates_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    table = rng.gamma(9.0, 1.0, (40, 8))
    table[30:, 0] *= 9
    times = np.arange(40) * 60.0
    order = rng.permutation(40)
    mixed = made(np.vstack([np.full((1, 8), 99.0), table[order]]), np.concatenate([times[order][:1], times[order]]))
    assert find(mixed) == find(made(table))
    assert find(mixed).causes[0].service == "a"


def test_units_do_not_matter_for_a_latency() -> None:
    rng = np.random.default_rng(6)
    table = rng.gamma(9.0, 1.0, (40, 8))
    table[30:, 4] *= 5
    scaled = table * np.where([c.metric == "latency" for c in COLUMNS], 1e6, 1.0)
    assert [c.service for c in find(made(table)).causes] == [c.service for c in find(made(scaled)).causes]


@settings(max_examples=25)
@given(arrays(np.float64, (24, 8), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_table_gives_finite_scores_and_a_confidence_between_zero_and_one(values: object) -> None:
    found = find(made(values, np.arange(24) * 90.0))
    assert 0.0 <= found.confidence <= 1.0
    assert all(np.isfinite(c.score) and c.score > 0 for c in found.causes)
    assert found.known == (found.unknown is None)
