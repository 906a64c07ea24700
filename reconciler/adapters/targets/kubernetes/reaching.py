"""Reaching: a connection to a server, with TLS and through a proxy where there is one."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import start_connection

from reconciler.adapters.targets.kubernetes.answers import Answer

NEXT_ADDRESS_S: Final = 0.25  # a name may have several, and the first be dead
PIECE: Final = 4 * 1024


class Unreached(ConnectionError):
    """No connection: nothing was asked."""


@dataclass(frozen=True, slots=True)
class Way:
    """To a server: TLS unless None, perhaps another name in its certificate, perhaps through an HTTP proxy."""

    url: str
    tls: ssl.SSLContext | None
    server_name: str | None = None
    proxy: str | None = None

    @property
    def host(self) -> str:
        """As the Host header has it."""
        return _place(self.url)


class _Closing(ssl.SSLSocket):
    """`wrap_socket` leaves its own socket open where the connection is over already, which is where it asks for the peer."""

    def getpeername(self) -> Any:
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise


async def reached(way: Way) -> socket.socket:
    """A socket that never blocks. Unreached says why there is none."""
    through = f" through the proxy {_place(way.proxy)}" if way.proxy else ""
    try:
        return await _reached(way)
    except OSError as error:
        raise Unreached(f"cannot connect to {way.host}{through}: {type(error).__name__}: {error}") from error
    except ValueError as error:  # a name or a port that is none; its words may hold part of a password
        raise Unreached(f"cannot connect to {way.host}{through}: no address ({type(error).__name__})") from None


async def _reached(way: Way) -> socket.socket:
    loop, where = asyncio.get_running_loop(), urlsplit(way.proxy or way.url)
    if not where.hostname or not urlsplit(way.url).hostname:  # nobody's name is this machine's
        raise ConnectionError("there is no host in the address")
    port = where.port or (443 if where.scheme == "https" else 80)
    found = await loop.getaddrinfo(where.hostname, port, type=socket.SOCK_STREAM)
    sock = await start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_S)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if way.tls is None:
            return sock
        if way.proxy:
            await _tunnel(loop, sock, way.proxy, urlsplit(way.url))
        name = way.server_name or urlsplit(way.url).hostname
        way.tls.sslsocket_class = _Closing
        sock = way.tls.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False)
        await _shaken(loop, sock)
    except BaseException:
        sock.close()
        raise
    return sock


def proxy_words(proxy: str) -> list[str]:
    """Who asks the proxy, where it wants to know."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return []
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return [f"Proxy-Authorization: Basic {base64.b64encode(words).decode()}"]


def tell(waits: asyncio.Future[None]) -> None:
    """What waits for a socket goes on."""
    if not waits.done():
        waits.set_result(None)


async def _tunnel(loop: asyncio.AbstractEventLoop, sock: socket.socket, proxy: str, target: SplitResult) -> None:
    host = f"[{target.hostname}]" if ":" in (target.hostname or "") else target.hostname
    place = f"{host}:{target.port or 443}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *proxy_words(proxy)]
    await loop.sock_sendall(sock, "\r\n".join([*lines, "\r\n"]).encode())
    answer = Answer(bodiless=True)
    while not answer.over:
        data = await loop.sock_recv(sock, PIECE)
        if data:
            answer.feed(data)
        else:
            answer.end()
    if answer.status != 200:
        raise ConnectionError(f"it answers {answer.status}")


async def _shaken(loop: asyncio.AbstractEventLoop, sock: ssl.SSLSocket) -> None:
    number = sock.fileno()
    while True:
        ready: asyncio.Future[None] = loop.create_future()
        try:
            return sock.do_handshake()
        except ssl.SSLWantReadError:
            loop.add_reader(number, tell, ready)
        except ssl.SSLWantWriteError:
            loop.add_writer(number, tell, ready)
        try:
            await ready
        finally:
            loop.remove_reader(number)
            loop.remove_writer(number)


def _place(url: str) -> str:
    """An address without its password."""
    return urlsplit(url).netloc.rpartition("@")[2]
