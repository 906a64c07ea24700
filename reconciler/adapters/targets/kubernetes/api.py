"""Api: requests to one API server, bounded in number, time and size; routine trouble is retried here and nowhere else.

Raw HTTP and not the typed client: the same patch costs a third of the processor time (docs/adr/0012). What is retried: too
many requests, a server that is away or overloaded, a broken connection; with growing pauses, the server's own Retry-After
first. Only idempotent requests are sent twice. What is left is `Refused` (the server said no) or Retryable (nobody knows).
"""

from __future__ import annotations

import asyncio
import functools
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from reconciler.adapters.targets.kubernetes import jsons
from reconciler.adapters.targets.kubernetes.access import Access
from reconciler.adapters.targets.kubernetes.gate import Gate, Rank
from reconciler.adapters.targets.kubernetes.reaching import Unreached, Way
from reconciler.adapters.targets.kubernetes.wires import Asked, Told, Wires
from reconciler.errors import Permanent, Retryable

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
HEADERS = {"User-Agent": "homeostat", "Accept": JSON}
TEXT = "*/*"  # what logs are asked for with; they are refused as text/plain
MAX_ANSWER = 64 * 1024 * 1024  # a page of 500 objects of the largest size that is usual
AGAIN = frozenset({429, 500, 502, 503, 504})
BUSY = frozenset({429, 503, 504})
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
TOKEN_S = 20.0  # how long a token is used before the refresh hook is asked again
SAFE = "/:"  # what names and their separators may hold unquoted
_SAFE_PATH = re.compile(r"[A-Za-z0-9/:._~-]*")  # nothing to quote in it
SILENT_S = 90.0  # a watch sends a bookmark about every minute; without one it is dead


