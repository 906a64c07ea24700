"""Connections to a server, on real sockets: kept and given up, through proxies, too slow, too large, and misused."""

from __future__ import annotations

import asyncio
import base64
import gc
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from cluster.identity import write_identity

from reconciler.adapters.targets.kubernetes import reaching, wires
from reconciler.adapters.targets.kubernetes.answers import Malformed
from reconciler.adapters.targets.kubernetes.reaching import Unreached, Way
from reconciler.adapters.targets.kubernetes.wires import Asked, TooLarge, Wires
from reconciler.errors import Permanent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = Asked("GET", "/a", {})
Handle = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Plays `handle` on each connection, and keeps the heads of the requests that it read."""

    def __init__(self, handle: Handle) -> None:
        self.heads: list[str] = []
        self.asked, self.proceed = asyncio.Event(), asyncio.Event()
        self.connections = 0
        self._handle = handle
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._handle(self, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        self.asked.set()
        return head


async def answers(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await server.head(reader)
        writer.write(OK)


def played(handle: Handle, use: Callable[[Server, Wires], Coroutine[Any, Any, None]], **way: Any) -> Server:
    server = Server(handle)

    async def whole() -> None:
        async with await server.start():
            made = Wires(Way(f"http://127.0.0.1:{server.port}", None, **way))
            try:
                await use(server, made)
            finally:
                made.close()

    asyncio.run(whole())
    return server


def test_a_connection_is_kept_for_the_next_request() -> None:
    async def use(_: Server, made: Wires) -> None:
        for _ in range(3):
            assert (await made.ask(GET, 5)).body == b"ok"

    server = played(answers, use)
    assert server.connections == 1
    assert server.heads[0].startswith("GET /a HTTP/1.1\r\nHost: 127.0.0.1:")


async def once_each(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await writer.drain()


def test_what_the_server_closed_meanwhile_is_opened_again() -> None:
    async def use(_: Server, made: Wires) -> None:
        for _ in range(3):
            assert (await made.ask(GET, 5)).body == b"ok"
            await asyncio.sleep(0.05)

    assert played(once_each, use).connections == 3


async def only_the_first(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes a kept connection on the next request, as one does that gives up at that very moment."""
    await server.head(reader)
    writer.write(OK)
    await server.head(reader)


def test_a_request_on_a_kept_connection_that_closes_is_sent_again_on_a_new_one() -> None:
    async def use(_: Server, made: Wires) -> None:
        assert (await made.ask(GET, 5)).body == b"ok"
        assert (await made.ask(GET, 5)).body == b"ok"

    assert played(only_the_first, use).connections == 2


def test_what_must_not_be_sent_twice_gets_a_connection_of_its_own() -> None:
    async def use(_: Server, made: Wires) -> None:
        await made.ask(GET, 5)
        await made.ask(Asked("POST", "/b", {}, b"x"), 5, once=True)

    server = played(only_the_first, use)
    assert server.connections == 2
    assert [h.split(" ")[0] for h in server.heads] == ["GET", "POST"]


def test_what_gets_a_connection_of_its_own_leaves_few_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "FREE", 2)

    async def use(_: Server, made: Wires) -> None:
        for _ in range(5):
            await made.ask(Asked("POST", "/b", {}, b"x"), 5, once=True)
        assert (len(made._free), len(made._used)) == (2, 0)

    assert played(once_with_body, use).connections == 5


