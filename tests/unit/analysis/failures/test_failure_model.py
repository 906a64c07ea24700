"""Models of failures: learned on made-up leaks that reach the limit and leaks that stop, asked on others."""

import numpy as np
import pytest

from reconciler.analysis.failures.features import features
from reconciler.analysis.failures.learning import FEWEST, Past, _parts, fit, intervals
from reconciler.analysis.failures.model import EDGES, Outlook
from reconciler.analysis.failures.panel import panel

MINUTE = 60_000


def run(seed, breaks):
    """A run of at most 200 minutes: memory grows from a random minute on, until the limit or until it stops."""
    draw = np.random.default_rng(seed)
    start, pace = draw.integers(30, 90), draw.uniform(0.006, 0.02)
    level = 0.4 + pace * np.maximum(0, np.arange(200) - start)
    level = level if breaks else np.minimum(level, draw.uniform(0.5, 0.7))
    end = int(np.argmax(level >= 1)) if breaks else 200
    memory = level[:end] + draw.normal(0, 0.01, end)
    load = 300 * np.exp(draw.normal(0, 0.02, end))
    ends = (1 + np.arange(end, dtype=np.int64)) * MINUTE
    found = features(panel(ends, {"memory": memory[:, None], "load": load[:, None]}))
    minutes = end - np.arange(end, dtype=float) if breaks else np.full(end, np.nan)
    return found, minutes


def gathered(seeds):
    """(names, rows, known, minutes, episodes) of runs that break, and as many that do not."""
    runs = [(seed, *run(seed, breaks=seed % 2 == 0)) for seed in seeds]
    rows = np.concatenate([f.rows for _, f, _ in runs])
    known = np.concatenate([f.known for _, f, _ in runs])
    episodes = np.concatenate([np.full(len(m), seed) for seed, _, m in runs])
    return runs[0][1].names, rows, known, np.concatenate([m for _, _, m in runs]), episodes


@pytest.fixture(scope="module")
def model():
    names, rows, known, minutes, episodes = gathered(range(40))
    return fit(names, Past(rows[known], minutes[known], episodes[known]))


@pytest.fixture(scope="module")
def others():
    return gathered(range(100, 116))


def test_rows_before_a_breach_are_likelier_to_break_than_rows_of_runs_that_stop(model, others):
    _, rows, known, minutes, _ = others
    chances = model.outlook(rows, known).within(30)
    soon, never = known & (minutes <= 25), known & np.isnan(minutes)
    assert np.median(chances[soon]) > 0.8
    assert np.quantile(chances[never], 0.95) < 0.2


def test_the_chances_are_right_about_as_often_as_they_say(model, others):
    _, rows, known, minutes, _ = others
    chances = model.outlook(rows, known).within(30)[known]
    assert abs(chances.mean() - (minutes[known] <= 30).mean()) < 0.04


def test_chances_of_a_known_row_sum_to_one_and_an_unknown_row_has_none(model, others):
    _, rows, known, _, _ = others
    chances = model.outlook(rows, known).chances
    assert np.allclose(chances[known].sum(axis=1), 1)
    assert np.isnan(chances[~known]).all()
    assert not known.all()


def test_the_time_to_a_breach_shrinks_as_it_comes_nearer(model, others):
    _, rows, known, minutes, _ = others
    told = model.outlook(rows, known).minutes()
    near, far = known & (minutes <= 8), known & (minutes >= 22) & (minutes <= 28)
    assert np.nanmedian(told[near]) < 12 < np.nanmedian(told[far]) < 40


def test_no_time_is_told_where_a_breach_is_unlikely(model):
    _, rows, known, minutes, _ = gathered([101])
    assert np.isnan(minutes).all()
    assert np.isnan(model.outlook(rows, known).minutes()[-30:]).all()


def test_memory_that_grows_is_the_factor_named_and_load_that_does_not_is_none(model):
    _, rows, _, minutes, _ = gathered([100])
    factors = model.factors(rows[minutes == 15])[0]
    assert next(iter(factors)) == "memory"
    assert factors["memory"] > 1 > abs(factors["load"])


def test_the_shares_of_an_explanation_differ_between_two_rows_by_what_the_log_odds_differ(model):
    _, rows, _, minutes, _ = gathered([100])
    pair = np.concatenate([rows[minutes == 70], rows[minutes == 10]])
    chances = model.outlook(pair, np.ones(2, bool)).within(60)
    odds = np.log(chances / (1 - chances))
    shares = model.explained(pair).sum(axis=1)
    assert shares[1] - shares[0] == pytest.approx(odds[1] - odds[0], rel=0.35)


def test_the_same_data_and_seed_give_the_same_model(model, others):
    names, rows, known, minutes, episodes = gathered(range(40))
    again = fit(names, Past(rows[known], minutes[known], episodes[known]))
    _, asked, may, _, _ = others
    assert np.array_equal(again.outlook(asked, may).chances, model.outlook(asked, may).chances, equal_nan=True)
    assert again.threshold == model.threshold


def test_a_run_that_stands_for_many_counts_as_many(model, others):
    names, rows, known, minutes, episodes = gathered(range(40))
    weights = np.where(episodes[known] % 2 == 0, 1.0, 12.0)  # of those that last
    weighted = fit(names, Past(rows[known], minutes[known], episodes[known], weights))
    _, asked, may, _, _ = others
    assert weighted.outlook(asked, may).within(60)[may].mean() < 0.95 * model.outlook(asked, may).within(60)[may].mean()
    assert weighted.worth.chance < 0.4 * model.worth.chance
    assert weighted.worth.precision > 2 * weighted.worth.chance


def test_of_few_that_broke_every_part_has_its_share():
    broke = np.arange(40) >= 34
    for seed in range(20):
        assert np.bincount(_parts(broke, seed)[broke], minlength=3).tolist() == [2, 2, 2]
    assert np.bincount(_parts(np.array([True] * 7 + [False]), 0)).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])


def test_too_few_breaches_make_no_model():
    names, rows, known, minutes, episodes = gathered(range(2 * FEWEST - 2))
    assert fit(names, Past(rows[known], minutes[known], episodes[known])) is None
    assert fit(names, Past(rows[:0], minutes[:0], episodes[:0])) is None


def test_an_outcome_is_the_interval_the_breach_falls_in():
    assert intervals(np.array([0.5, 10, 10.5, 60, 61, np.nan])).tolist() == [0, 0, 1, 4, 5, 5]


def test_hazards_and_chances_between_edges_follow_from_the_chances():
    outlook = Outlook(np.array([[0.1, 0.2, 0.2, 0.1, 0.1, 0.3]]))
    assert outlook.within(30)[0] == pytest.approx(0.5)
    assert outlook.between(10, 60)[0] == pytest.approx(0.6 / 0.9)
    assert outlook.hazards()[0].tolist() == pytest.approx([0.1, 0.2 / 0.9, 0.2 / 0.7, 0.1 / 0.5, 0.1 / 0.4])
    assert outlook.minutes()[0] == pytest.approx(22.5)


def test_a_horizon_that_no_interval_ends_at_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match="10, 20, 30, 45, 60"):
        Outlook(np.zeros((1, len(EDGES) + 1))).within(25)


def test_absurd_features_get_an_answer_and_no_crash(model):
    rows = np.full((3, len(model.names)), 3e38, dtype=np.float32)
    rows[1] *= -1
    rows[2] = np.nan
    chances = model.outlook(rows, np.ones(3, bool)).chances
    assert np.allclose(chances.sum(axis=1), 1)
    assert len(model.outlook(rows[:0], np.ones(0, bool)).chances) == 0