class Refused(Permanent):
    """The server's answer to one request: status, its reason word, its sentence, and which fields it means."""

    def __init__(self, status: int, reason: str, told: str, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{reason or status}: {told}"[:1_000])
        self.status, self.reason, self.told, self.causes = status, reason, told, causes


@dataclass(frozen=True, slots=True)
class Request:
    """`user` is impersonated. `once`: not idempotent, so never sent twice."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content: str = JSON
    user: str = ""
    once: bool = False
    accept: str = JSON

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a try did not work; the server may have said when to come back."""

    told: str
    after_s: float = 0.0


class Api:
    """One cluster, on one event loop. `start` and `stop` belong to whoever owns the loop."""

    def __init__(self, access: Access, *, at_once: int, timeout_s: float) -> None:
        self.access, self.timeout_s = access, timeout_s
        self.gate = Gate(at_once)
        self.requests = 0
        self._wires: Wires | None = None
        self._token, self._token_until, self._token_refused = "", 0.0, False
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Once; asked again, after something failed behind it, nothing more."""
        if self._wires is None:
            self._wires = Wires(Way(self.access.url, self.access.tls, self.access.server_name, self.access.proxy))

    async def stop(self) -> None:
        if self._wires:
            self._wires.close()

    async def get(self, path: str, *, rank: Rank = Rank.USUAL, accept: str = JSON, **params: str) -> Any:
        return await self.send(Request("GET", path, params, accept=accept), rank)

    async def send(self, request: Request, rank: Rank = Rank.USUAL) -> Any:
        """The decoded answer, after as many tries as the time allows."""
        until = asyncio.get_running_loop().time() + self.timeout_s
        pause = FIRST_PAUSE_S
        while True:
            answer = await self._try(request, rank)
            if not isinstance(answer, _Trouble):
                return answer
            wait = max(answer.after_s, pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret: workers must not retry in step)
            if asyncio.get_running_loop().time() + wait > until:
                raise Retryable(f"{self.access.url}: {request} failed: {answer.told}", after_ms=5_000)
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _try(self, request: Request, rank: Rank) -> Any:
        """The answer, or what makes another try worth while."""
        try:
            async with self.gate.turn(rank):
                answer = await self._once(request)
        except OSError as error:
            told = f"{type(error).__name__}: {error}"
            if request.once and not isinstance(error, Unreached):
                raise Retryable(f"{request}: nobody knows whether it was done: {told}") from error
            return _Trouble(told)
        status, raw = answer.status, answer.body
        if status < 300:
            self.gate.fine()
            return raw.decode("utf-8", "replace") if request.accept == TEXT else _json(raw, str(request)) if raw else {}
        refused = _refusal(status, raw)
        if status == 401:
            self._refuse_token()  # the next try has another one, when there is one
        if not (status == 401 and self._token) and (status not in AGAIN or request.once):
            raise refused
        if status in BUSY:
            self.gate.busy()
        return _Trouble(str(refused), _seconds(answer.headers.get("retry-after", "")))

    @asynccontextmanager
    async def watch(self, path: str, params: Mapping[str, str]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The events of one watch until the server ends it. Raises Refused (410: the version is too old) or Retryable."""
        asked = Asked("GET", self._target(path, params), {**HEADERS, **await self.auth()})
        try:
            async with self._open().follow(asked, opening_s=self.timeout_s, silent_s=SILENT_S) as (answer, pieces):
                if answer.status != 200:
                    if answer.status == 401:
                        self._refuse_token()
                    raise _refusal(answer.status, await _first(pieces, 65_536))
                yield _lines(pieces, path)
        except OSError as error:
            raise Retryable(f"the watch of {path} broke: {type(error).__name__}: {error}") from error

    async def _once(self, request: Request) -> Told:
        self.requests += 1
        headers = {**HEADERS, "Accept": request.accept, **await self.auth()}
        if request.body is not None:
            headers["Content-Type"] = request.content
        if request.user:
            headers["Impersonate-User"] = request.user
        asked = Asked(request.method, self._target(request.path, request.params), headers, request.body or b"", MAX_ANSWER)
        return await self._open().ask(asked, self.timeout_s, once=request.once)

    def _refuse_token(self) -> None:
        self._token_until, self._token_refused = 0.0, True

    @staticmethod
    def _target(path: str, params: Mapping[str, str]) -> str:
        safe = path if _SAFE_PATH.fullmatch(path) else quote(path, safe=SAFE)
        return f"{safe}?{_query(tuple(params.items()))}" if params else safe

    def _open(self) -> Wires:
        if self._wires is None or self._wires.closed:
            raise Retryable("the connection to the cluster is closed")
        return self._wires

    async def auth(self) -> dict[str, str]:
        """The header that says who asks; none for client certificates."""
        if asyncio.get_running_loop().time() >= self._token_until:
            await self._renewed()
        return {"Authorization": self._token} if self._token else {}

    async def _renewed(self) -> None:
        """One asks for all, and who has waited long enough goes: a plug-in may hang."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_token(), name="credential")
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may wait any more
        reading = self._reading
        if not (await asyncio.wait({reading}, timeout=self.timeout_s))[0]:
            told = f"the credential for {self.access.url} was not to be had within {self.timeout_s:g} s, and is waited for"
            raise Retryable(told, after_ms=5_000, next_step="look at the plug-in that the kubeconfig names")
        reading.result()

    async def _read_token(self) -> None:
        try:
            self._token = await asyncio.to_thread(self.access.token, refused=self._token_refused)
            self._token_refused = False
            self._token_until = asyncio.get_running_loop().time() + TOKEN_S
        finally:
            self._reading = None


async def _first(pieces: AsyncIterator[bytes], most: int) -> bytes:
    found = b""
    async for piece in pieces:
        found += piece
        if len(found) >= most:
            break
    return found


def _json(raw: bytes, what: str) -> Any:
    try:
        return jsons.read(raw)
    except ValueError as error:
        raise Retryable(f"the answer to {what} is no JSON: {error}", after_ms=5_000) from error


async def _lines(pieces: AsyncIterator[bytes], path: str) -> AsyncIterator[dict[str, Any]]:
    """One JSON map a line; lines may be longer than any piece."""
    rest: list[bytes] = []
    size = 0
    async for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            rest.append(line)
            if joined := b"".join(rest):
                event = _json(joined, f"the watch of {path}")
                if not isinstance(event, dict):
                    raise Retryable(f"the watch of {path} says something that is no event")
                yield event
            rest, size = [], 0
        if last:
            rest.append(last)
            size += len(last)
            if size > MAX_ANSWER:
                raise Retryable(f"the watch of {path} says a line of more than {MAX_ANSWER} bytes")


@functools.lru_cache(maxsize=256)
def _query(params: tuple[tuple[str, str], ...]) -> str:
    """Most requests have one of a few."""
    return urlencode(params)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _refusal(status: int, raw: bytes) -> Refused:
    """What the server's Status object says; anything else is shown as it came, capped."""
    try:
        told = jsons.read(raw)
        details = told.get("details") or {}
        causes = tuple(
            (str(c.get("field", "")), str(c.get("message", ""))) for c in details.get("causes") or () if isinstance(c, dict)
        )
        return Refused(status, str(told.get("reason") or ""), str(told.get("message") or ""), causes)
    except (ValueError, TypeError, AttributeError):
        return Refused(status, "", raw[:300].decode("utf-8", "replace"))
