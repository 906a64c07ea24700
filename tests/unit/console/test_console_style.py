"""The style sheet and the drawings have one set of colours and rules."""

from __future__ import annotations

import re

from reconciler.analysis.drawings import RULES, VARIABLES
from reconciler.console.pages import static

SHEET = static("console.css").decode()


def test_every_colour_that_is_used_is_defined_once_and_every_one_that_is_defined_is_used():
    defined = re.findall(r"(--[a-z-]+):", VARIABLES)
    assert sorted(defined) == sorted(2 * list(set(defined)))  # for light and for dark
    assert re.findall(r"(--[a-z-]+):", SHEET) == defined
    assert set(re.findall(r"var\((--[a-z-]+)\)", SHEET)) == set(defined)


def test_drawings_in_a_page_have_their_rules():
    assert SHEET.count(RULES) == SHEET.count(".drawing .curve") == 1
