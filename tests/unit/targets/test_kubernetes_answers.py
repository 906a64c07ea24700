"""An HTTP answer from the pieces of a connection: the same however they are cut, and nothing where it is not understood."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.targets.kubernetes.answers import MAX_HEAD, MAX_LINE, Answer, Malformed

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
CHUNKED = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0a;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
)


def fed(answer: Answer, *pieces: bytes) -> bytes:
    return b"".join(answer.feed(piece) for piece in pieces)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places) if a < b]


@given(
    st.sampled_from([(PLAIN, 200, b'{"a":1}'), (CHUNKED, 429, b"abc0123456789")]), st.lists(st.integers(0, 1_000), max_size=12)
)
def test_however_an_answer_is_cut_it_says_the_same(case: tuple[bytes, int, bytes], at: list[int]) -> None:
    data, status, body = case
    answer = Answer()
    assert fed(answer, *cut(data, at)) == body
    assert (answer.status, answer.over, answer.keeps) == (status, True, True)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_whatever_comes_is_an_answer_or_malformed(data: bytes, at: list[int]) -> None:
    for head in (b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        answer = Answer()
        with contextlib.suppress(Malformed):
            fed(answer, *cut(head + data, at))
        assert answer.status == 0 or 100 <= answer.status < 1_000


def test_headers_are_read_in_any_case_and_only_those_that_somebody_asks_about() -> None:
    answer = Answer()
    answer.feed(CHUNKED)
    assert answer.headers == {"retry-after": "3", "transfer-encoding": "chunked"}


def test_what_is_only_on_the_way_is_no_answer_yet() -> None:
    answer = Answer()
    assert fed(answer, b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN) == b'{"a":1}'
    assert answer.status == 200


def test_an_answer_without_a_body_is_over_with_its_head() -> None:
    answer = Answer()
    answer.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (answer.over, answer.keeps) == (True, True)
    tunnel = Answer(bodiless=True)
    tunnel.feed(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert tunnel.over


def test_without_a_length_the_body_goes_to_the_end_of_the_connection_which_is_not_used_again() -> None:
    answer = Answer()
    assert fed(answer, b"HTTP/1.1 200 OK\r\n\r\nabc", b"def") == b"abcdef"
    assert not answer.over
    answer.end()
    assert (answer.over, answer.keeps) == (True, False)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_server_that_closes_is_not_asked_on_this_connection_again(head: bytes) -> None:
    answer = Answer()
    answer.feed(head)
    assert (answer.over, answer.keeps) == (True, False)


def test_behind_an_answer_nothing_is_believed() -> None:
    for data in (PLAIN, CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n"):
        answer = Answer()
        answer.feed(data + b"HTTP/1.1 200 OK\r\n")
        assert (answer.over, answer.keeps) == (True, False), data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP/1.1 answer"),
        (b"HTTP/2 200\r\n\r\n", "no HTTP/1.1 answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "something else"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", "no length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two values"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "where the answer ends"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\n\r\nabc\r\n", "no size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "where the answer ends"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "where the answer ends"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n", "no size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", "no size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", "longer than it says"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * (MAX_LINE + 1), "has no size"),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * (MAX_HEAD + 1), "longer than"),
    ],
)
def test_what_is_not_understood_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        Answer().feed(data)


@pytest.mark.parametrize("data", [b"", PLAIN[:20], PLAIN[:-1], CHUNKED[:-2]])
def test_an_answer_that_breaks_off_is_none(data: bytes) -> None:
    answer = Answer()
    answer.feed(data)
    with pytest.raises(Malformed):
        answer.end()
