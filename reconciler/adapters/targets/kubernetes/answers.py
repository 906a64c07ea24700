"""Answers: one HTTP/1.1 answer, put together from the pieces that a connection brings, however they are cut.

No connection in here. Whatever is not an answer as the standard has it is Malformed: a server that is not understood is not
believed. Sizes are bounded here but for the body's, which belongs to who reads it.
"""

from __future__ import annotations

import re
from typing import Final

MAX_HEAD: Final = 64 * 1024
MAX_LINE: Final = 8 * 1024  # a chunk's size with its extensions, or a trailer
BODILESS: Final = frozenset({204, 304})
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,12})[ \t]*(?:;|\Z)")
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})[ \r]")
_HEADERS: Final = re.compile(
    rb"\r\n(content-length|transfer-encoding|connection|retry-after)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)


class Malformed(ConnectionError):
    """What came is no answer, or not all of one."""


class Answer:
    """`headers` are those that somebody asks about. `told` once its head was fed, `over` once all was. `keeps`: the connection is
    good for another request. `bodiless`: only the head comes.
    """

    __slots__ = (
        "_behind",
        "_chunked",
        "_held",
        "_last",
        "_left",
        "begun",
        "bodiless",
        "headers",
        "keeps",
        "over",
        "status",
        "told",
    )

    def __init__(self, *, bodiless: bool = False) -> None:
        self.bodiless = bodiless
        self.status, self.headers = 0, dict[str, str]()
        self.over, self.keeps = False, True
        self.told, self._chunked = False, False
        self._left: int | None = 0  # of the body or of a chunk; None: until the connection ends
        self._behind, self._last = False, False  # at the line that ends a chunk; at the trailers
        self._held = b""
        self.begun = False  # whether anything has come

    def feed(self, data: bytes) -> bytes:
        """What of the body is among these bytes."""
        self.begun = self.begun or bool(data)
        if self._held:
            data, self._held = self._held + data, b""
        while not self.told:
            end = data.find(b"\r\n\r\n")
            if end > MAX_HEAD or (end < 0 and len(data) > MAX_HEAD):
                raise Malformed(f"the head of an answer is longer than {MAX_HEAD} bytes")
            if end < 0:
                self._held = data
                return b""
            self._read_head(data[:end])
            data = data[end + 4 :]
        if self.over:
            return self._rest(data)
        if self._chunked:
            return self._chunks(data)
        if self._left is None:
            return data
        self._left -= len(data)
        if self._left > 0:
            return data
        self.over = True
        body = data[: len(data) + self._left]
        self._rest(data[len(body) :])
        return body

    def end(self) -> None:
        """The connection has ended."""
        if self._left is not None or not self.told:
            raise Malformed("the connection ended in the middle of an answer" if self.begun else "the connection was closed")
        self.over, self.keeps = True, False

    def _rest(self, data: bytes) -> bytes:
        """Nobody asked for what comes behind an answer: nothing on this connection is believed any more."""
        if data:
            self.keeps = False
        return b""

    def _read_head(self, head: bytes) -> None:
        found = _STATUS.match(head + b"\r")
        if found is None:
            raise Malformed(f"no HTTP/1.1 answer: {head[:80]!r}")
        self.status = int(found[2])
        if self.status < 200:
            if self.status == 101:
                raise Malformed("the server wants to speak something else")
            return  # the answer itself is still to come
        self.headers = _headers(head)
        self.told = True
        wish = self.headers.get("connection", "").lower()
        self.keeps = "close" not in wish and (found[1] == b"1" or "keep-alive" in wish)
        coding, length = self.headers.get("transfer-encoding"), self.headers.get("content-length")
        if self.bodiless or self.status in BODILESS:
            self.over = True
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise Malformed("it cannot be told where the answer ends")
            self._chunked = True
        elif length is not None:
            if not _LENGTH.fullmatch(length.encode()):
                raise Malformed(f"no length: {length[:40]!r}")
            self._left = int(length)
            self.over = self._left == 0
        else:
            self._left, self.keeps = None, False

    def _chunks(self, data: bytes) -> bytes:
        found, at = [], 0
        while at < len(data) and not self.over:
            if self._left:
                part = data[at : at + self._left]
                at += len(part)
                self._left -= len(part)
                self._behind = not self._left
                found.append(part)
                continue
            end = data.find(b"\r\n", at)
            if end > at + MAX_LINE or (end < 0 and len(data) - at > MAX_LINE):
                raise Malformed("a chunk of an answer has no size")
            if end < 0:
                self._held = data[at:]
                return b"".join(found)
            self._line(data[at:end])
            at = end + 2
        if self.over:
            self._rest(data[at:])
        return found[0] if len(found) == 1 else b"".join(found)

    def _line(self, line: bytes) -> None:
        """What stands between chunks, and behind the last one."""
        if self._behind:
            if line:
                raise Malformed("a chunk of an answer is longer than it says")
            self._behind = False
        elif self._last:
            self.over = not line
        else:
            size = _SIZE.match(line)
            if size is None:
                raise Malformed(f"no size of a chunk: {line[:40]!r}")
            self._left = int(size[1], 16)
            self._last = not self._left


def _headers(head: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw in _HEADERS.findall(head):
        name, value = raw_name.decode().lower(), raw.decode("latin-1").rstrip(" \t")
        if name == "content-length" and found.get(name, value) != value:
            raise Malformed(f"two values of {name}")
        found[name] = f"{found[name]}, {value}" if name in found and name != "content-length" else value
    return found
