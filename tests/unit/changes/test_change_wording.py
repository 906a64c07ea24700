"""Hostile text becomes plain, inert text."""

from __future__ import annotations

import pytest

from reconciler.changes.wording import code, escape, line


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\tb", "a\u202eb", "a\u200bb", "a\x1b[31mb", "a\u2028b", "a\udcffb"])
def test_a_line_is_one_line_of_visible_characters(text: str):
    found = line(text)
    assert "\n" not in found
    assert found.isprintable()
    assert found.startswith("a ")
    assert found.endswith("b")


def test_a_line_is_cut_where_the_reader_sees_it():
    assert line("x" * 1_000_000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("markup", ["**b**", "[x](y)", "![i](u)", "`c`", "# h", "a|b", "~~s~~", "- l", "\\"])
def test_markup_is_escaped(markup: str):
    assert all(f"\\{c}" in escape(markup) for c in markup if c in "*[]()!`#|~-\\")


def test_html_is_escaped():
    assert escape("<script>&") == "&lt;script&gt;&amp;"


@pytest.mark.parametrize(
    ("text", "trigger"), [("@everyone", "@e"), ("http://evil", "://e"), ("www.evil.example", "www."), ("fixes #12", "#12")]
)
def test_nothing_a_forge_would_act_on_is_left(text: str, trigger: str):
    assert trigger not in escape(text)


@pytest.mark.parametrize("text", ["`", "``x`", "a`b```c"])
def test_a_code_span_cannot_be_ended_from_inside(text: str):
    span = code(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span == f"{fence} {text} {fence}"
    assert fence not in text


def test_nothing_makes_no_code_span():
    assert code("\n ") == ""


def test_a_code_span_stays_inside_its_table_cell():
    assert code("a|b") == "`a\\|b`"
