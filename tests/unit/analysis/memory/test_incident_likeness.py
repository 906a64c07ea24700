"""Which incidents are alike, and which are not; whatever they are made of."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.likeness import LENGTH, likeness, vector
from reconciler.analysis.portraits import MOST_MOVED, MOST_WORDS, Departure, neighbours, portrait
from reconciler.analysis.words import Bm25, words
from reconciler.model.memory import Moved, Portrait
from reconciler.model.telemetry import Topology

SHOP = Topology(("cart", "db", "front", "lone"), (("cart", "db"), ("front", "cart")))


def leak(component="cart", size="9", topology=SHOP):
    return portrait(component, ["front"], topology, [Departure(component, "memory_usage", size)], ["MemoryHigh"])


def slow(component="cart"):
    return portrait(component, ["front"], SHOP, [Departure(component, "latency_p99", "12")], ["SlowRequests"])


def alike(one, other):
    return likeness(vector(one), vector(other))


def test_the_same_portrait_is_wholly_alike():
    assert alike(leak(), leak()) == pytest.approx(1.0)


def test_the_same_trouble_elsewhere_is_more_alike_than_another_trouble_here():
    other = Topology(("cache", "store", "web"), (("cache", "store"), ("web", "cache")))
    assert alike(leak(), leak("cache", "11", other)) > 0.6
    assert alike(leak(), slow()) < 0.3


def test_a_metric_that_fell_is_not_one_that_rose():
    assert alike(leak(size="9"), leak(size="-9")) < alike(leak(size="9"), leak(size="4"))


def test_another_percentile_of_the_same_latency_is_the_same_metric():
    p95 = portrait("cart", ["front"], SHOP, [Departure("cart", "latency_p95", "12")], ["SlowRequests"])
    assert alike(slow(), p95) > 0.9


def test_the_same_log_template_makes_incidents_more_alike():
    def said(template):
        return Portrait((Moved("cause leaf", "error_rate", "5"),), (template,), ())

    assert alike(said("connection refused by"), said("connection refused by")) > alike(said("connection refused by"), said("ok"))


def test_a_portrait_that_shows_nothing_is_like_nothing():
    assert alike(Portrait(), leak()) == 0
    assert vector(Portrait()) == (0.0,) * LENGTH


def test_components_are_told_by_their_place():
    moved = [Departure(c, "cpu_usage", "4") for c in ("cart", "front", "db", "lone")]
    found = portrait("cart", [], SHOP, moved).moved
    assert [m.place for m in found] == ["cause inner", "callee leaf", "caller front", "other alone"]


def test_a_portrait_is_bounded_whatever_is_said():
    many = [Departure("cart", f"m{n}", "4") for n in range(500)]
    found = portrait("cart", [], SHOP, many, ["word " * 2_000, *(f"w{n}" for n in range(300))], ["t" * 999] * 500)
    assert (len(found.moved), len(found.words) <= MOST_WORDS, len(found.templates)) == (MOST_MOVED, True, 1)
    assert max(map(len, found.words)) <= 40


def test_the_neighbourhood_is_the_cause_the_named_and_who_is_next_to_it():
    assert neighbours("cart", ["lone"], SHOP, 9) == ("cart", "lone", "front", "db")
    assert neighbours("cart", ["lone"], SHOP, 2) == ("cart", "lone")
    assert neighbours("", [], SHOP, 2) == ()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=12)), max_size=8), st.text(max_size=80))
def test_any_text_gives_a_vector_of_length_one_or_none(moved, said):
    found = vector(Portrait(tuple(Moved(*one) for one in moved), (said,), tuple(words(said))))
    norm = math.sqrt(sum(value * value for value in found))
    assert len(found) == LENGTH
    assert norm == pytest.approx(1.0) or norm == 0


@pytest.mark.parametrize("size", ["nan", "inf", "-inf", "1e308", "", "nine", "0"])
def test_sizes_that_are_no_measure_do_not_break_the_vector(size):
    assert all(map(math.isfinite, vector(leak(size=size))))


def test_joined_names_are_words_whole_and_in_parts():
    assert words("checkoutService pod_down") == ["checkout", "service", "checkoutservice", "pod", "down", "poddown"]


def test_words_hold_nothing_but_letters_and_digits():
    assert words("<script>alert('x')</script> \x1b[31m \u202e") == ["script", "alert", "x", "script", "31m"]


def test_bm25_puts_rare_words_above_common_ones():
    texts = [words(t) for t in ("restart the cart", "restart the database", "restart the database pool when connections run out")]
    index = Bm25(texts)
    assert [place for place, _ in index.best(words("restart connections"), 3)] == [2, 0, 1]
    assert list(index.best(words("kubernetes"), 3)) == []
    assert list(Bm25([]).best(["word"], 3)) == []
