"""Herd, fight, exhaustion and correlated degradation from their mechanisms; and what looks like one and is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.patterns import Kind, Reading, Watch, together

STEP, QUIET = 15.0, 80
SERVICES = ("shop", "stock", "db")
NAMES = st.sampled_from("abcdef")


def period(shop=100.0, stock=100.0, db=100.0, used=0.4, replicas=6.0):
    asked = dict(zip(SERVICES, (shop, stock, db), strict=True))
    return {
        s: Reading(n, n, 0.1, replicas if s == "stock" else 6.0, used if s == "db" else float("nan")) for s, n in asked.items()
    }


def calm(n=QUIET):
    noise = np.random.default_rng(0).normal(1, 0.02, (n, 3))
    return [period(*(100 * row)) for row in noise]


def seen(periods):
    watch = Watch(SERVICES)
    return [found for i, p in enumerate(periods) if (found := watch.see(i * STEP, p))]


def burst(**asked):
    return [period(**asked)] * 2 + [period()] * 14


def test_who_comes_all_at_once_twice_while_users_do_not_is_a_herd():
    (found,) = seen(calm() + burst(db=600) * 2)
    assert (found.kind, found.participants, found.onset) == (Kind.HERD, ("db",), QUIET * STEP)
    assert "jitter" in found.kind.remedy


@pytest.mark.parametrize(
    "periods",
    [burst(db=600), burst(shop=600, stock=600, db=600) * 2, [period(db=600)] * 60, (burst(db=600) + [period()] * 40) * 2],
    ids=["once", "with the users", "for good", "too far apart"],
)
def test_a_burst_that_is_no_rhythm_or_that_users_explain_is_no_herd(periods):
    assert seen(calm() + periods) == []


def counts(*replicas):
    return [period(replicas=float(n)) for n in replicas]


def test_replicas_put_back_and_forth_between_two_counts_are_a_fight():
    (found,) = seen(calm() + counts(10, 6, 10, 6, 10, 6))
    assert (found.kind, found.participants) == (Kind.FIGHT, ("stock",))
    assert found.onset == QUIET * STEP


@pytest.mark.parametrize("replicas", [(6, 7) * 20, (10,) * 20, (10, 6) + (6,) * 20], ids=["by one", "once", "there and back"])
def test_replicas_that_move_otherwise_are_no_fight(replicas):
    assert Kind.FIGHT not in {found.kind for found in seen(calm() + counts(*replicas))}


def test_what_several_fill_together_is_exhaustion_and_names_them():
    (found,) = seen(calm() + [period(shop=180, stock=190, db=185, used=0.99)] * 10)
    assert (found.kind, found.participants) == (Kind.EXHAUSTION, ("db", "shop", "stock"))


@pytest.mark.parametrize(
    "periods",
    [[period(stock=190, used=0.99)] * 10, [period(shop=180, stock=190, used=0.99)] * 3, [period(shop=180, stock=190)] * 10],
    ids=["one party", "for a moment", "not full"],
)
def test_a_resource_that_one_fills_or_that_is_not_full_is_no_exhaustion(periods):
    assert seen(calm() + periods) == []


def test_a_resource_that_is_always_full_says_nothing_new():
    assert seen([period(used=0.99)] * QUIET + [period(shop=180, stock=190, used=0.99)] * 10) == []


def test_services_that_get_worse_at_once_with_nothing_between_them_are_correlated():
    found = together({"a": 100.0, "b": 110.0, "c": 150.0, "d": 900.0}, [("d", "a")], 200.0)
    assert found is not None
    assert (found.kind, found.participants, found.onset) == (Kind.CORRELATED, ("a", "b", "c"), 100.0)


@pytest.mark.parametrize(
    "calls",
    [[("a", "b"), ("b", "c")], [("a", "ill"), ("b", "ill"), ("c", "ill")], [("a", "x"), ("x", "b"), ("b", "a")]],
    ids=["a chain", "one below all", "a cycle"],
)
def test_what_the_graph_explains_is_not_correlated(calls):
    assert together({"a": 100.0, "b": 110.0, "c": 120.0, "ill": 105.0}, calls, 200.0) is None


@given(st.dictionaries(NAMES, st.floats(0, 500)), st.lists(st.tuples(NAMES, NAMES), max_size=12))
def test_correlated_services_never_reach_each_other(worse, calls):
    found = together(worse, calls, 1_000.0)
    for caller, callee in calls if found else ():
        assert not {caller, callee} <= set(found.participants) or caller == callee


def test_a_later_reading_changes_no_answer():
    periods = calm() + burst(db=600) * 2 + counts(10, 6, 10, 6, 10, 6)
    assert seen(periods[:-3]) == seen(periods)[: len(seen(periods[:-3]))]


def test_gaps_say_nothing():
    blank = {s: Reading() for s in SERVICES}
    assert seen(calm() + [blank] * 40) == []
    assert (
        seen(calm() + [{s: dataclasses.replace(r, used=float("nan")) for s, r in period(shop=180, stock=190).items()}] * 20) == []
    )
