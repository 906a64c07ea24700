"""What an API server says that is no answer: told as an error that the loop knows, never as a crash."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.adapters.targets.kubernetes.access import Access
from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.errors import Retryable


def asked(answer: bytes, *, watched: bool = False) -> Any:
    """What a server that says this to everybody makes of one request, or of the first event of a watch."""

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def whole() -> Any:
        async with await asyncio.start_server(says, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            access = SimpleNamespace(url=url, tls=None, server_name=None, proxy=None, token=lambda **_: "")
            api = Api(cast("Access", access), at_once=2, timeout_s=0.2)
            api.start()
            try:
                if not watched:
                    return await api.get("/x")
                async with api.watch("/x", {}) as events:
                    return [event async for event in events]
            finally:
                await api.stop()

    return asyncio.run(whole())


def said(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "\r\n"]).encode("latin-1") + body


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"{", b'"\\ud800"', b"[" * 5_000])
@pytest.mark.parametrize("watched", [False, True])
def test_what_is_no_json_is_tried_again_later(body: bytes, watched: bool) -> None:
    with pytest.raises(Retryable, match="no JSON"):
        asked(said("200 OK", body + b"\n"), watched=watched)


def test_an_event_is_a_map() -> None:
    assert asked(said("200 OK", b'{"type": "ADDED"}\n\n{"type": "DELETED"}\n'), watched=True) == [
        {"type": "ADDED"},
        {"type": "DELETED"},
    ]
    with pytest.raises(Retryable, match="no event"):
        asked(said("200 OK", b"5\n"), watched=True)


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("body", [b"no", b"5", b'{"details": {"causes": 5}}', b'{"details": 5}', b'{"details": {"causes": [1]}}'])
def test_a_refusal_of_any_shape_is_one(body: bytes, watched: bool) -> None:
    with pytest.raises(Refused) as refused:
        asked(said("403 Forbidden", body), watched=watched)
    assert refused.value.status == 403


def test_a_time_to_come_back_that_is_none_is_not_waited_for() -> None:
    with pytest.raises(Retryable, match="failed"):
        asked(said("503 Busy", b"{}", "Retry-After: \xb2"))


class Keys:
    """A server that knows one credential, and who has an old one, or none, until it is refused."""

    def __init__(self, old: str) -> None:
        self.old, self.sent, self.url = old, list[str](), ""
        self.tls = self.server_name = self.proxy = None

    def token(self, *, refused: bool) -> str:
        return "Bearer new" if refused else self.old

    async def says(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.sent.append(head.partition("Authorization: ")[2].partition("\r\n")[0])
        writer.write(said("200 OK", b"{}") if self.sent[-1] == "Bearer new" else said("401 Unauthorized", b"{}"))
        await writer.drain()
        writer.close()

    async def served(self, use: Callable[[Api], Coroutine[Any, Any, None]]) -> None:
        async with await asyncio.start_server(self.says, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            api = Api(cast("Access", self), at_once=2, timeout_s=5)
            api.start()
            try:
                await use(api)
            finally:
                await api.stop()


def test_a_token_that_is_refused_is_read_again_and_the_request_sent_once_more() -> None:
    keys = Keys("Bearer old")

    async def use(api: Api) -> None:
        assert await api.send(Request("POST", "/x", body=b"{}", once=True)) == {}  # it was not done the first time

    asyncio.run(keys.served(use))
    assert keys.sent == ["Bearer old", "Bearer new"]


def test_who_had_no_credential_and_is_refused_looks_for_one_before_the_next_request() -> None:
    keys = Keys("")

    async def use(api: Api) -> None:
        with pytest.raises(Refused):
            await api.get("/x")
        assert await api.get("/x") == {}

    asyncio.run(keys.served(use))
    assert keys.sent == ["", "Bearer new"]


def test_a_credential_that_is_not_to_be_had_is_waited_for_only_so_long_and_asked_for_once() -> None:
    """A plug-in that hangs, as one does that waits for a browser, takes neither the turn nor all threads with it."""
    begun, proceed = list[bool](), threading.Event()

    class Hanging(Keys):
        def token(self, *, refused: bool) -> str:
            begun.append(refused)
            proceed.wait(10)
            return "Bearer new"

    keys = Hanging("")

    async def use(api: Api) -> None:
        api.timeout_s = 0.1
        found = await asyncio.gather(*(api.get("/x") for _ in range(8)), return_exceptions=True)
        assert all(isinstance(f, Retryable) and "credential" in str(f) for f in found), found
        proceed.set()
        api.timeout_s = 5
        assert await api.get("/x") == {}

    asyncio.run(keys.served(use))
    assert begun == [False]
