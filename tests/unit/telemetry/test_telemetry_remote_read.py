"""Remote-read's bytes: selectors as matchers, snappy undone within bounds, hostile answers refused as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.telemetry import remote_read
from reconciler.adapters.telemetry.remote_read import packed, question, samples, unpacked
from reconciler.errors import Permanent

MOST = 1 << 20


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"\x00", b""),
        (b"\x03\x08abc", b"abc"),
        (b"\x08\x00a\x0d\x01", b"a" * 8),  # a copy that overlaps what it makes
        (b"\x08\x0cabcd\x0e\x04\x00", b"abcdabcd"),  # an offset of two bytes
        (b"\x08\x0cabcd\x0f\x04\x00\x00\x00", b"abcdabcd"),  # of four
        (b"\x04\xf0\x03abcd", b"abcd"),  # a length of its own byte
    ],
)
def test_snappy_is_undone(data: bytes, plain: bytes):
    assert unpacked(data, MOST) == plain


@given(st.binary(max_size=200_000).filter(len) | st.just(b"") | st.just(b"x" * 200_000))
def test_what_is_packed_can_be_unpacked(plain: bytes):
    assert unpacked(packed(plain), MOST) == plain


@given(st.binary(max_size=200))
def test_hostile_bytes_are_undone_within_the_bound_or_refused(data: bytes):
    try:
        assert len(unpacked(data, 1_000)) <= 1_000
    except Permanent:
        return


@pytest.mark.parametrize("data", [b"", b"\x05\x00a", b"\x08\x0cabcd\x0e\x09\x00", b"\xff" * 9, b"\x08\x0cabcd\x0e\x00\x00"])
def test_an_answer_that_is_not_packed_is_refused(data: bytes):
    with pytest.raises(Permanent):
        unpacked(data, MOST)


def test_an_answer_that_claims_too_much_is_refused_before_it_is_unpacked():
    with pytest.raises(Permanent, match="unpacks to 1048577 bytes, more than 1048576"):
        unpacked(packed(b"x" * (MOST + 1)), MOST)


def test_a_selector_is_asked_for_by_its_matchers():
    request = remote_read._message("Request")
    request.ParseFromString(unpacked(question('up{job=~"a|b", path!="say \\"{\\"", x!~"y"}'.replace("{\\", "[\\"), 1, 2), MOST))
    told = [(m.name, m.type, m.value) for m in request.queries[0].matchers]
    assert told == [("__name__", 0, "up"), ("job", 2, "a|b"), ("path", 1, 'say "["'), ("x", 3, "y")]
    assert (request.queries[0].start_ms, request.queries[0].end_ms) == (1, 2)


@pytest.mark.parametrize("value", [r"\x41", r"\.", r"\ud800", "a\tb"])
def test_an_escape_that_might_mean_something_else_is_refused(value: str):
    with pytest.raises(Permanent, match="can ask for"):
        question(f'up{{job="{value}"}}', 1, 2)


@pytest.mark.parametrize("text", ["rate(up[1m])", "up", "up{job}", 'up{job="a" or vector(1)}', 'up{job="a}'])
def test_what_is_no_selector_is_refused(text: str):
    with pytest.raises(Permanent, match="is no"):
        question(text, 1, 2)


def test_an_answer_that_is_no_message_is_refused():
    with pytest.raises(Permanent, match="no remote-read response"):
        list(samples(packed(b"\xff\xff\xff"), MOST))
