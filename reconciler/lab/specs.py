"""Desired objects as the lab understands them: strictly read, every fault named by its field.

In comes the `spec:` mapping of a manifest, out goes a frozen `ServiceSpec` or `DatabaseSpec`, or a `SpecError` that says
which field is wrong and what would be right. Nothing is defaulted silently but `calls` and `restart`; unknown keys are
refused. The lab keeps the mapping itself for display and digests, and acts only on what was read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
RELEASE = re.compile(r"[0-9A-Za-z][-+._0-9A-Za-z]{0,39}")
RESTART = re.compile(r"[ -~]{0,80}")
KINDS = ("Service", "Database")
MAX_CALLS = 20


class SpecError(ValueError):
    """One wrong field; the text is `field: what is wrong`."""


@dataclass(frozen=True, slots=True)
class Call:
    service: str
    timeout_ms: int
    retries: int


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    release: str
    replicas: int
    cpu_millis: int
    memory_mib: int
    workers: int
    queue_limit: int
    queue_timeout_ms: int
    calls: tuple[Call, ...] = ()
    restart: str = ""

    @property
    def template(self) -> tuple[str | int, ...]:
        """What a replica is made of: when this differs, replicas are replaced one after the other."""
        return (self.release, self.cpu_millis, self.memory_mib, self.workers, self.restart)


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    connections: int
    cpu_millis: int


Spec = ServiceSpec | DatabaseSpec

SERVICE_KEYS = {"release", "replicas", "cpuMillis", "memoryMiB", "workers", "queue", "calls", "restart"}


def split_id(object_id: str) -> tuple[str, str]:
    """("Service", "checkout") from "Service/checkout"."""
    kind, _, name = object_id.partition("/")
    if kind not in KINDS or not NAME.fullmatch(name):
        raise SpecError(f"id: {object_id[:80]!r} is no Service/<name> or Database/<name>")
    return kind, name


def read_spec(object_id: str, spec: Any) -> Spec:
    """The frozen spec of one object, or a SpecError."""
    kind, name = split_id(object_id)
    return _service(spec, name) if kind == "Service" else _database(spec)


def _service(spec: Any, name: str) -> ServiceSpec:
    data = _mapping(spec, "spec", SERVICE_KEYS, optional={"calls", "restart"})
    queue = _mapping(data["queue"], "queue", {"limit", "timeoutMs"})
    restart = _text({"restart": "", **data}, "restart", RESTART)
    return ServiceSpec(
        release=_text(data, "release", RELEASE),
        replicas=_count(data, "replicas", 0, 50),
        cpu_millis=_count(data, "cpuMillis", 10, 64_000),
        memory_mib=_count(data, "memoryMiB", 16, 262_144),
        workers=_count(data, "workers", 1, 512),
        queue_limit=_count(queue, "limit", 0, 100_000, "queue."),
        queue_timeout_ms=_count(queue, "timeoutMs", 1, 60_000, "queue."),
        calls=_calls(data.get("calls", []), name),
        restart=restart,
    )


def _database(spec: Any) -> DatabaseSpec:
    data = _mapping(spec, "spec", {"connections", "cpuMillis"})
    return DatabaseSpec(connections=_count(data, "connections", 1, 10_000), cpu_millis=_count(data, "cpuMillis", 10, 256_000))


def _calls(calls: Any, name: str) -> tuple[Call, ...]:
    if not isinstance(calls, list) or len(calls) > MAX_CALLS:
        raise SpecError(f"calls: expected a list of at most {MAX_CALLS}")
    found = tuple(_call(item, f"calls[{i}]") for i, item in enumerate(calls))
    callees = [c.service for c in found]
    if name in callees:
        raise SpecError(f"calls: {name} calls itself")
    if len(set(callees)) != len(callees):
        raise SpecError("calls: the same service twice")
    return found


def _call(item: Any, at: str) -> Call:
    data = _mapping(item, at, {"service", "timeoutMs", "retries"})
    return Call(
        service=_text(data, "service", NAME, f"{at}."),
        timeout_ms=_count(data, "timeoutMs", 1, 60_000, f"{at}."),
        retries=_count(data, "retries", 0, 10, f"{at}."),
    )


def _mapping(value: Any, at: str, keys: set[str], optional: frozenset[str] | set[str] = frozenset()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SpecError(f"{at}: expected a mapping")
    if unknown := sorted(str(k) for k in value if k not in keys):
        raise SpecError(f"{at}: unknown key {unknown[0][:40]!r}; known are {', '.join(sorted(keys))}")
    if missing := sorted(keys - optional - set(value)):
        raise SpecError(f"{at}: missing key {missing[0]!r}")
    return value


def _count(data: Mapping[str, Any], key: str, low: int, high: int, at: str = "") -> int:
    value = data[key]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{at}{key}: expected a whole number from {low} to {high}")
    return value


def _text(data: Mapping[str, Any], key: str, pattern: re.Pattern[str], at: str = "") -> str:
    value = data[key]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SpecError(f"{at}{key}: expected text of the form {pattern.pattern}")
    return value
