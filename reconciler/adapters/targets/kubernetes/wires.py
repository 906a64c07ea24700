"""Wires: HTTP/1.1 connections to one server, kept open between requests.

Of the processor time of a small request nearly all was the client's: a general one has cookies, redirects, compression and
sessions, and asyncio's TLS copies every byte through two buffers. Here a socket is waited for by the event loop and read and
written by OpenSSL itself, which takes a third (docs/adr/0017). One request at a time on a connection; nothing is retried here
but what a server closed while nobody used it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.targets.kubernetes.answers import Answer
from reconciler.adapters.targets.kubernetes.reaching import Unreached, Way, proxy_words, reached, tell
from reconciler.errors import Permanent

SWEEP_S: Final = 0.5  # how late a time-out may be told: a timer for each request costs more than the rest of it
READ: Final = 64 * 1024  # more than a TLS record, so that OpenSSL keeps nothing back
AHEAD: Final = 16  # pieces that are kept for a slow reader
IDLE_S: Final = 60.0  # a connection that was not used for longer is not used again
FREE: Final = 32  # connections that are kept: what must not be sent twice takes new ones, and leaves one behind each time


class TooLarge(Permanent):
    """An answer that is not read to its end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and how it ends. `most` bytes of a body are read."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    most: int = 64 * 1024 * 1024

    def __str__(self) -> str:
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Told:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """One connection. It is read as soon as something comes; what nobody waits for yet is kept, to a bound."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._loop, self._sock, self._number = loop, sock, sock.fileno()
        self._came: deque[bytes] = deque()
        self._waits: asyncio.Future[bytes] | None = None
        self._listens, self._ended, self._spoilt, self._closed = False, False, False, False
        self._stuck: asyncio.Future[None] | None = None
        self._broke: OSError | None = None
        self.until = 0.0  # when who uses it has waited long enough, or nobody has used it for too long

    @property
    def quiet(self) -> bool:
        """It is as the last answer left it: nothing came since, the end of the connection included."""
        return self._listens and not (self._came or self._ended or self._spoilt)

    @property
    def waited_for(self) -> bool:
        return self._waits is not None or self._stuck is not None

    def look(self) -> None:
        """Takes what has come and the event loop had no turn for yet."""
        if self._listens:
            self._read()

    async def ask(self, asked: bytes, answer: Answer, most: int) -> bytes:
        """All of the body."""
        await self._write(asked)
        parts, size = [], 0
        while not answer.over:
            if part := await self.read(answer):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise TooLarge(f"the answer is larger than {most} bytes")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read(self, answer: Answer) -> bytes:
        """What of a body has come next; of a large one a part."""
        data = await self._received()
        if not data:
            answer.end()
        return answer.feed(data) if data else b""

    async def open(self, asked: bytes, answer: Answer) -> bytes:
        """Only the head, and what of the body came with it."""
        await self._write(asked)
        part = b""
        while not answer.told:
            part = await self.read(answer)
        return part

    def close(self) -> None:
        """Once: afterwards its number may be another socket's."""
        if self._closed:
            return
        self._closed = self._ended = True
        self._loop.remove_reader(self._number)
        self._loop.remove_writer(self._number)
        self._sock.close()

    def fail(self, error: OSError) -> None:
        """Whoever waits for it is told so."""
        self._broke, self._ended = error, True
        for waits in (self._waits, self._stuck):
            if waits is not None and not waits.done():
                waits.set_exception(error)

    async def _received(self) -> bytes:
        if self._came:
            return self._came.popleft()
        if self._ended:
            return self._over()
        if not self._listens:
            self._loop.add_reader(self._number, self._read)
            self._listens = True
        self._waits = self._loop.create_future()
        try:
            return await self._waits or self._over()
        finally:
            self._waits = None

    def _over(self) -> bytes:
        if self._broke is not None:
            raise self._broke
        return b""

    def _read(self) -> None:
        """The socket has something. A reader that is slow is not sent any more for the time being."""
        try:
            data = self._sock.recv(READ)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError as error:
            self._broke, data = error, b""
        self._ended = self._ended or not data
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(data)
        elif data:
            self._came.append(data)
        if self._ended or len(self._came) >= AHEAD:
            self._loop.remove_reader(self._number)
            self._listens = False

    async def _write(self, data: bytes) -> None:
        """A server that has heard enough may answer and close before it has all of a large body: its answer counts."""
        rest = memoryview(data)
        try:
            while rest:
                try:
                    rest = rest[self._sock.send(rest) :]
                except (ssl.SSLWantWriteError, BlockingIOError):
                    await self._writable()
        except ConnectionError:
            if len(rest) == len(data):
                raise
            self._spoilt = True

    async def _writable(self) -> None:
        self._stuck = self._loop.create_future()
        self._loop.add_writer(self._number, tell, self._stuck)
        try:
            await self._stuck
        finally:
            self._stuck = None
            if not self._closed:
                self._loop.remove_writer(self._number)


