"""The world under its Clock: desired state and faults go in, seconds go by, numbers come out.

`advance()` simulates whole seconds up to the Clock's now; every public method does so first, under one lock. Inputs (a plan, a
fault) are on disk before they act, stamped with the simulated second: a killed process starts from the last snapshot and
simulates the same seconds again, to the same numbers. A clock that stands still or goes back changes nothing. A clock that
jumps further than `MOST_MS` (a laptop asleep) suspends the world: time passes, and only the last `MOST_MS` are simulated.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from reconciler.errors import Retryable
from reconciler.lab import acts
from reconciler.lab.faults import MAX_FAULTS, Effects, Fault, HandEdit, read_fault
from reconciler.lab.node import Edge, Node
from reconciler.lab.noise import Noise, stream_of
from reconciler.lab.plane import Applied, Plane, UnitPlan
from reconciler.lab.profiles import profile
from reconciler.lab.snapshot import Snapshot, read_snapshot, write_snapshot
from reconciler.lab.specs import DatabaseSpec, ServiceSpec, Spec, SpecError, read_spec, split_id
from reconciler.model.reasons import Reason
from reconciler.ports.clock import Clock
from reconciler.ports.target import Act, Acted

STEP_MS = 1_000
MOST_MS = 3_600_000
SAVE_EVERY_MS = 300_000  # of simulated time: what a killed process simulates again at most
LOAD_JITTER = 0.04
PACE_JITTER = 0.02


class World:
    """One simulated installation in one folder."""

    def __init__(self, home: Path, clock: Clock, seed: int = 1) -> None:
        self.lock = threading.RLock()
        self._home, self._clock = home, clock
        found = read_snapshot(home)
        start = clock.now() // STEP_MS * STEP_MS
        state = found or Snapshot(seed=seed, time_ms=start, plane=Plane(), faults=(), next_fault=1, nodes={})
        self.seed, self.time_ms, self._saved_ms = state.seed, state.time_ms, state.time_ms
        self.plane, self.faults, self._next_fault = state.plane, state.faults, state.next_fault
        self.acts = state.acts
        self._noise = Noise(self.seed)
        self.nodes: dict[str, Node] = {}
        self._wire()
        self._restore(state.nodes)
        if found is None:
            self._save(self.plane, self.faults, self._next_fault)

    def advance(self) -> int:
        """Simulate up to the Clock's now; the simulated time."""
        with self.lock:
            return self.advance_to(self._clock.now())

    def advance_to(self, now_ms: int) -> int:
        """Whole seconds up to `now_ms`; nothing when that is in the past."""
        with self.lock:
            if now_ms - self.time_ms > MOST_MS:
                self.time_ms = now_ms // STEP_MS * STEP_MS - MOST_MS
            while self.time_ms + STEP_MS <= now_ms:
                self._step()
            if self.time_ms - self._saved_ms >= SAVE_EVERY_MS:
                self._save(self.plane, self.faults, self._next_fault)
            return self.time_ms

    def apply(self, plan: UnitPlan) -> Applied:
        with self.lock:
            self.advance()
            plane, applied = self.plane.apply(plan)
            if applied.stale is None and plane != self.plane:
                self._accept(plane, self.faults)
            return applied

    def dry_run(self, plan: UnitPlan) -> Applied:
        with self.lock:
            return self.plane.apply(plan)[1]

    def add_fault(self, data: Any) -> dict[str, Any]:
        """Inject a fault; the JSON form with its id. A SpecError says what is wrong with it."""
        with self.lock:
            self.advance()
            fault = read_fault(data, f"f{self._next_fault}", self.time_ms)
            if isinstance(fault, HandEdit):
                self._accept(self.plane.edit(fault), self.faults)
                return {"id": ""}
            if len(self.faults) >= MAX_FAULTS:
                raise SpecError(f"faults: at most {MAX_FAULTS} at once")
            self._accept(self.plane, (*self.faults, fault), self._next_fault + 1)
            return fault.shown()

    def remove_faults(self, fault_id: str = "") -> list[str]:
        """Remove one fault, or all; the ids that went."""
        with self.lock:
            self.advance()
            gone = [f.id for f in self.faults if fault_id in ("", f.id)]
            if gone:
                self._accept(self.plane, tuple(f for f in self.faults if f.id not in gone))
            return gone

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        """A one-shot act, once for each id. On disk with its effect before anybody is told: both are there, or neither."""
        with self.lock:
            self.advance()
            answer = acts.answer(act, self.acts, self.plane.inventory, self.plane.live)
            if dry_run or answer.reason != Reason.OK.value:
                return answer
            node = self.nodes[act.component]
            before, known = node.dump(), self.acts
            told = acts.ACTIONS[act.action].do(node, self.time_ms)
            self.acts = acts.with_new(known, act, self.time_ms, told)
            try:
                self._save(self.plane, self.faults, self._next_fault)
            except Retryable:
                node.load(before, self.time_ms)
                self.acts = known
                raise
            return Acted(True, Reason.APPLIED.value, told)

    def _accept(self, plane: Plane, faults: tuple[Fault, ...], next_fault: int = 0) -> None:
        """Store the input first; only then does the world act on it."""
        self._save(plane, faults, next_fault or self._next_fault)
        self.plane, self.faults, self._next_fault = plane, faults, next_fault or self._next_fault
        self._wire()

    def _save(self, plane: Plane, faults: tuple[Fault, ...], next_fault: int) -> None:
        nodes = {name: node.dump() for name, node in self.nodes.items()}
        write_snapshot(self._home, Snapshot(self.seed, self.time_ms, plane, faults, next_fault, nodes, self.acts))
        self._saved_ms = self.time_ms

    def _restore(self, nodes: dict[str, Any]) -> None:
        """Put stored flows back. A node without one was created by the very input that was stored."""
        for name, data in nodes.items():
            if node := self.nodes.get(name):
                node.load(data, self.time_ms)
                for edge in node.edges:
                    edge.made = data["made"].get(edge.name, 0.0)

    def _wire(self) -> None:
        """Build nodes and edges from desired state and faults, keeping what runs."""
        self._ends_ms = min((f.until_ms for f in self.faults if f.until_ms), default=0)
        specs = {split_id(i)[1]: read_spec(i, spec) for i, spec in self.plane.live.items()}
        self.nodes = {name: self._node(name, specs[name]) for name in sorted(specs)}
        for node in self.nodes.values():
            made = {e.name: e.made for e in node.edges}
            node.edges = [self._edge(node, call, made.get(call.service, 0.0)) for call in node.shape.calls]
        for name, node in self.nodes.items():
            node.is_database = isinstance(specs[name], DatabaseSpec)
            node.callers = [n for n in self.nodes.values() if any(e.callee is node for e in n.edges)]

    def _node(self, name: str, spec: Spec) -> Node:
        shape = shape_of(spec, name)
        node = self.nodes.get(name) or Node(name, profile(name), shape, stream_of(name), self.time_ms)
        node.reshape(shape, Effects(name, self.faults), self.time_ms)
        return node

    def _edge(self, node: Node, call: Any, made: float) -> Edge:
        callee = self.nodes.get(call.service)
        surge = callee.effects.surge if callee else 1.0
        edge = Edge(call, callee, node.profile.calls.get(call.service, 1.0) * surge)
        edge.made = made
        return edge

    def _step(self) -> None:
        """One second: replicas move, users arrive, nodes work, calls go out."""
        self.time_ms += STEP_MS
        if self._ends_ms and self._ends_ms <= self.time_ms:
            self.faults = tuple(f for f in self.faults if not 0 < f.until_ms <= self.time_ms)
            self._wire()
        now, noise = self.time_ms, self._noise
        second = now // STEP_MS
        place, load = noise.place(second), noise.load(second)
        nodes = self.nodes.values()
        for node in nodes:
            if not node.fleet.settled:
                node.fleet.tick(now, node.shape, node.effects)
        table = noise.table
        for node in nodes:
            dice = table[place ^ node.stream]
            outside = node.outside * load * (1.0 + LOAD_JITTER * dice) if node.outside else 0.0
            node.serve(outside, 1.0 + PACE_JITTER * dice, now)
        for node in nodes:
            if node.edges:
                node.call()


def shape_of(spec: Spec, name: str) -> ServiceSpec:
    """A database as one replica whose workers are its connections."""
    if isinstance(spec, ServiceSpec):
        return spec
    return ServiceSpec(
        release=name,
        replicas=1,
        cpu_millis=spec.cpu_millis,
        memory_mib=4_096,
        workers=spec.connections,
        queue_limit=10 * spec.connections,
        queue_timeout_ms=5_000,
    )
