"""Drawings are well-formed, the same every time, and nothing in them is obeyed."""

from __future__ import annotations

import dataclasses
import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from reconciler.analysis.drawings import files, graph_svg, inline, mermaid, plot_svg, timeline_svg
from reconciler.model.drawings import Drawings, Event, Graph, Mark, MarkKind, Node, Plot, Role

AT = 1_700_000_000_000
MARKS = (Mark(AT + 40_000, MarkKind.MADE, "release of cart"), Mark(AT + 60_000, MarkKind.ALARM, "alarm"))
PLOT = Plot(
    "cart",
    "latency_p99",
    tuple((AT + i * 1_000, str(i % 7)) for i in range(100)),
    ((AT, "1", "4"), (AT + 99_000, "1", "4")),
    "usual",
    MARKS,
    "9",
)
GRAPH = Graph(
    (Node("front", Role.SYMPTOM), Node("cart", Role.CAUSE, "cause, 0.80"), Node("db", Role.WELL)),
    (("front", "cart"), ("cart", "db")),
)
EVENTS = (Event(AT, "cart", "made", "release c0ffee"), Event(AT + 60_000, "front", "alarm", "somebody complained"))
ALL = Drawings((PLOT,), GRAPH, EVENTS)
HOSTILE = [
    "</text><script>alert(1)</script>",
    '" onload="x',
    "a\x1b[2J\x00",
    "]]> --> %% click",
    "\u202eabc",
    "&lt;",
    "x" * 9_000,
]
NUMBERS = ["1e308", "-1e308", "0", "1e-300", "5e-324", "-3"]


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]  # noqa: S314 - made here


def test_a_plot_shows_curve_expectation_limit_and_marks():
    svg = plot_svg(PLOT)
    assert {"latency_p99 of cart", "shaded: usual", "limit 9", "alarm", "release of cart"} <= set(texts(svg))
    assert svg.count("<polyline") == svg.count("<polygon") == 1


def test_a_plot_without_samples_says_so():
    assert "nothing was measured" in texts(plot_svg(dataclasses.replace(PLOT, points=())))


def test_labels_of_marks_do_not_cover_each_other():
    crowd = tuple(Mark(AT + i * 500, MarkKind.CHANGE, f"change {i}") for i in range(60))
    svg = plot_svg(dataclasses.replace(PLOT, marks=crowd))
    places = sorted(float(x) for x in re.findall(r'<text class="change" x="([0-9.]+)"', svg))
    assert 2 <= len(places) < 12
    assert all(b - a > 50 for a, b in itertools.pairwise(places))
    assert svg.count("<title>") == 60


@pytest.mark.parametrize("low", NUMBERS)
@pytest.mark.parametrize("high", NUMBERS)
def test_every_number_has_its_place_on_the_paper(low, high):
    svg = plot_svg(dataclasses.replace(PLOT, points=((AT, low), (AT + 1, high)), limit=""))
    numbers = [float(n) for pair in re.search(r'<polyline[^>]*points="([^"]+)"', svg)[1].split() for n in pair.split(",")]
    assert all(0 <= n <= 720 for n in numbers)


def test_callers_stand_left_of_those_they_call():
    svg = graph_svg(GRAPH)
    at = {name: float(x) for x, name in re.findall(r'<text class="name" x="([0-9.]+)"[^>]*>([^<]+)<', svg)}
    assert at["front"] < at["cart"] < at["db"]


def test_a_ring_and_a_call_of_oneself_end():
    ring = Graph(GRAPH.nodes, (("front", "cart"), ("cart", "db"), ("db", "front"), ("db", "db"), ("nobody", "cart")))
    assert set(texts(graph_svg(ring))) >= {"front", "cart", "db"}


def test_mermaid_draws_the_same_graph_and_no_name_ends_its_label():
    told = mermaid(dataclasses.replace(GRAPH, nodes=(*GRAPH.nodes, *(Node(text, Role.WELL) for text in HOSTILE))))
    assert '  n1["cart (cause_ 0.80)"]:::cause' in told.splitlines()
    assert "  n0 --> n1" in told.splitlines()
    assert re.fullmatch(r'(graph LR|  n\d+\["[\w .:/()-]*"\]:::\w+|  n\d+ --> n\d+|  classDef [\w :#,.-]+|\n)+', told)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_name_says_is_obeyed(text):
    node = dataclasses.replace(GRAPH, nodes=(Node(text, Role.CAUSE, text),), calls=((text, text),))
    event = (Event(AT, text, text, text),)
    plot = dataclasses.replace(PLOT, component=text, metric=text, marks=(Mark(AT, MarkKind.MADE, text),), band_means=text)
    for svg in (plot_svg(plot), graph_svg(node), timeline_svg(event)):
        tags = {e.tag.rpartition("}")[2] for e in ET.fromstring(svg).iter()}  # noqa: S314 - made here
        assert tags <= {"svg", "g", "title", "text", "rect", "path", "circle", "polyline", "polygon"}
        assert not [n for e in ET.fromstring(svg).iter() for n in e.attrib if n.startswith("on")]  # noqa: S314


def test_times_that_no_calendar_has_are_told_in_seconds():
    assert "9000000000000 s" in texts(timeline_svg((Event(9_000_000_000_000_000, "", "alarm", "late"),)))


def test_the_same_values_give_the_same_bytes_and_every_file_stands_alone():
    assert files(ALL) == files(ALL)
    assert set(files(ALL)) == {"plot-1.svg", "graph.svg", "graph.mmd", "timeline.svg"}
    assert all("prefers-color-scheme: dark" in text for name, text in files(ALL).items() if name.endswith(".svg"))


def test_a_drawing_in_a_page_brings_no_style_of_its_own():
    assert len(inline(ALL)) == 3
    assert not any("style" in svg for svg in inline(ALL))


def test_nothing_to_draw_is_nothing():
    assert (files(Drawings()), inline(Drawings())) == ({}, [])
