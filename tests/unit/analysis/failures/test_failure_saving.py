"""A model that is written is the same when it is read; what is no model is refused and never run."""

import json

import numpy as np
import pytest
from test_failure_model import gathered

from reconciler.analysis.failures.learning import Past, fit
from reconciler.analysis.failures.saving import Learned, dumped, loaded


@pytest.fixture(scope="module")
def learned():
    names, rows, known, minutes, episodes = gathered(range(16))
    return Learned(("a", "b"), 7, fit(names, Past(rows[known], minutes[known], episodes[known])))


def test_what_is_read_answers_as_what_was_written(learned):
    again = loaded(dumped(learned))
    rows, known = np.linspace(0, 1, 4 * len(learned.model.names)).reshape(4, -1).astype(np.float32), np.ones(4, np.bool_)
    assert np.array_equal(again.model.outlook(rows, known).chances, learned.model.outlook(rows, known).chances)
    assert (again.of, again.made_ms, again.model.threshold) == (learned.of, 7, learned.model.threshold)
    assert again.model.worth == learned.model.worth


def test_that_there_is_no_model_yet_can_be_kept():
    assert loaded(dumped(Learned((), 7, None))) == Learned((), 7, None)


@pytest.mark.parametrize(
    "said",
    [
        {"format": 0}, {"edges": [1]}, {"of": 3}, {"made_ms": None}, {"made_ms": 1e999}, {"model": []}, {"model": {}},
        {"model": {"members": []}}, {"model": {"threshold": "nan"}}, {"model": {"threshold": float("nan")}},
        {"model": {"worth": [1]}}, {"model": {"names": ["one"]}}, {"model": {"names": 3}},
        {"model": {"members": [{"trees": "bm90IHRyZWVz", "temperature": 1.0}]}},
        {"model": {"members": [{"trees": "not base64!", "temperature": 1.0}]}},
        {"model": {"members": [{"trees": "bm90IHRyZWVz", "temperature": 0}]}},
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused(learned, said):
    whole = json.loads(dumped(learned))
    model = said.get("model")
    changed = {**whole, **said} if not model else {**whole, "model": {**whole["model"], **model}}
    with pytest.raises(ValueError, match=r"."):
        loaded(json.dumps(changed).encode())


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b'{"format": 1}'])
def test_bytes_that_say_nothing_are_refused(raw):
    with pytest.raises(ValueError, match=r"."):
        loaded(raw)
