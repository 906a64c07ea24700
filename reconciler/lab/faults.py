"""Faults: what goes wrong with the world, as values with strictly read JSON forms.

    {"kind": "bad-release", "service": "checkout", "release": "1.5.0", "mode": "slow", "factor": 8}     own time times 8
    {"kind": "bad-release", "service": "checkout", "release": "1.5.0", "mode": "failing", "factor": 0.4} 40 % fail
    {"kind": "leak", "service": "cart", "release": "", "factor": 60}       MiB a minute and replica ("" is every release)
    {"kind": "surge", "service": "search", "factor": 2.5}                  times the load that reaches this service
    {"kind": "slow-database", "service": "orders-db", "factor": 3}         every query costs three times the CPU and time
    {"kind": "surge", "service": "search", "factor": 2, "seconds": 60}     any of these may end by itself
    {"kind": "hand-edit", "id": "Service/cart", "set": {"replicas": 1}}    somebody edits the live object: drift
    {"kind": "hand-delete", "id": "Service/cart"}                          somebody deletes it: drift

A bad release is bound to the release, so a rollback cures it and nothing else does. Hand edits happen once and leave no fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.lab.specs import NAME, RELEASE, SpecError, split_id

# kind -> (lowest factor, highest factor)
FAULTS: Mapping[str, tuple[float, float]] = {
    "bad-release": (0.0, 100.0),
    "leak": (0.0, 100_000.0),
    "surge": (0.0, 100.0),
    "slow-database": (0.1, 100.0),
}
MODES = ("slow", "failing")
MAX_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Fault:
    id: str
    kind: str
    service: str
    factor: float
    release: str = ""
    mode: str = ""
    until_ms: int = 0  # simulated time at which it ends by itself, 0 never

    def shown(self) -> dict[str, Any]:
        """The JSON form, with the id."""
        always: dict[str, Any] = {"id": self.id, "kind": self.kind, "service": self.service, "factor": self.factor}
        if self.kind in ("bad-release", "leak"):
            always["release"] = self.release
        if self.mode:
            always["mode"] = self.mode
        return {**always, "until_ms": self.until_ms} if self.until_ms else always


@dataclass(frozen=True, slots=True)
class HandEdit:
    """A live object changed behind Git's back; `fields` None deletes it."""

    object_id: str
    fields: Mapping[str, Any] | None


def read_fault(data: Any, fault_id: str, now_ms: int = 0) -> Fault | HandEdit:
    """A fault from its JSON form, or a SpecError that names the field."""
    if not isinstance(data, Mapping):
        raise SpecError("fault: expected an object")
    kind = data.get("kind")
    if kind in ("hand-edit", "hand-delete"):
        return _hand_edit(data)
    if not isinstance(kind, str) or kind not in FAULTS:
        raise SpecError(f"kind: expected one of {', '.join((*FAULTS, 'hand-edit', 'hand-delete'))}")
    return _fault(data, kind, fault_id, now_ms)


def _fault(data: Mapping[str, Any], kind: str, fault_id: str, now_ms: int) -> Fault:
    bound_to_release = kind in ("bad-release", "leak")
    _refuse_unknown(data, {"kind", "service", "factor", "seconds"}, {"release"} if bound_to_release else set(), {"mode"}, kind)
    release, mode = data.get("release", ""), data.get("mode", "")
    if kind == "bad-release" and mode not in MODES:
        raise SpecError(f"mode: expected one of {', '.join(MODES)}")
    if bound_to_release and not (isinstance(release, str) and (RELEASE.fullmatch(release) or (kind == "leak" and not release))):
        raise SpecError(f"release: expected text of the form {RELEASE.pattern}")
    low, high = (0.0, 1.0) if mode == "failing" else FAULTS[kind]
    seconds = data.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= 86_400:
        raise SpecError("seconds: expected a whole number from 0 to 86400")
    until_ms = now_ms + seconds * 1000 if seconds else 0
    return Fault(fault_id, kind, _name(data), _factor(data, low, high), release, mode, until_ms)


def _refuse_unknown(data: Mapping[str, Any], always: set[str], bound: set[str], mode: set[str], kind: str) -> None:
    known = always | bound | (mode if kind == "bad-release" else set())
    if unknown := sorted(str(k) for k in data if k not in known):
        raise SpecError(f"{kind}: unknown key {unknown[0][:40]!r}; known are {', '.join(sorted(known))}")


def _name(data: Mapping[str, Any]) -> str:
    service = data.get("service")
    if not isinstance(service, str) or not NAME.fullmatch(service):
        raise SpecError(f"service: expected text of the form {NAME.pattern}")
    return service


def _factor(data: Mapping[str, Any], low: float, high: float) -> float:
    factor = data.get("factor")
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not math.isfinite(factor) or not low <= factor <= high:
        raise SpecError(f"factor: expected a number from {low:g} to {high:g}")
    return float(factor)


def _hand_edit(data: Mapping[str, Any]) -> HandEdit:
    _refuse_unknown(data, {"kind", "id"}, {"set"} if data["kind"] == "hand-edit" else set(), set(), data["kind"])
    object_id = data.get("id")
    if not isinstance(object_id, str):
        raise SpecError("id: expected an object id")
    split_id(object_id)
    if data["kind"] == "hand-delete":
        return HandEdit(object_id, None)
    fields = data.get("set")
    if not isinstance(fields, Mapping) or not fields or len(fields) > 20:
        raise SpecError("set: expected an object of fields to overwrite")
    return HandEdit(object_id, dict(fields))


class Effects:
    """The faults of one service, ready for the step: recomputed when faults change, read every second."""

    def __init__(self, service: str, faults: tuple[Fault, ...]) -> None:
        mine = [f for f in faults if f.service == service]
        self.surge = math.prod(f.factor for f in mine if f.kind == "surge")
        self.query = math.prod(f.factor for f in mine if f.kind == "slow-database")
        self._releases = [f for f in mine if f.kind == "bad-release"]
        self._leaks = [f for f in mine if f.kind == "leak" and f.factor > 0]

    def slow(self, release: str) -> float:
        return math.prod(f.factor for f in self._releases if f.mode == "slow" and f.release == release)

    def errors(self, release: str) -> float:
        return 1.0 - math.prod(1.0 - f.factor for f in self._releases if f.mode == "failing" and f.release == release)

    def leak(self, release: str) -> float:
        """MiB a second for one replica."""
        return sum(f.factor for f in self._leaks if f.release in ("", release)) / 60.0
