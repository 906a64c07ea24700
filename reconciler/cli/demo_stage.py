"""The demo's stage: an installation with the lab for a world, and a clock that the demo moves."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.cli.demo_site import Site
from reconciler.errors import Permanent

STEP_MS = 5_000
SETTLE_S = 20


@dataclass
class Stage(Site):
    """One installation, its lab, and the people around it."""

    def start(self) -> None:
        """On the embedded defaults."""
        self.init("--clock", "stepped", "--lab-port", "0", settings="turnSeconds: 0.01\n")
        self._lab = str(self.up()["lab"])

    # time

    @property
    def clock(self) -> SteppedClock:
        return SteppedClock(self.home.clock)

    def now_ms(self) -> int:
        return self.clock.now()

    def settle(self) -> None:
        """Until the loop has taken a whole turn with nothing to do at the present time."""
        before, now = self.ready()["turns"], self.clock.now()

        def settled() -> bool:
            state = self.ready()
            return bool(state["settled_ms"] >= now and state["turns"] > before)

        self._wait("the loop did not settle", settled, SETTLE_S)

    def advance(self, seconds: int) -> None:
        for _ in range(0, seconds * 1_000, STEP_MS):
            self.clock.advance(STEP_MS)
            self.settle()

    def until(self, what: Callable[[], bool], seconds: int, said: str) -> int:
        """Advances until something can be seen; how many seconds of lab time that took."""
        for passed in range(0, seconds + 1, STEP_MS // 1_000):
            if what():
                return passed
            self.progress(f"{said}, {passed} s of lab time")
            self.advance(STEP_MS // 1_000)
        raise Permanent(f"not seen within {seconds} s of lab time: {said}", next_step=f"look at {self.folder}/up.log")

    # the lab: the world

    def lab(self) -> dict[str, Any]:
        return dict(self._get(self._lab + "/state"))

    def live(self, service: str, name: str) -> Any:
        return self.lab()["services"][service]["spec"].get(name)

    def metric(self, service: str, name: str) -> float:
        return float(self.lab()["services"][service]["metrics"][name])

    def fault(self, **fault: Any) -> str:
        return str(self._send(self._lab + "/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"})["id"])

    def heal(self) -> None:
        """The world's own trouble ends."""
        self._send(self._lab + "/reset-faults", b"{}", {"Content-Type": "application/json"})

    def alert(self, name: str, service: str) -> None:
        """Alertmanager delivers: signed over the raw body, with the shared secret."""
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.now() / 1_000))
        alert = {
            "status": "firing", "labels": {"alertname": name, "service": service, "severity": "critical"},
            "annotations": {}, "startsAt": started, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "c0ffee0000000001",
        }  # fmt: skip
        body = {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "homeostat", "alerts": [alert]}
        raw = json.dumps(body).encode()
        secret = self.home.secret.read_text(encoding="utf-8").strip().encode()
        signature = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
        self._send(
            self._web + "/webhooks/alertmanager", raw, {"X-Homeostat-Signature": signature, "Content-Type": "application/json"}
        )
