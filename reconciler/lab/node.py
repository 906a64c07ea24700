"""One service or database as a fluid queue: the mathematics of the lab, one second at a time.

A node holds `x` requests: `b` in service and `q` waiting. With effective servers `c` (the workers, or as many as the CPU can
feed) and service time `s`, the number waiting is that of a stationary queue, q = r^2 / (1 - r) with r = b / c, and requests
leave at b / s. Each second solves b * (1 + 1/s) + q = x + arrivals (an implicit step, one square root), so requests are
conserved exactly and Little's law holds by construction: arrived = succeeded + failed + timed out + rejected + x.

A worker is held while its calls run, so a slow callee fills the queues above it. A call takes what the callee took a second
ago; one that outlives its time-out fails, while the callee still does the work, and is tried again: that is how a retry storm
grows. Latency is a fixed half of the service time and an exponential rest. A database refuses callers once their replicas
hold more connections than it has, and slows down before that. A refused caller hangs until its own time-out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import exp, sqrt
from typing import Any

from reconciler.lab.faults import Effects
from reconciler.lab.profiles import Profile
from reconciler.lab.rollout import Fleet
from reconciler.lab.specs import Call, ServiceSpec

SMOOTH = 0.2  # weight of the newest second in what /metrics shows: about the last five seconds
CROWDED = 0.85  # share of connections above which a database loses time to contention
CONTENTION = 12.0
LEAST_S = 1e-4
NIL = 1e-9


@dataclass(slots=True)
class Flow:
    """Everything a node carries from one second to the next; all of it is stored."""

    x: float = 0.0
    queued: float = 0.0
    arriving: float = 0.0  # calls made in the last second, arriving in the next
    call_ms: float = 0.0  # what the calls of one request took
    call_ok: float = 1.0  # share of requests whose calls all worked
    fixed_ms: float = 0.0  # latency of the last second: fixed part
    tail_ms: float = 1.0  # and mean of the exponential part
    fail: float = 0.0  # share of finished requests that did not succeed
    # counters since the node was created
    arrived: float = 0.0
    succeeded: float = 0.0
    failed: float = 0.0
    timed_out: float = 0.0
    rejected: float = 0.0
    # smoothed, for /metrics
    rate: float = 0.0
    bad_rate: float = 0.0
    done_rate: float = 0.0
    serve_ms: float = 0.0
    wait_ms: float = 0.0
    retry_rate: float = 0.0
    cpu: float = 0.0
    depth: float = 0.0


class Edge:
    """Calls of one node to another; `callee` is None while nobody answers to the name."""

    __slots__ = ("callee", "made", "name", "ratio", "retries", "timeout_ms")

    def __init__(self, call: Call, callee: Node | None, ratio: float) -> None:
        self.name, self.callee, self.ratio = call.service, callee, ratio
        self.timeout_ms, self.retries, self.made = float(call.timeout_ms), call.retries, 0.0


class Node:
    """A service or a database with its replicas, its flow and its calls."""

    __slots__ = ("callers", "cpu_ms", "edges", "effects", "fleet", "flow", "hang", "is_database", "name", "outside", "own_ms",
                 "profile", "released_ms", "request_mib", "served", "shape", "shaped_ms", "stream", "timeout_s")  # fmt: skip

    def __init__(self, name: str, profile: Profile, shape: ServiceSpec, stream: int, now_ms: int) -> None:
        self.name, self.profile, self.shape, self.stream = name, profile, shape, stream
        self.flow, self.fleet = Flow(), Fleet(profile)
        self.edges: list[Edge] = []
        self.callers: list[Node] = []  # of a database: whose replicas hold its connections
        self.is_database = False
        self.hang, self.served, self.released_ms, self.shaped_ms = 0.0, 0.0, now_ms, now_ms
        self.request_mib, self.own_ms, self.cpu_ms = profile.request_mib, profile.own_ms, profile.cpu_ms
        self.effects, self.timeout_s, self.outside = Effects(name, ()), 1.0, 0.0

    def reshape(self, shape: ServiceSpec, effects: Effects, now_ms: int) -> None:
        """Desired state or faults are different from now on."""
        before = self._shape_key()
        self.shape, self.effects = shape, effects
        self.timeout_s = shape.queue_timeout_ms / 1000.0
        self.outside = self.profile.outside * effects.surge
        self.own_ms, self.cpu_ms = self.profile.own_ms * effects.query, self.profile.cpu_ms * effects.query
        self.fleet.settled = False
        self._note_shape(before, now_ms)

    @property
    def held(self) -> int:
        """Connections that the callers' replicas hold."""
        return sum(c.fleet.workers for c in self.callers)

    def serve(self, outside: float, jitter: float, now_ms: int) -> None:
        """Take in what arrives, finish what can be finished in this second."""
        flow, fleet = self.flow, self.fleet
        arrivals = flow.arriving + outside
        flow.arriving = 0.0
        flow.arrived += arrivals
        if fleet.ready == 0:
            self._refuse_all(arrivals)
            return
        refused, servers, pace = self._connections(arrivals) if self.is_database else (0.0, fleet.workers, 1.0)
        service_s = max((self.own_ms * fleet.slow * pace * jitter + flow.call_ms) / 1000.0, LEAST_S)
        cpu_s = self.cpu_ms * pace / 1000.0
        fed = fleet.cores * service_s / cpu_s
        c = min(servers, fed)
        total = flow.x + arrivals - refused
        a = 1.0 + 1.0 / service_s
        half = total + a * c
        b = 2.0 * total * c / (half + sqrt(half * half - 4.0 * (a - 1.0 / c) * total * c))
        served = b / service_s
        waiting = total - served - b
        self._settle(max(0.0, waiting), b, served, refused, service_s, arrivals)
        flow.cpu += SMOOTH * (served * cpu_s / fleet.cores - flow.cpu)
        if self.request_mib * flow.x / fleet.ready > fleet.headroom:
            fleet.kill(now_ms, self.request_mib * flow.x / fleet.ready)

    def _settle(self, waiting: float, b: float, served: float, refused: float, service_s: float, arrivals: float) -> None:
        """Turn away what waits too long or too many, and account for everything."""
        flow, most = self.flow, served * self.timeout_s
        turned = refused
        if waiting > most or waiting > self.fleet.places:
            waiting, turned = self._turn_away(waiting, most, refused)
        good = served * self.fleet.works * flow.call_ok
        bad, done = served - good + turned, served + turned
        flow.x, flow.queued = b + waiting, waiting
        flow.succeeded += good
        flow.failed += served - good
        flow.rejected += refused
        wait_ms = 1000.0 * waiting / served if served > NIL else 0.0
        serve_ms = 1000.0 * service_s
        flow.fixed_ms, flow.tail_ms = 0.5 * serve_ms, 0.5 * serve_ms + wait_ms
        flow.fail = bad / done if done > NIL else 0.0
        self.served = served
        flow.rate += SMOOTH * (arrivals - flow.rate)
        flow.bad_rate += SMOOTH * (bad - flow.bad_rate)
        flow.done_rate += SMOOTH * (done - flow.done_rate)
        flow.serve_ms += SMOOTH * (serve_ms - flow.serve_ms)
        flow.wait_ms += SMOOTH * (wait_ms - flow.wait_ms)
        flow.depth += SMOOTH * (waiting - flow.depth)

    def _turn_away(self, waiting: float, in_time: float, refused: float) -> tuple[float, float]:
        """(who may go on waiting, who is turned away): first the late ones, then those the queue has no place for."""
        late = max(waiting - in_time, 0.0)
        over = max(waiting - late - self.fleet.places, 0.0)
        self.flow.timed_out += late
        self.flow.rejected += over
        return waiting - late - over, refused + late + over

    def _refuse_all(self, arrivals: float) -> None:
        """Nobody is ready: what was inside is lost, what arrives is refused at once."""
        flow = self.flow
        lost, flow.x, flow.queued = flow.x, 0.0, 0.0
        flow.failed += lost
        flow.rejected += arrivals
        flow.fail, flow.fixed_ms, flow.tail_ms = 1.0, 0.5, 0.5
        self.served = 0.0
        flow.rate += SMOOTH * (arrivals - flow.rate)
        flow.bad_rate += SMOOTH * (arrivals + lost - flow.bad_rate)
        flow.done_rate += SMOOTH * (arrivals + lost - flow.done_rate)
        flow.cpu -= SMOOTH * flow.cpu
        flow.depth -= SMOOTH * flow.depth

    def _connections(self, arrivals: float) -> tuple[float, int, float]:
        """(refused queries, usable connections, slow-down) of a database under its callers' connections."""
        held, limit = self.held, self.fleet.workers
        crowd = held / limit - CROWDED
        pace = 1.0 + CONTENTION * crowd * crowd if crowd > 0 else 1.0
        self.hang = min(0.9, 2.0 * (1.0 - limit / held)) if held > limit else 0.0
        return arrivals * self.hang, max(min(limit, held), 1), pace

    def call(self) -> None:
        """Make the calls of what was served in this second; they arrive in the next."""
        spent_ms, ok, retried, served = 0.0, 1.0, 0.0, self.served
        for edge in self.edges:
            ratio, callee = edge.ratio, edge.callee
            if callee is None:
                ok *= max(1.0 - ratio, 0.0)
                continue
            fails, took_ms = self._attempt(callee, edge.timeout_ms)
            power = fails ** (edge.retries + 1)  # the chance that the last try fails too
            attempts = (1.0 - power) / (1.0 - fails) if fails < 1.0 else edge.retries + 1.0
            made = served * ratio * attempts
            callee.flow.arriving += made
            edge.made += made
            retried += made - served * ratio
            spent_ms += ratio * attempts * took_ms
            if power:
                ok *= max(1.0 - ratio * power, 0.0)
        flow = self.flow
        flow.call_ms, flow.call_ok = spent_ms, ok
        flow.retry_rate += SMOOTH * (retried - flow.retry_rate)

    @staticmethod
    def _attempt(callee: Node, timeout_ms: float) -> tuple[float, float]:
        """(chance that one call fails, mean ms until the caller knows)."""
        flow = callee.flow
        fixed, tail = flow.fixed_ms, flow.tail_ms
        left = timeout_ms - fixed
        if left <= 0.0:
            return 1.0, timeout_ms
        if left > 30.0 * tail:
            late, took = 0.0, fixed + tail
        else:
            late = exp(-left / tail)
            took = fixed + tail * (1.0 - late)
        if callee.hang:
            took += callee.hang * (timeout_ms - took)
        return 1.0 - (1.0 - flow.fail) * (1.0 - late), took

    def dump(self) -> dict[str, Any]:
        flow = {f.name: getattr(self.flow, f.name) for f in fields(Flow)}
        made = {e.name: e.made for e in self.edges}
        since = {"released_ms": self.released_ms, "shaped_ms": self.shaped_ms, "shape": self._shape_key()}
        return {"flow": flow, "fleet": self.fleet.dump(), "made": made, "served": self.served, "hang": self.hang, **since}

    def load(self, data: dict[str, Any], now_ms: int) -> None:
        """Everything but the edges, which the world wires. The stored input may be what gave it another shape."""
        self.flow, self.served, self.hang = Flow(**data["flow"]), data["served"], data["hang"]
        self.fleet.load(data["fleet"])
        self.released_ms, self.shaped_ms = data["released_ms"], data["shaped_ms"]
        self._note_shape(data["shape"], now_ms)

    def _shape_key(self) -> list[str | int]:
        return [*self.shape.template, self.shape.replicas]

    def _note_shape(self, before: list[str | int], now_ms: int) -> None:
        now = self._shape_key()
        if before[0] != now[0]:
            self.released_ms = now_ms
        if before != now:
            self.shaped_ms = now_ms
