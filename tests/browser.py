"""The operator's page over real HTTP: a server in a thread, and a browser that keeps cookies and sends what browsers send."""

from __future__ import annotations

import html
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from installation import Installation

from reconciler.adapters.https import trusted
from reconciler.bootstrap.web import make_app
from reconciler.console.logins import make_login

TAGS = re.compile(r"<[^>]+>")


class Browser:
    """One person at one address. `said(answer)` is the text without tags."""

    def __init__(self, site: Installation, base: str) -> None:
        self.site, self.base = site, base
        self.client = httpx.Client(base_url=base, timeout=30, verify=trusted())

    def login(self, name: str = "ada") -> Browser:
        token = make_login(self.site.home, name, self.site.clock.wall())
        assert self.post("/login", {"token": token}).status_code == 303
        return self

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """As our own page sends it, unless a header says otherwise."""
        named = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post(path, data=form, headers={k: v for k, v in named.items() if v})

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/").text)
        assert found
        return html.unescape(found[1])

    def send(self, path: str, **form: str) -> httpx.Response:
        """A form with this session's own token."""
        return self.post(path, {"csrf": self.csrf()} | form)


def said(answer: httpx.Response) -> str:
    return " ".join(html.unescape(TAGS.sub(" ", answer.text.split("</head>", 1)[-1])).split())


class Door:
    """A served installation: makes browsers and closes them; `woken` says whether an action woke the loop."""

    def __init__(self, site: Installation, base: str, woken: threading.Event) -> None:
        self.site, self.base, self.woken = site, base, woken
        self._open: list[Browser] = []

    def browser(self) -> Browser:
        self._open.append(Browser(self.site, self.base))
        return self._open[-1]

    def close(self) -> None:
        for browser in self._open:
            browser.client.close()


@contextmanager
def served(site: Installation) -> Iterator[Door]:
    """The whole application at an address of its own."""
    woken = threading.Event()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)  # who comes before the server is up waits instead of being refused
    app = make_app(site.system, woken.set)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    door = Door(site, f"http://127.0.0.1:{listener.getsockname()[1]}", woken)
    try:
        yield door
    finally:
        door.close()
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def waiting_repair(site: Installation) -> int:
    """A bad release whose rollback wants a person; the number of its pull request."""
    site.allow("rollback-release", "review")
    site.settle()
    site.fault(kind="bad-release", service="checkout", release="1.5.0", mode="slow", factor=8)
    site.push({"apps/shop/checkout.yaml": ("1.4.2", "1.5.0")}, "Release checkout 1.5.0")
    site.settle()
    site.until(lambda: any(p.effect == "review" for p in site.system.world.forge.list("open")))
    return site.system.world.forge.list("open")[0].number
