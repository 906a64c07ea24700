"""The measures of anomaly scores answer what their papers say on cases small enough to know."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).parents[4] / "benchmarks" / "nab.py"
spec = importlib.util.spec_from_file_location("nab_measures", SOURCE)
nab = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = nab
spec.loader.exec_module(nab)

COUNT = 1_000
FILE = nab.Recorded("family", np.arange(COUNT) * 300_000, np.zeros(COUNT), ((500, 599),))
QUIET = nab.Recorded("family", np.arange(COUNT) * 300_000, np.zeros(COUNT), ())


def alarms(*at):
    found = np.zeros(COUNT, dtype=bool)
    found[list(at)] = True
    return found


def test_an_alarm_at_the_start_of_a_window_is_perfect_and_silence_is_zero():
    assert nab.normalised([FILE], [nab.raw(FILE, alarms(500))]) == pytest.approx(100, abs=0.5)
    assert nab.normalised([FILE], [nab.raw(FILE, alarms())]) == 0


def test_an_alarm_is_worth_less_the_later_it_comes_and_only_the_first_counts():
    early, late = nab.raw(FILE, alarms(510)), nab.raw(FILE, alarms(590))
    assert early > late > -1
    assert nab.raw(FILE, alarms(510, 590)) == early


def test_a_false_alarm_costs_its_weight_and_less_just_after_a_window():
    assert nab.raw(QUIET, alarms(400)) == pytest.approx(-0.11)
    assert nab.raw(FILE, alarms(400)) == pytest.approx(-1.11)
    assert -1.11 < nab.raw(FILE, alarms(605)) < -1


def test_probation_does_not_count():
    assert nab.raw(QUIET, alarms(0, 149)) == 0
    assert nab.raw(QUIET, alarms(150)) < 0


def test_the_best_threshold_is_where_the_sum_is_highest():
    scores = np.random.default_rng(4).random(COUNT).round(2)
    scores[505] = 1.5
    files, found = [FILE, QUIET], [scores, scores[::-1].copy()]
    found[1][found[1] > 1] = 0
    best = nab.best_threshold(files, found)
    tried = {t: sum(nab.raw(f, s >= t) for f, s in zip(files, found, strict=True)) for t in np.unique(np.concatenate(found))}
    assert tried[best] == pytest.approx(max(tried.values()))


def test_silence_is_best_where_every_alarm_is_false():
    assert nab.best_threshold([QUIET], [np.random.default_rng(1).random(COUNT)]) == np.inf


def test_labels_as_scores_fill_the_surface_and_noise_only_the_share_of_anomalies():
    assert nab.vus_pr(FILE, nab.buffered(FILE, nab.BUFFER)) > 0.95
    assert nab.vus_pr(FILE, np.random.default_rng(1).random(COUNT)) < 0.3


def test_the_buffer_fades_from_the_window_outwards():
    labels = nab.buffered(FILE, 20)
    assert labels[500:600].tolist() == [1.0] * 100
    assert 1 > labels[600] > labels[605] > labels[609] > labels[611] == 0
    assert labels[499] == pytest.approx(labels[600])