class Wires:
    """The connections to one server, on one event loop. Bounds nothing: who asks does."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._prefix = urlsplit(way.url).path.rstrip("/")
        if way.proxy and way.tls is None:  # without TLS a proxy is asked for the whole address
            self._prefix = f"{way.url.rstrip('/')}"
        self._free: list[Wire] = []
        self._used: set[Wire] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self.closed = False

    def close(self) -> None:
        """Nobody is waited for: the network may be slow, or gone."""
        self.closed = True
        if self._sweeper:
            self._sweeper.cancel()
        for wire in [*self._free, *self._used]:
            wire.fail(ConnectionAbortedError("the connection is closed"))
            wire.close()
        self._free.clear()
        self._used.clear()

    async def ask(self, asked: Asked, within_s: float, *, once: bool = False) -> Told:
        """A connection that was kept may have been closed by the server just now: then a new one is taken, unless the request
        must not be sent `once` more.
        """
        until = asyncio.get_running_loop().time() + within_s
        data, kept = self._encoded(asked), None if once else self._kept()
        if kept is not None:
            answer, kept.until = Answer(), until
            try:
                return await self._asked(kept, data, answer, asked)
            except (ConnectionError, ssl.SSLError):
                if answer.begun or self.closed:
                    raise
        wire = await self._opened(until)
        return await self._asked(wire, data, Answer(), asked)

    @asynccontextmanager
    async def follow(
        self, asked: Asked, *, opening_s: float, silent_s: float
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[bytes]]]:
        """An answer whose body does not end for a long while; its pieces as they come, TimeoutError where none does."""
        loop, data = asyncio.get_running_loop(), self._encoded(asked)
        wire = await self._opened(loop.time() + opening_s)
        try:
            answer, wire.until = Answer(), loop.time() + silent_s
            first = await wire.open(data, answer)
            yield answer, _pieces(wire, answer, first, silent_s)
        finally:
            self._drop(wire)

    async def _asked(self, wire: Wire, data: bytes, answer: Answer, asked: Asked) -> Told:
        try:
            body = await wire.ask(data, answer, asked.most)
        except TooLarge as large:
            self._drop(wire)
            raise TooLarge(f"{asked}: {large}") from None
        except BaseException:  # also when nobody waits any more: what comes on it then answers nobody's question
            self._drop(wire)
            raise
        if answer.keeps and wire.quiet and not self.closed and len(self._free) < FREE:
            wire.until = asyncio.get_running_loop().time() + IDLE_S
            self._used.discard(wire)
            self._free.append(wire)
        else:
            self._drop(wire)
        return Told(answer.status, answer.headers, body)

    def _drop(self, wire: Wire) -> None:
        self._used.discard(wire)
        wire.close()

    def _kept(self) -> Wire | None:
        """The one that was used last; the others become old. What came meanwhile would be taken for the next answer."""
        while self._free:
            wire = self._free.pop()
            wire.look()
            if wire.quiet:
                self._used.add(wire)
                return wire
            wire.close()
        return None

    async def _opened(self, until: float) -> Wire:
        loop = asyncio.get_running_loop()
        if self.closed:
            raise Unreached("the connection is closed")
        try:
            async with asyncio.timeout_at(until):
                wire = Wire(loop, await reached(self.way))
        except TimeoutError:
            raise Unreached(f"cannot connect to {self.way.host}: no answer in time") from None
        wire.until = until
        self._used.add(wire)
        if self.closed:
            self._drop(wire)
            raise Unreached("the connection is closed")
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_S, self._sweep, loop)
        return wire

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever has waited too long is told, and what was not used for long is closed, for as long as there is anything."""
        now = loop.time()
        self._sweeper = loop.call_later(SWEEP_S, self._sweep, loop) if self._used or self._free else None
        for wire in self._used:
            if wire.until <= now and wire.waited_for:
                wire.fail(TimeoutError("no answer in time"))
        for wire in [w for w in self._free if w.until <= now]:
            self._free.remove(wire)
            wire.close()

    def _encoded(self, asked: Asked) -> bytes:
        lines = [f"{asked.method} {self._prefix}{asked.target} HTTP/1.1", f"Host: {self.way.host}"]
        lines += [f"{name}: {value}" for name, value in asked.headers.items()]
        if asked.body or asked.method not in ("GET", "DELETE"):
            lines.append(f"Content-Length: {len(asked.body)}")
        if self.way.proxy and self.way.tls is None:
            lines += proxy_words(self.way.proxy)
        head = "\r\n".join(lines)
        if not head.count("\n") == head.count("\r") == len(lines) - 1 or "\0" in head:
            raise Permanent(f"{asked}: a header has more than one line")
        return f"{head}\r\n\r\n".encode() + asked.body


async def _pieces(wire: Wire, answer: Answer, first: bytes, silent_s: float) -> AsyncIterator[bytes]:
    if first:
        yield first
    loop = asyncio.get_running_loop()
    while not answer.over:
        wire.until = loop.time() + silent_s
        if part := await wire.read(answer):
            yield part
