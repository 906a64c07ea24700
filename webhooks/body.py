"""The raw body of a request: bounded in bytes and time, never decompressed, complete or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """An answer other than 202: status, what is wrong, what to do."""

    status: int
    reason: str
    message: str
    next_step: str


async def read_body(request: Request, most: int, seconds: float, encodings: Collection[str] = ("identity",)) -> bytes:
    """Counts while it reads: a missing or lying Content-Length changes nothing."""
    if request.headers.get("content-encoding", "identity") not in encodings:
        raise Refused(415, "encoded", f"only a body that is {' or '.join(encodings)} is accepted", "send it plain")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, most)
    except TimeoutError as error:
        raise Refused(408, "slow", f"the body did not arrive within {seconds:g} s", "deliver again") from error
    except ClientDisconnect as error:
        raise Refused(400, "truncated", "the sender hung up before the body was complete", "deliver again") from error


async def _read(request: Request, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(most: int) -> Refused:
    return Refused(413, "too-large", f"the body is larger than {most} bytes", "send fewer items at once")
