"""Gate: what is proved about a request before a view sees it, in this order; each refusal is a page with a sentence.

1. Host: our own local name and port, or an address that the installation lists. A rebound DNS name is neither (403).
2. A post comes from our own page: `Origin` is ours and `Sec-Fetch-Site`, where sent, says same-origin. Another port of
   localhost is the same *site* but not the same origin, so this holds between neighbours on one machine, too (403).
3. The body is a small form of known shape, read within a time (415, 413, 408, 400).
4. The session of the cookie, alive, of a principal that Trust still knows (401).
5. The form carries the session's own token (403).

Then the view runs in a worker thread, because it reads Git and SQLite. Every answer, refusals included, carries HEADERS.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.requests import ClientDisconnect

from reconciler.commands.people import Person, require, vouched
from reconciler.console.index import RecordIndex
from reconciler.console.pages import Page, Redirect, render
from reconciler.console.sessions import LASTS_MS, Failures, Session, Sessions
from reconciler.documents.trust import Role
from reconciler.errors import HomeostatError, Misconfigured, Permanent, Retryable, Tampered
from reconciler.ports.signing import Signer
from reconciler.settings import Home
from reconciler.steps.world import World

COOKIE = "homeostat_session"
MAX_BODY = 16_384  # the longest form is a review with its text
BODY_SECONDS = 10.0
MAX_FIELDS = 20
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send `Origin: null` from our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Deps:
    """What the pages need. `reviewer` is the review role's key, `wake` tells the loop that there is work, `origins` are
    further addresses that people reach the page by (`https://homeostat.example.org` behind a proxy).
    """

    world: World
    home: Home
    reviewer: Signer
    wake: Callable[[], None]
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What requests of one process share."""

    deps: Deps
    records: RecordIndex
    sessions: Sessions
    failures: Failures = field(default_factory=Failures)
    looking: threading.Lock = field(default_factory=threading.Lock)  # one page at a time asks targets

    @functools.cached_property
    def looker(self) -> World:
        """The same world with renders of its own: the loop's belong to its thread."""
        return dataclasses.replace(self.deps.world)


