"""One simulated installation for the scores of the lab, in one process: the world, its Git history, and what is measured of it.

The world, the target's plane, the repository and the documents are the real ones; only HTTP is left out. What is measured is
worse than what is true, as everywhere: every sample carries noise, an error rate is counted over the requests of one scrape, a
scrape may be missing, and a component or all of them may be dark for a while.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import pygit2

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied
from reconciler.edits import Edited, set_scalar
from reconciler.lab.metrics import measure
from reconciler.lab.plane import UnitPlan
from reconciler.lab.world import World
from reconciler.model.canonical import digest
from reconciler.model.proposals import Edit, EditKind
from reconciler.model.telemetry import Series, Topology
from reconciler.ports.repo import Identity
from reconciler.ports.target import Act
from reconciler.testing.clock import ManualClock
from reconciler.yamltext import parse_one

TEMPLATE = Path(__file__).parents[2] / "infra-repo-template" / "apps"
SCRAPE_MS = 5_000
PERSON = Identity("Ada", "ada@example.invalid")
COUNTED = frozenset({"replicas_ready", "replicas_desired", "restarts", "release_age_s"})  # without noise
LOST = 0.01  # of the scrapes of one component


@dataclass(frozen=True, slots=True)
class Change:
    """One commit: (component, dotted field of its spec, new value), and the faults that its releases bring."""

    at_s: int
    edits: tuple[tuple[str, str, int | str], ...]
    faults: tuple[Mapping[str, Any], ...] = ()
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that no commit brings."""

    at_s: int
    fault: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restart:
    """Somebody restarts a service by hand."""

    at_s: int
    component: str


Event = Change | Trouble | Restart


@dataclass(frozen=True, slots=True)
class Seeing:
    """How well it is measured: the noise of a level, and (from, to, component or "" for all) in seconds where it is dark."""

    noise: float
    dark: tuple[tuple[int, int, str], ...] = ()


