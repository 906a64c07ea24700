"""Runbooks become passages with their place, whatever is in them."""

from __future__ import annotations

import time

import pytest

from reconciler.analysis import passages
from reconciler.analysis.passages import LONGEST, MAX_FILE_BYTES, cut, library
from reconciler.analysis.words import words

MARKDOWN = """# Disk full

Clear the cache of [the cart](https://example.org/cart).

```
# df -h is no heading
```

Certificates
------------
Renew them with the issuer.
"""
PAGE = """<html><head><title>Runbook</title><style>p { color: red }</style></head><body>
<h1>Cart <b>is</b> <i>slow</i></h1>
<p>Restart &lt;cart&gt;, <!-- never
this --> then wait.</p>
<script>steal("cart")</script>
<h2>Else</h2>

<p>Call Ada.</p></body>"""


def told(path, text):
    return [(p.line, p.heading, p.text) for p in cut(path, text)]


def test_markdown_is_cut_at_its_headings_and_cited_by_line():
    assert told("a.md", MARKDOWN) == [
        (3, "Disk full", "Clear the cache of the cart. # df -h is no heading"),
        (11, "Certificates", "Renew them with the issuer."),
    ]


def test_of_html_a_reader_sees_the_text_and_nothing_else():
    assert told("a.html", PAGE) == [
        (1, "", "Runbook"),
        (3, "Cart is slow", "Restart <cart>, then wait."),
        (8, "Else", "Call Ada."),
    ]


def test_plain_text_has_underlined_headings():
    assert told("a.txt", "Disk\n====\nfull\n\n# no heading\n") == [(3, "Disk", "full # no heading")]


def test_long_text_is_cut_where_a_paragraph_ends():
    found = list(cut("a.txt", "\n\n".join(["word " * 60] * 5)))
    assert [p.line for p in found] == [1, 5, 9]
    assert max(len(p.text) for p in list(cut("a.txt", "x" * 9_999))) == LONGEST


def test_nothing_invisible_is_left():
    assert told("a.txt", "safe\u202e \x1b[31mred\x00\u200b") == [(1, "", "safe [31mred")]


def test_the_passage_that_fits_best_comes_first_one_a_heading():
    found = library({"a.md": MARKDOWN.encode(), "b.html": PAGE.encode(), "c.txt": b"else"})
    assert [(p.path, p.line) for p in found.best(words("the cache of the cart is full"), 2)] == [("a.md", 3), ("b.html", 3)]


def test_a_passage_must_share_as_many_words_as_are_asked_for():
    found = library({"a.md": MARKDOWN.encode()})
    assert found.best(words("cart slow"), 3, least=1)
    assert not found.best(words("cart slow"), 3, least=2)


def test_what_is_not_read_is_told():
    files = {"a.png": b"x", "b.md": MAX_FILE_BYTES + 1, "c.md": b"a\0b", "d.md": b"words"}
    found = library(files)
    assert [p.path for p in found.passages] == ["d.md"]
    assert [path for path, _ in found.left_out] == ["a.png", "b.md", "c.md"]


def test_there_are_never_more_passages_than_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passages, "MAX_PASSAGES", 3)
    many = b"\n".join(b"# %d\ntext" % n for n in range(9))
    found = library({"a.md": many, "b.md": many})
    assert (len(found.passages), [path for path, _ in found.left_out]) == (3, ["b.md"])


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "x<!---->", "<a", "<p>", "<!", "<script>", "</script ", "&#", "[a](", "# ", "\n", "`"]
)
@pytest.mark.parametrize("path", ["x.html", "x.md"])
def test_hostile_text_is_read_in_one_pass(path, piece):
    started = time.process_time()
    list(cut(path, piece * (20_000 // len(piece))))
    assert time.process_time() - started < 1


def test_a_heading_full_of_spaces_is_read_in_one_pass():
    started = time.process_time()
    assert [heading for _, heading, _ in told("x.md", "# x" + " " * 20_000 + "y ##\ntext")] == ["x y"]
    assert time.process_time() - started < 1
