"""The strict parser: what it reads, where it says things are, and everything it refuses."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import yaml

from reconciler.errors import Misconfigured
from reconciler.yamltext import DOCUMENT, MAX_BYTES, MAX_DOCUMENTS, is_plain_safe, parse, parse_one, parse_values

REFUSED = {
    "anchor": (b"a: &x 1\n", "f.yaml:1:4", "anchors"),
    "anchor on a list": (b"a: &x [1]\n", "f.yaml:1:4", "anchors"),
    "alias": (b"a: 1\nb: *a\n", "f.yaml:2:4", "aliases"),
    "tag": (b"a: !!int 3\n", "f.yaml:1:4", "tags"),
    "python tag": (b"a: !!python/object/apply:os.system [ls]\n", "f.yaml:1:4", "tags"),
    "non-specific tag": (b"a: ! 3\n", "f.yaml:1:4", "tags"),
    "duplicate key": (b"a: 1\nb: 2\na: 3\n", "f.yaml:3:1", "twice, first in line 1"),
    "duplicate key in flow style": (b"{a: 1, 'a': 2}", "f.yaml:1:8", "twice"),
    "merge key": (b"a:\n  <<: {b: 1}\n", "f.yaml:2:3", "merge"),
    "number as key": (b"1: x\n", "f.yaml:1:1", "key must be text"),
    "bool as key": (b"true: x\n", "f.yaml:1:1", "key must be text"),
    "null as key": (b"~: x\n", "f.yaml:1:1", "key must be text"),
    "list as key": (b"? [a]\n: b\n", "f.yaml:1:3", "key must be text"),
    "block scalar as key": (b"? |\n  x\n: b\n", "f.yaml:1:3", "key must be text"),
    "directive": (b"%YAML 1.1\n---\na: 1\n", "f.yaml:1:1", "directives"),
    "tag directive": (b"%TAG ! tag:x,2026:\n---\na: 1\n", "f.yaml:1:1", "directives"),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", "f.yaml:1:1", "U+FEFF"),
    "UTF-16": ("a: 1".encode("utf-16"), "f.yaml:1:1", "not UTF-8"),
    "broken UTF-8": (b"a: 1\nb: x\xffy\n", "f.yaml:2:5", "not UTF-8"),
    "nul": (b"a: x\x00\n", "f.yaml:1:5", "U+0000"),
    "escape character": (b"a: \x1b[31m\n", "f.yaml:1:4", "U+001B"),
    "bidi override in a comment": ("a: 1 # \u202e\n".encode(), "f.yaml:1:8", "U+202E"),
    "zero-width space": ("a: x\u200by\n".encode(), "f.yaml:1:5", "U+200B"),
    "line separator": ("a: x\u2028b: 2\n".encode(), "f.yaml:1:5", "U+2028"),
    "bare carriage return": (b"a: 1\rb: 2\n", "f.yaml:1:5", "U+000D"),
    "escaped bidi override": (b'a: "\\u202e"\n', "f.yaml:1:4", "escape"),
    "escaped nul": (b'a: "\\0"\n', "f.yaml:1:4", "escape"),
    "infinity": (b"a: .inf\n", "f.yaml:1:4", "finite"),
    "not a number": (b"a: .nan\n", "f.yaml:1:4", "finite"),
    "huge integer": (b"a: 9223372036854775808\n", "f.yaml:1:4", "64 bits"),
    "endless integer": (b"a: " + b"9" * 5_000 + b"\n", "f.yaml:1:4", "64 bits"),
    "endless fraction": (b"a: 1." + b"9" * 5_000 + b"\n", "f.yaml:1:4", "digits"),
    "syntax error": (b"a: b: c\n", "f.yaml:1:5", "not YAML"),
    "open quote": (b'a: "x\n', "f.yaml:2:1", "not YAML"),
    "tab as indentation": (b"a:\n\t- b\n", "f.yaml:2:1", "not YAML"),
    "deep flow": (b"a: " + b"[" * 41, "f.yaml:1:43", "nested deeper"),
    "deep block": (b"- " * 41 + b"a\n", "f.yaml:1:81", "nested deeper"),
    "too many documents": (b"--- a\n" * (MAX_DOCUMENTS + 1), f"f.yaml:{MAX_DOCUMENTS + 1}:1", "documents"),
    "too large": (b"#" * (MAX_BYTES + 1), "f.yaml:1:1", "at most"),
}


@pytest.mark.parametrize("read", [parse, parse_values])
@pytest.mark.parametrize("name", REFUSED)
def test_hostile_text_is_refused_with_its_place(name: str, read: Callable[..., object]) -> None:
    data, where, says = REFUSED[name]
    with pytest.raises(Misconfigured) as caught:
        read(data, "f.yaml", DOCUMENT)
    assert caught.value.where == where
    assert says in str(caught.value)


def test_a_hundred_thousand_levels_are_an_error_and_not_a_crash() -> None:
    code = (
        "from reconciler.yamltext import parse\ntry:\n parse(b'['*100_000, 'f')\nexcept Exception as e: print(type(e).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Misconfigured")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("5", 5),
        ("-12", -12),
        ("+3", 3),
        ("0", 0),
        ("0.66", 0.66),
        ("-1.50", -1.5),
    ],
)
def test_scalars_that_every_reader_types_alike_are_typed(text: str, value: object) -> None:
    read = parse_one(f"a: {text}\n".encode(), "f").value
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Yes",
        "on",
        "off",
        "y",
        "010",
        "0o10",
        "0x1f",
        "12:30:45",
        "1_000",
        "1e3",
        "123e45",
        ".5",
        "5.",
        "2026-11-21",
        "1.4.2",
        "=",
    ],
)
def test_scalars_that_readers_disagree_about_stay_text(text: str) -> None:
    assert parse_one(f"a: {text}\n".encode(), "f").value == {"a": text}


@pytest.mark.parametrize("quoted", ["'5'", '"true"', '"null"', "'0.5'"])
def test_quoted_scalars_are_text(quoted: str) -> None:
    assert parse_one(f"a: {quoted}\n".encode(), "f").value == {"a": quoted[1:-1]}


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Yes",
        "y",
        "N",
        "010",
        "1_000",
        "1e3",
        "12:30:45",
        "2026-11-21",
        "5",
        "1.5",
        "null",
        "",
        "a b",
        "a: b",
        "-",
        "a#",
        ".inf",
    ],
)
def test_text_that_some_reader_would_retype_is_not_plain_safe(text: str) -> None:
    assert not is_plain_safe(text)


@pytest.mark.parametrize("text", ["1.4.2", "checkout", "nginx:1.25", "restart-17", "v2", "a@sha256:ab"])
def test_ordinary_words_are_plain_safe(text: str) -> None:
    assert is_plain_safe(text)


def test_places_are_one_based_and_count_characters() -> None:
    document = parse_one("é: 1\nb:\n  - x\n  - {q: 'ü', r: 2}\n".encode(), "apps/f.yaml")
    assert document.locate(("b", 1, "r")) == "apps/f.yaml:4:17"
    assert document.at(("b", 1, "r"), key=True) == (4, 14)


def test_a_missing_pointer_is_placed_at_its_nearest_ancestor() -> None:
    document = parse_one(b"a:\n  b: 1\n", "f")
    assert document.locate(("a", "b", "c")) == "f:2:6"
    assert document.locate(("a", "x")) == "f:2:3"
    assert document.node(("a", "x")) is None


def test_spans_are_bytes_even_after_wide_characters() -> None:
    data = "é: 'ü' # ü\nb: 12\n".encode()
    document = parse_one(data, "f")
    for pointer, raw in ((("é",), "'ü'"), (("b",), "12")):
        span = document.span(pointer)
        assert span is not None
        assert (data[span.start : span.end].decode(), span.raw) == (raw, raw)


def test_collections_have_no_scalar_span() -> None:
    assert parse_one(b"a: {b: 1}\n", "f").span(("a",)) is None


def test_files_may_hold_several_documents_or_none() -> None:
    assert [d.value for d in parse(b"a: 1\n---\nb: 2\n...\n", "f")] == [{"a": 1}, {"b": 2}]
    assert parse(b"# only a comment\n", "f") == ()


def test_exactly_one_document_is_one() -> None:
    with pytest.raises(Misconfigured, match="found 0"):
        parse_one(b"", "f")
    with pytest.raises(Misconfigured, match="found 2"):
        parse_one(b"a: 1\n---\nb: 2\n", "f")


def test_forty_levels_are_read() -> None:
    assert parse_one(b"[" * 40 + b"]" * 40, "f").value is not None


def test_places_are_there_when_somebody_asks_though_only_values_were_read() -> None:
    data = b"a: [1, {b: 2}]\n---\n# second\n- c: 3\n"
    quick, whole = parse_values(data, "f", DOCUMENT), parse(data, "f")
    assert [d.value for d in quick] == [{"a": [1, {"b": 2}]}, [{"c": 3}]]
    assert [d.locate(()) for d in quick] == ["f:1:1", "f:4:1"]
    assert quick[0].locate(("a", 1, "b")) == "f:1:12"
    assert [d.root for d in quick] == [d.root for d in whole]


@pytest.mark.parametrize("read", [parse, parse_values])
def test_an_event_of_a_kind_that_is_not_known_is_an_error_and_not_an_empty_file(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., object]
) -> None:
    class Foreign(yaml.Event):
        """What a second copy of the YAML library would give."""

    class Loader(yaml.CSafeLoader):
        def get_event(self) -> yaml.Event:
            return Foreign()

    monkeypatch.setattr(yaml, "CSafeLoader", Loader)
    with pytest.raises(Misconfigured, match="unknown Foreign"):
        read(b"a: 1\n", "f", DOCUMENT)
