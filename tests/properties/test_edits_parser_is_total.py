"""The parser under the edits: any bytes give documents or Misconfigured with a place, and nothing else."""

import re
from collections.abc import Callable

from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import Misconfigured
from reconciler.yamltext import ParsedDocument, Reading, is_plain_safe, kubernetes, parse, parse_one, parse_values

PIECES = [
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&x ",
    "*x",
    "!t ",
    "|\n",
    ">-\n",
    "'",
    '"',
    "#",
    "\n",
    "  ",
    "\t",
    "---\n",
    "...\n",
]
PIECES += ["%YAML 1.2\n", "\r\n", "\\", "\\u202e", "1.5", "~", "<<", "é", "\u200b", "\x00", "@", "`", "=", "0x1f", "null"]
yamlish = st.lists(st.sampled_from(PIECES), max_size=30).map(lambda parts: "".join(parts).encode())


@given(data=st.one_of(st.binary(max_size=60), yamlish))
@settings(max_examples=many(400))
def test_any_bytes_give_documents_or_an_error_with_a_place(data: bytes) -> None:
    try:
        places = [document.locate(()) for document in parse(data, "f.yaml")]
    except Misconfigured as error:
        places = [error.where]
    assert all(re.fullmatch(r"f\.yaml:\d+:\d+", place) for place in places)


def told(read: Callable[..., tuple[ParsedDocument, ...]], data: bytes, reading: Reading) -> str:
    try:
        return repr([(d.value, d.start, d.index, d.where) for d in read(data, "f.yaml", reading)])
    except Misconfigured as error:
        return str(error)


READINGS = [Reading(), Reading(depth=2), Reading(documents=1), Reading(plain=kubernetes)]


@given(data=st.one_of(st.binary(max_size=60), yamlish), reading=st.sampled_from(READINGS))
@settings(max_examples=many(800))
def test_values_alone_are_those_that_are_read_with_their_places(data: bytes, reading: Reading) -> None:
    assert told(parse_values, data, reading) == told(parse, data, reading)


@given(text=st.one_of(st.text(max_size=12), st.text("ab01.:-_/@+=eExXoOnNyY", max_size=10)))
@settings(max_examples=many(400))
def test_text_that_may_stay_plain_reads_back_as_this_text(text: str) -> None:
    if is_plain_safe(text):
        assert parse_one(f"a: {text}\n".encode(), "f").value == {"a": text}
        assert parse_one(f"- {text} # c\n".encode(), "f").value == [text]