class Refused(Exception):
    """An answer that is not the page that was asked for."""

    def __init__(self, status: int, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.next_step = status, message, next_step


@dataclass(frozen=True)
class Visit:
    """One request that has passed the gate."""

    desk: Desk
    request: Request
    form: Mapping[str, str]
    cookie: str
    session: Session | None

    @property
    def deps(self) -> Deps:
        return self.desk.deps

    @property
    def world(self) -> World:
        return self.desk.deps.world

    @property
    def number(self) -> int:
        return int(self.request.path_params["number"])

    def query(self, name: str) -> str:
        return str(self.request.query_params.get(name, ""))[:200]

    def person(self, role: Role, units: tuple[str, ...] = ()) -> Person:
        """Who is logged in, if they have this role; 403 with the line of Trust when they do not."""
        person = vouched(self.world, self.session.principal if self.session else "")
        try:
            require(self.world, person, role, units)
        except Misconfigured as error:
            raise Refused(403, error.message, error.next_step) from error
        return person

    def may(self, role: Role, units: tuple[str, ...] = ()) -> bool:
        """Whether a form is worth showing."""
        return self.session is not None and self.world.people().may(self.session.principal, role, units)


View = Callable[[Visit], Page | Redirect]


class Gate:
    """Wraps views into endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoint(self, view: View, *, login: bool = True) -> Callable[[Request], Awaitable[Response]]:
        """The numbered steps, then the view. `login=False` is for the login page alone."""

        async def answer(request: Request) -> Response:
            try:
                own = self._own_origin(request)  # 1
                form: Mapping[str, str] = {}
                if request.method == "POST":
                    _same_origin(request, own)  # 2
                    form = await _form(request)  # 3
            except Refused as refused:
                return self._response(_problem(refused), None, request)
            return await run_in_threadpool(self._visit, view, request, form, login)

        return answer

    def _visit(self, view: View, request: Request, form: Mapping[str, str], login: bool) -> Response:
        cookie = _cookie(request)
        session: Session | None = None
        try:
            session = self._session(cookie)  # 4
            visit = Visit(self._desk, request, form, cookie, session)
            if login and session is None:
                return self._response(_stranger(request), None, request)
            if request.method == "POST" and session is not None:
                _own_form(session, form)  # 5
            return self._response(view(visit), session, request)
        except Refused as refused:
            return self._response(_problem(refused), session, request)
        except HomeostatError as error:
            return self._response(_problem(_refusal(error)), session, request)

    def _own_origin(self, request: Request) -> str:
        host = request.headers.get("host", "").lower()
        server = request.scope.get("server") or ("", None)
        names = {f"{name}:{server[1]}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if server[1] == 80:
            names |= {"127.0.0.1", "localhost", "[::1]"}
        if host in names:
            return f"http://{host}"
        listed = {urlsplit(origin).netloc.lower(): origin.lower().rstrip("/") for origin in self._desk.deps.origins}
        if host not in listed or not host:
            raise Refused(403, "this address is not one of mine", "open the address that `homeostat status` shows")
        return listed[host]

    def _session(self, cookie: str) -> Session | None:
        world = self._desk.deps.world
        session = self._desk.sessions.find(cookie, world.clock.wall()) if cookie else None
        if session is None:
            return None
        try:
            vouched(world, session.principal)
        except Permanent:
            self._desk.sessions.end(cookie)
            return None
        return session

    def _response(self, answer: Page | Redirect, session: Session | None, request: Request) -> Response:
        secure = request.url.scheme == "https" or any(o.startswith("https:") for o in self._desk.deps.origins)
        if isinstance(answer, Redirect):
            response: Response = RedirectResponse(answer.to, status_code=303, headers=HEADERS)
            if answer.cookie:
                response.set_cookie(
                    COOKIE, answer.cookie, max_age=LASTS_MS // 1_000, path="/", httponly=True, samesite="strict", secure=secure
                )
            elif answer.cookie is not None:
                response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=secure)
            return response
        return _shown(answer, session, request, self._desk.deps.world)


def nowhere(world: World) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What nobody answers: a page for whoever looks, which needs no login, and a word for programs."""

    async def answer(request: Request, _: Exception) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return _shown(_problem(Refused(404, "there is no page at this address", "begin at the overview")), None, request, world)

    return answer


def _shown(answer: Page, session: Session | None, request: Request, world: World) -> Response:
    values = {
        "who": session.principal if session else "",
        "csrf": session.csrf if session else "",
        "flash": session.told() if session and answer.status == 200 else "",
        "now_ms": world.clock.now(),
        "repository": world.repository,
        "path": request.url.path,
    }
    return HTMLResponse(render(answer, values), status_code=answer.status, headers=HEADERS)


def _same_origin(request: Request, own: str) -> None:
    """Step 2. A browser always sends Origin with a post; who does not send it has to name ours."""
    origin, site = request.headers.get("origin", "").lower(), request.headers.get("sec-fetch-site", "same-origin")
    if origin != own or site != "same-origin":
        raise Refused(403, "this form was sent from another page", "open the page itself and send it from there")


def _own_form(session: Session, form: Mapping[str, str]) -> None:
    """Step 5."""
    if not session.accepts(form.get("csrf", "")):
        raise Refused(403, "this form is not from your session", "open the page again and send it from there")


async def _form(request: Request) -> dict[str, str]:
    """Step 3."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refused(415, "this is not a form", "send it from the page")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Refused(413, f"the form is larger than {MAX_BODY} bytes", "write a shorter text")
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except TimeoutError as error:
        raise Refused(408, "the form did not arrive in time", "send it again") from error
    except (ValueError, ClientDisconnect) as error:
        raise Refused(400, "the form cannot be read", "send it from the page") from error
    if len(dict(pairs)) != len(pairs):
        raise Refused(400, "the form says something twice", "send it from the page")
    return dict(pairs)


def _cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")[:4_096]).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _stranger(request: Request) -> Page:
    """Not logged in. The cookie does not come along from another site, so a link from there may only seem logged out."""
    elsewhere = request.headers.get("sec-fetch-site", "") == "cross-site" and request.method == "GET"
    return Page("stranger.html", {"again": request.url.path if elsewhere else ""}, 401)


def _refusal(error: HomeostatError) -> Refused:
    statuses = ((Retryable, 503), (Tampered, 500), (Misconfigured, 422))
    status = next((code for kind, code in statuses if isinstance(error, kind)), 409)
    return Refused(status, error.message, error.next_step)


def _problem(refused: Refused) -> Page:
    return Page(
        "problem.html", {"message": refused.message, "next_step": refused.next_step, "status": refused.status}, refused.status
    )
