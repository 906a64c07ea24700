"""What a confidence says: how often a first cause with such a sum of parts was right."""

import itertools

import pytest

from reconciler.diagnosis.calibration import ALONE, CLOSE, CONTESTED, calibrated
from reconciler.diagnosis.causes import MOST

SUMS = [n / 100 for n in range(101)]


@pytest.mark.parametrize("second", [lambda parts: 0.0, lambda parts: parts])
def test_a_larger_sum_is_never_less_sure_and_never_surer_than_coincidence_can_be(second):
    sure = [calibrated(parts, second(parts)) for parts in SUMS]
    assert all(a <= b for a, b in itertools.pairwise(sure))
    assert sure[0] == 0
    assert sure[-1] <= MOST


@pytest.mark.parametrize("curve", [ALONE, CONTESTED])
def test_no_two_sums_that_occur_are_made_equal(curve):
    assert all(low < high and least < most for (low, least), (high, most) in itertools.pairwise(curve))
    assert curve[-1][0] == MOST


def test_a_first_cause_with_another_close_behind_is_less_sure():
    assert calibrated(0.8, 0.8 - CLOSE / 2) < calibrated(0.8, 0.8 - 2 * CLOSE) == calibrated(0.8)


@pytest.mark.parametrize("parts", [0.1, 0.4, 0.5])
def test_where_there_were_next_to_no_episodes_nothing_is_added(parts):
    assert calibrated(parts) == pytest.approx(parts)
    assert calibrated(parts, parts) == pytest.approx(parts)