async def once_with_body(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    await reader.readexactly(1)
    writer.write(OK)
    await reader.read()


async def breaks_off(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await server.head(reader)
    writer.write(OK[:-1])


def test_an_answer_that_breaks_off_is_not_asked_for_again_here() -> None:
    async def use(server: Server, made: Wires) -> None:
        await made.ask(GET, 5)
        with pytest.raises(Malformed, match="in the middle"):
            await made.ask(GET, 5)
        assert server.connections == 1

    played(breaks_off, use)


async def says_nothing(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    await reader.read()


def test_a_server_that_says_nothing_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "SWEEP_S", 0.02)

    async def use(_: Server, made: Wires) -> None:
        with pytest.raises(TimeoutError, match="no answer in time"):
            await made.ask(GET, 0.05)
        with pytest.raises(TimeoutError, match="no answer in time"):
            async with made.follow(GET, opening_s=5, silent_s=0.05):
                pass

    played(says_nothing, use)


def test_closing_tells_who_waits() -> None:
    async def use(server: Server, made: Wires) -> None:
        asked = asyncio.create_task(made.ask(GET, 60))
        await server.asked.wait()
        made.close()
        with pytest.raises(ConnectionAbortedError):
            await asked
        with pytest.raises(Unreached):
            await made.ask(GET, 60)

    played(says_nothing, use)


def test_what_nobody_used_for_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "SWEEP_S", 0.02)
    monkeypatch.setattr(wires, "IDLE_S", 0.01)

    async def use(_: Server, made: Wires) -> None:
        await made.ask(GET, 5)
        await asyncio.sleep(0.1)
        await made.ask(GET, 5)

    assert played(answers, use).connections == 2


async def says_too_much(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def use(_: Server, made: Wires) -> None:
        with pytest.raises(TooLarge, match="GET /a: the answer is larger than 1000 bytes"):
            await made.ask(Asked("GET", "/a?x=1", {}, most=1_000), 5)

    played(says_too_much, use)


async def talks_first(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    await server.head(reader)
    writer.write(OK)


def test_what_a_server_says_unasked_answers_no_later_question() -> None:
    async def use(_: Server, made: Wires) -> None:
        for _ in range(3):
            assert (await made.ask(GET, 5)).body == b"ok"
            await asyncio.sleep(0.05)

    assert played(talks_first, use).connections == 3


async def gives_up(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await writer.drain()
    await server.proceed.wait()
    writer.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    server.proceed.clear()


def test_what_came_while_the_loop_was_busy_answers_no_later_question() -> None:
    async def use(server: Server, made: Wires) -> None:
        assert (await made.ask(GET, 5)).body == b"ok"
        server.proceed.set()
        while server.proceed.is_set():  # the server's turn; ours reads nothing meanwhile
            made._free[0]._loop.remove_reader(made._free[0]._number)
            await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - a loop that is busy
        told = await made.ask(GET, 5)
        assert (told.status, told.body) == (200, b"ok")

    assert played(gives_up, use).connections == 2


def test_a_connection_that_was_closed_touches_no_other_socket() -> None:
    async def use(server: Server, made: Wires) -> None:
        asked = asyncio.create_task(made.ask(GET, 60))
        await server.asked.wait()
        number = next(iter(made._used))._number
        made.close()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert ours.fileno() == number  # the number of the one that was closed
            came = asyncio.Event()
            asyncio.get_running_loop().add_reader(ours, came.set)
            with pytest.raises(ConnectionAbortedError):
                await asked
            theirs.send(b"x")
            async with asyncio.timeout(5):
                await came.wait()
            asyncio.get_running_loop().remove_reader(ours)

    played(says_nothing, use)


async def no_answer(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(OK)
    await server.head(reader)
    writer.write(b"HTTP/2 200\r\n\r\n")


def test_an_answer_that_is_not_understood_is_not_taken_for_a_closed_connection() -> None:
    async def use(server: Server, made: Wires) -> None:
        await made.ask(GET, 5)
        with pytest.raises(Malformed, match=r"no HTTP/1\.1 answer"):
            await made.ask(GET, 5)
        assert server.connections == 1

    played(no_answer, use)


@pytest.mark.parametrize(
    "way",
    [
        Way("https://:10250", None),
        Way("", None),
        Way("http://a..b:80", None),
        Way("http://127.0.0.1:99999999", None),
        Way("http://api:80", None, proxy="http://us:se#cret@proxy:3128"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_words(way: Way) -> None:
    with pytest.raises(Unreached) as told:
        asyncio.run(Wires(way).ask(GET, 5))
    assert "cret" not in str(told.value)
    assert way.host.rpartition(":")[0] or "there is no host" in str(told.value)


async def refuses_large(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


def test_a_server_that_has_heard_enough_of_a_body_is_heard() -> None:
    async def use(_: Server, made: Wires) -> None:
        assert (await made.ask(Asked("POST", "/b", {}, b"x" * 30_000_000), 10)).status == 413

    played(refuses_large, use)


async def reads_all(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await server.head(reader)
    length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
    assert await reader.readexactly(length) == b"x" * length
    writer.write(OK)


def test_a_large_body_is_sent_as_the_server_takes_it() -> None:
    async def use(_: Server, made: Wires) -> None:
        assert (await made.ask(Asked("POST", "/b", {}, b"x" * 20_000_000), 30)).body == b"ok"

    played(reads_all, use)


async def streams(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for n in range(200):
        writer.write(b"1f40\r\n" + b"%d" % (n % 10) * 8_000 + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")


def test_a_slow_reader_gets_all_of_a_stream_in_order() -> None:
    async def use(_: Server, made: Wires) -> None:
        found = b""
        async with made.follow(GET, opening_s=5, silent_s=5) as (answer, pieces):
            assert answer.status == 200
            async for piece in pieces:
                found += piece
                await asyncio.sleep(0.001)
        assert found == b"".join(b"%d" % (n % 10) * 8_000 for n in range(200))

    played(streams, use)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_no_value_makes_a_header_of_its_own(value: str) -> None:
    async def use(server: Server, made: Wires) -> None:
        with pytest.raises(Permanent, match="more than one line"):
            await made.ask(Asked("GET", "/a", {"Impersonate-User": value}), 5)
        assert server.connections == 0

    played(answers, use)


def test_nobody_there_is_told_with_the_place() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        made = Wires(Way(f"http://127.0.0.1:{port}", None))
        with pytest.raises(Unreached, match=f"127.0.0.1:{port}"):
            asyncio.run(made.ask(GET, 5))


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side, as 127.0.0.1 and localhost, and that of who trusts it."""
    write_identity(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.crt", folder / "server.key")
    return server, ssl.create_default_context(cafile=folder / "ca.crt")


async def tunnels(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy: what CONNECT names is reached, both ways."""
    head = await server.head(reader)
    if "Proxy-Authorization" not in head:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return
    host, port = head.split(" ")[1].rsplit(":", 1)
    there, back = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
        sink.close()

    await asyncio.gather(copy(reader, back), copy(there, writer))


def test_tls_through_a_proxy_that_wants_a_password(tmp_path: Path) -> None:
    theirs, ours = certified(tmp_path)
    target, proxy = Server(answers), Server(tunnels)

    async def whole() -> None:
        async with await target.start(theirs), await proxy.start():
            url = f"https://127.0.0.1:{target.port}"
            made = Wires(Way(url, ours, proxy=f"http://us%40er:pass@127.0.0.1:{proxy.port}"))
            assert (await made.ask(GET, 5)).body == b"ok"
            made.close()
            denied = Wires(Way(url, ours, proxy=f"http://127.0.0.1:{proxy.port}"))
            with pytest.raises(Unreached, match=rf"through the proxy 127.0.0.1:{proxy.port}.*answers 407"):
                await denied.ask(GET, 5)
            denied.close()

    asyncio.run(whole())
    words = base64.b64encode(b"us@er:pass").decode()
    assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{target.port} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {words}\r\n" in proxy.heads[0]
    assert "Proxy-Authorization" not in target.heads[0]


def test_without_tls_a_proxy_is_asked_for_the_whole_address() -> None:
    async def use(server: Server, _: Wires) -> None:
        made = Wires(Way("http://api.example:8080/base", None, proxy=f"http://u:p@127.0.0.1:{server.port}"))
        assert (await made.ask(GET, 5)).body == b"ok"
        made.close()

    server = played(answers, use)
    assert server.heads[0].startswith("GET http://api.example:8080/base/a HTTP/1.1\r\nHost: api.example:8080\r\n")
    assert "Proxy-Authorization: Basic" in server.heads[0]


def test_a_certificate_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    theirs, _ = certified(tmp_path)
    target = Server(answers)

    async def whole() -> None:
        async with await target.start(theirs):
            made = Wires(Way(f"https://127.0.0.1:{target.port}", ssl.create_default_context()))
            with pytest.raises(Unreached, match="certificate verify failed"):
                await made.ask(GET, 5)

    asyncio.run(whole())
    assert target.heads == []


def test_a_server_under_another_name_is_told_by_that_name(tmp_path: Path) -> None:
    theirs, ours = certified(tmp_path)
    target = Server(answers)

    async def whole() -> None:
        async with await target.start(theirs):
            url = f"https://127.0.0.1:{target.port}"
            with pytest.raises(Unreached, match="certificate"):
                await Wires(Way(url, ours, server_name="api.internal")).ask(GET, 5)
            made = Wires(Way(url, ours, server_name="localhost"))
            assert (await made.ask(GET, 5)).body == b"ok"
            made.close()

    asyncio.run(whole())


def test_a_server_that_hangs_up_before_tls_leaves_no_socket_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ours = certified(tmp_path)

    async def hung_up(*_: object, **__: object) -> socket.socket:
        made = socket.create_connection(listener.getsockname())
        there, _ = listener.accept()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it is reset, and not ended
        there.close()
        made.setblocking(False)
        return made

    monkeypatch.setattr(reaching, "start_connection", hung_up)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Wires(Way(f"https://127.0.0.1:{listener.getsockname()[1]}", ours))
        with pytest.raises(Unreached):
            asyncio.run(made.ask(GET, 5))
    gc.collect()  # a socket that was left open would be told now, which is an error in tests
