"""Replicas of one service: how desired state becomes running capacity, with its own delay.

A replica is made of a template (release, CPU, memory, workers, restart word). Scaling out starts replicas, which are ready
after the profile's start-up time and warm some time later; scaling in stops them at once. A new template replaces replicas a
quarter at a time, new before old, so a rollout costs time but no capacity. A replica over its memory limit is killed and
starts again, later each time. `tick` runs only while something moves; the sums it leaves are what a node works with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.lab.faults import Effects
from reconciler.lab.profiles import Profile
from reconciler.lab.specs import ServiceSpec

PRESSURE_FROM = 0.85  # share of memory above which collecting garbage costs time
PRESSURE = 5.0
CRASH_WAIT_MS = 5_000
CRASH_WAIT_MOST_MS = 60_000


@dataclass(slots=True)
class Replica:
    template: tuple[str | int, ...]
    release: str
    cpu_millis: int
    memory_mib: int
    workers: int
    ready_ms: int
    leaked: float = 0.0
    crashes: int = 0
    place: int = 0  # replicas leak at slightly different rates, so that they do not die in the same second


@dataclass(slots=True)
class Fleet:
    """The replicas of one service and what they add up to."""

    profile: Profile
    replicas: list[Replica] = field(default_factory=list)
    restarts: int = 0
    started: int = 0
    settled: bool = False
    oom_ms: int = -1_000_000_000  # when a replica was last killed
    # sums over ready replicas
    ready: int = 0
    workers: int = 0
    cores: float = 0.0
    slow: float = 1.0  # mean factor on the profile's own time
    works: float = 1.0  # mean share that does not fail by itself
    places: int = 0  # waiting requests that all queues can hold
    memory: float = 0.0  # mean share of the limit, without requests
    headroom: float = 1e9  # least free MiB of any replica, without requests

    def tick(self, now_ms: int, spec: ServiceSpec, effects: Effects) -> None:
        """Move one second towards the spec and sum up."""
        self._leak(now_ms, effects)
        self._converge(now_ms, spec)
        self._sum(now_ms, spec, effects)

    def kill(self, now_ms: int, request_mib: float) -> None:
        """The kernel kills every ready replica whose memory is over its limit."""
        for replica in self.replicas:
            over = self.profile.memory_mib + replica.leaked + request_mib > replica.memory_mib
            if over and replica.ready_ms <= now_ms:
                self._restart(replica, now_ms)
        self.settled = False

    def restart_all(self, now_ms: int) -> None:
        """Every replica at once, without waiting for each other; what leaked is given back."""
        for replica in self.replicas:
            replica.leaked, replica.ready_ms = 0.0, now_ms + self.profile.startup_ms
        self.settled = False

    def rolling(self, spec: ServiceSpec) -> bool:
        return len(self.replicas) != spec.replicas or any(r.template != spec.template for r in self.replicas)

    def releases(self, now_ms: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for replica in self.replicas:
            if replica.ready_ms <= now_ms:
                found[replica.release] = found.get(replica.release, 0) + 1
        return dict(sorted(found.items()))

    def _restart(self, replica: Replica, now_ms: int) -> None:
        replica.crashes += 1
        wait = min(CRASH_WAIT_MS * 2 ** min(replica.crashes - 1, 10), CRASH_WAIT_MOST_MS)
        replica.leaked, replica.ready_ms = 0.0, now_ms + self.profile.startup_ms + wait
        self.restarts += 1
        self.oom_ms = now_ms

    def _leak(self, now_ms: int, effects: Effects) -> None:
        for replica in self.replicas:
            if replica.ready_ms <= now_ms:
                replica.leaked += effects.leak(replica.release) * (1.0 + 0.07 * (replica.place % 5))

    def _converge(self, now_ms: int, spec: ServiceSpec) -> None:
        template, wanted = spec.template, spec.replicas
        new = [r for r in self.replicas if r.template == template]
        old = [r for r in self.replicas if r.template != template]
        new = new[:wanted]
        while len(new) < wanted and len(new) + len(old) < wanted + max(1, wanted // 4):
            new.append(self._start(spec, now_ms))
        old.sort(key=lambda r: r.ready_ms)  # those that serve go last
        ready_new = sum(r.ready_ms <= now_ms for r in new)
        keep = min(len(old), wanted - ready_new)
        self.replicas = [*old[: max(keep, 0)], *new]

    def _start(self, spec: ServiceSpec, now_ms: int) -> Replica:
        self.started += 1
        ready_ms = now_ms + self.profile.startup_ms
        size = (spec.cpu_millis, spec.memory_mib, spec.workers)
        return Replica(spec.template, spec.release, *size, ready_ms=ready_ms, place=self.started)

    def _cold(self, replica: Replica, now_ms: int) -> float:
        """The factor for caches that are not warm yet, falling to 1."""
        left = 1.0 - (now_ms - replica.ready_ms) / max(self.profile.warm_ms, 1)
        return 1.0 + (self.profile.cold - 1.0) * max(left, 0.0)

    def _sum(self, now_ms: int, spec: ServiceSpec, effects: Effects) -> None:
        serving = [r for r in self.replicas if r.ready_ms <= now_ms]
        self.ready = len(serving)
        self.workers = sum(r.workers for r in serving)
        self.cores = sum(r.cpu_millis for r in serving) / 1000.0
        shares = [(self.profile.memory_mib + r.leaked) / r.memory_mib for r in serving]
        self.memory = sum(shares) / len(shares) if shares else 0.0
        self.headroom = min((r.memory_mib - self.profile.memory_mib - r.leaked for r in serving), default=1e9)
        weight = self.workers or 1
        pressed = [1.0 + PRESSURE * max(share - PRESSURE_FROM, 0.0) for share in shares]
        paced = [p * self._cold(r, now_ms) * effects.slow(r.release) for r, p in zip(serving, pressed, strict=True)]
        self.slow = sum(r.workers * p for r, p in zip(serving, paced, strict=True)) / weight if serving else 1.0
        failing = sum(r.workers * effects.errors(r.release) for r in serving) / weight
        self.works = (1.0 - failing) * (1.0 - self.profile.errors)
        self.places = spec.queue_limit * self.ready
        leaking = any(effects.leak(r.release) > 0 for r in serving)
        warm = all(r.ready_ms + self.profile.warm_ms <= now_ms for r in self.replicas)
        self.settled = warm and not leaking and not self.rolling(spec)

    def dump(self) -> dict[str, Any]:
        rows = [
            [list(r.template), r.cpu_millis, r.memory_mib, r.workers, r.ready_ms, r.leaked, r.crashes, r.place]
            for r in self.replicas
        ]
        return {"replicas": rows, "restarts": self.restarts, "started": self.started, "oom_ms": self.oom_ms}

    def load(self, data: dict[str, Any]) -> None:
        self.restarts, self.started, self.oom_ms = data["restarts"], data["started"], data["oom_ms"]
        self.replicas = [Replica(tuple(row[0]), row[0][0], *row[1:]) for row in data["replicas"]]
