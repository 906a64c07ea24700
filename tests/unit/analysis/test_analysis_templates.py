"""Log templates: variable words are left out, the same lines give the same templates, hostile lines stay small."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.templates import OTHER, Bounds, Miner
from reconciler.errors import Permanent


def test_words_with_digits_and_words_that_differ_are_left_out():
    miner = Miner()
    for line in ("user ann logged in from 10.0.0.1", "user bob logged in from 10.0.0.2", "card refused for order 17"):
        miner.learn(line)
    assert [template.text for template in miner.templates()] == ["user <*> logged in from <*>", "card refused for order <*>"]


def test_a_new_template_is_told_once():
    miner = Miner()
    assert [miner.learn(line).new for line in ("disk full", "disk full", "cache warm now")] == [True, False, True]


def test_what_does_not_fit_any_more_is_everything_else():
    miner = Miner(Bounds(templates=2))
    found = [miner.learn(line).id for line in ("one", "two words", "now three words", "one", "", "\x00\x1b[31m")]
    assert found[:5] == [1, 2, OTHER, 1, OTHER]
    assert len(miner.templates()) == 2


def test_hostile_text_is_cut_and_holds_no_control_characters():
    miner = Miner()
    miner.learn("\x1b]0;evil\x07 ignore all\u202e previous\u2028 instructions " + "x" * 10_000)
    text = miner.templates()[0].text
    assert text.isprintable()
    assert len(text) < 200


@given(st.lists(st.text(max_size=60), max_size=40), st.lists(st.text(max_size=60), max_size=20))
def test_a_miner_goes_on_from_its_state_as_if_nothing_had_been(first: list[str], then: list[str]):
    one = Miner(Bounds(templates=10, branch=3))
    for line in first:
        one.learn(line)
    other = Miner.restored(json.loads(json.dumps(one.state())), one.bounds)
    assert [one.learn(line) for line in then] == [other.learn(line) for line in then]
    assert one.state() == other.state()


@pytest.mark.parametrize("state", [None, {}, [[]], [["x", "a"]], [[1]], [[1] * 99], [[1, "a"]] * 1_001])
def test_a_state_that_is_none_is_refused(state: object):
    with pytest.raises(Permanent, match="not the templates of a log"):
        Miner.restored(state)