class Measured:
    """A Telemetry of what was scraped; samples only ever come at the end."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._held: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._newest = 0
        self.latest: dict[str, dict[str, float]] = {}  # of the newest scrape, by component

    def put(self, component: str, now_ms: int, found: Mapping[str, float]) -> None:
        self.latest[component] = dict(found)
        self._newest = now_ms
        for metric, value in found.items():
            times, values = self._held.setdefault((component, metric), ([], []))
            times.append(now_ms)
            values.append(value)

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        times, values = self._held.get((component, metric), ([], []))
        kept = slice(bisect_left(times, start_ms), bisect_right(times, end_ms))
        return Series(component, metric, tuple(times[kept]), tuple(values[kept]))

    def metrics(self, component: str) -> Sequence[str]:
        return sorted(metric for owner, metric in self._held if owner == component)

    def topology(self) -> Topology:
        return self._topology

    def newest_ms(self) -> int:
        return self._newest


class History:
    """The template in one bare repository; every episode writes on top of its first commit."""

    def __init__(self, home: Path) -> None:
        pygit2.init_repository(str(home), bare=True, initial_head="main")
        self.repo = PygitRepo(home)
        files = {f"apps/{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(TEMPLATE.glob("*/*.yaml"))}
        self.files: Mapping[str, bytes] = files
        self.documents: Mapping[str, Any] = {path: parse_one(data, path).value for path, data in files.items()}
        self.root = self.repo.write("", files, "template", PERSON, 0, None)
        names = {path: d["metadata"]["name"] for path, d in self.documents.items()}
        self.paths = {name: path for path, name in names.items()}
        calls = [(names[p], c["service"]) for p, d in self.documents.items() for c in d["spec"].get("calls", [])]
        self.topology = Topology(tuple(sorted(self.paths)), tuple(sorted(calls)))

    def spec(self, component: str) -> Any:
        return self.documents[self.paths[component]]["spec"]


class Site:
    """A world that has been started from the template at `start_ms`, and what is going to happen to it."""

    def __init__(self, home: Path, history: History, seed: int, start_ms: int, seeing: Seeing, events: Iterable[Event]) -> None:
        self.history, self.start_ms, self.seeing = history, start_ms, seeing
        self.clock = ManualClock(start_ms)
        self.world = World(home, self.clock, seed)
        self.telemetry = Measured(history.topology)
        self.head, self.files = history.root, dict(history.files)
        self.documents = dict(history.documents)
        self.applied: list[Applied] = []
        self.commits: list[tuple[str, Change]] = []
        self._dice, self._generation = random.Random(f"seeing/{seed}"), 0
        self._noise = itertools.cycle([seeing.noise * self._dice.gauss(0.0, 1.0) for _ in range(10_007)])
        self._waiting = sorted(events, key=lambda e: e.at_s)
        self._apply({path.split("/")[1] for path in self.files}, "create")

    @property
    def now_ms(self) -> int:
        return self.clock.now()

    def run(self, seconds: int) -> None:
        """Time goes by: what is due happens, and every five seconds everything is scraped."""
        for _ in range(seconds):
            self.clock.advance(1_000)
            passed = (self.now_ms - self.start_ms) // 1_000
            while self._waiting and self._waiting[0].at_s <= passed:
                self._happen(self._waiting.pop(0))
            if (self.now_ms - self.start_ms) % SCRAPE_MS == 0:
                self._scrape(self.world.advance(), passed)

    def _happen(self, event: Event) -> None:
        if isinstance(event, Restart):
            unit = self.history.paths[event.component].split("/")[1]
            self.world.operate(Act(f"restart-{event.at_s}", unit, "restart", event.component), dry_run=False)
        elif isinstance(event, Trouble):
            self.world.add_fault(event.fault)
        else:
            for fault in event.faults:
                self.world.add_fault(fault)
            self._commit(event)

    def _commit(self, change: Change) -> None:
        written: dict[str, bytes | None] = {}
        for component, field, value in change.edits:
            path = self.history.paths[component]
            pointer = ("spec", *(int(part) if part.isdigit() else part for part in field.split(".")))
            made = set_scalar(self.files[path], Edit(EditKind.SET, path, 0, pointer, None, value))
            if not isinstance(made, Edited) or made.after is None:
                raise ValueError(f"{path}: {field} cannot be set: {made}")
            written[path] = self.files[path] = made.after
            self.documents[path] = parse_one(made.after, path).value
        self.head = self.history.repo.write(self.head, written, "a change", PERSON, self.now_ms, None)
        self._apply({path.split("/")[1] for path in written}, "update")
        self.applied.append(Applied(self.head, self.now_ms))
        self.commits.append((self.head, change))

    def _apply(self, units: Iterable[str], verb: str) -> None:
        self._generation += 1
        for unit in sorted(units):
            specs = {
                f"{d['kind']}/{d['metadata']['name']}": d["spec"] for p, d in self.documents.items() if p.split("/")[1] == unit
            }
            objects = {name: (spec, digest(spec)) for name, spec in specs.items()}
            answer = self.world.apply(UnitPlan(unit, self.head, self._generation, tuple((verb, i) for i in specs), objects))
            if answer.shown()["reason"] != "applied":
                raise ValueError(f"unit {unit}: {answer.shown()}")

    def _scrape(self, now_ms: int, passed: int) -> None:
        dark = {component for start, end, component in self.seeing.dark if start <= passed < end}
        if "" in dark:
            return
        for name, node in self.world.nodes.items():
            if name not in dark and self._dice.random() >= LOST:
                self.telemetry.put(name, now_ms, self._seen(measure(node, now_ms)))

    def _seen(self, true: Mapping[str, float]) -> dict[str, float]:
        """What a scrape reads: levels with noise, shares of errors counted over the requests of five seconds."""
        noise = self._noise
        found = {m: v if m in COUNTED else v * (1.0 + next(noise)) for m, v in true.items()}
        rate, share = max(true["request_rate"], 0.2), true["error_rate"]
        counted = share + sqrt(share * (1.0 - share) / (5.0 * rate)) * self._dice.gauss(0.0, 1.0)
        found["error_rate"] = min(1.0, max(0.0, counted))
        found["cpu_usage"] = min(1.0, found["cpu_usage"])
        found["memory_usage"] = min(1.0, true["memory_usage"] * (1.0 + 0.2 * next(noise)))
        return found


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a while, in memory where the machine has one: a world stores every input before it acts."""
    memory = Path("/dev/shm")  # noqa: S108 - only where to make a folder of one's own
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
