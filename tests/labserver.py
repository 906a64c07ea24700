"""The lab of a home inside the test's own process, over real HTTP, with one switch: its measurements can be cut off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.lab.server import Handler, Lab, make_server
from reconciler.lab.world import World
from reconciler.settings import Home


class MutableHandler(Handler):
    """The lab's own handler, whose measurements can be cut off while everything else goes on."""

    def __init__(self, muted: threading.Event, lab: Lab, *arguments: Any) -> None:
        self.muted = muted
        super().__init__(lab, *arguments)

    def do_GET(self) -> None:  # noqa: N802 - the base class named it so
        if self.muted.is_set() and self.path == "/metrics":
            self.close_connection = True
            self._send(503, "no measurements today\n")
            return
        super().do_GET()


@contextmanager
def serving(home: Home) -> Iterator[tuple[str, threading.Event]]:
    """The lab of a home, serving; its address, and the switch that silences its measurements."""
    home.lab.mkdir(exist_ok=True)
    world = World(home.lab, SteppedClock(home.clock), 7)
    server = make_server(world, "127.0.0.1", 0)
    muted = threading.Event()
    server.RequestHandlerClass = partial(MutableHandler, muted, Lab(world))  # type: ignore[assignment]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", muted
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
