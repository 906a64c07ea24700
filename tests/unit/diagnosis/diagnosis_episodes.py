"""Episodes on the lab: a fault whose cause we know, seen through scraped telemetry and real Git, diagnosed cold.

A few easy ones for the tests; `benchmarks/scores/lab_causes.py` scores many hard ones.
"""

import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pygit2

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied, diagnose
from reconciler.lab.metrics import measure
from reconciler.lab.plane import UnitPlan
from reconciler.lab.world import World
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.repo import Identity
from reconciler.testing.clock import ManualClock
from reconciler.testing.telemetry import MemoryTelemetry
from reconciler.yamltext import parse_one

TEMPLATE = Path(__file__).parents[3] / "infra-repo-template" / "apps"
SCRAPE_MS = 5_000
KINDS = ("slow", "failing", "leak", "surge", "slow-database", "nothing")
PERSON = Identity("Ada", "ada@example.invalid")


def mark(component, name, at):
    return Signal(
        f"{name}-{component}", "test", name, component, f"{name}/{component}", SignalStatus.FIRING, Severity.CRITICAL, at, at
    )


def incident_of(components, at, name="HighLatency"):
    names = tuple(sorted(components))
    return Incident("i1", "f1", "infra", "lab", at, Severity.CRITICAL, names, tuple(mark(c, name, at) for c in names))


class Site:
    """The template in a bare repository, applied to a lab that is scraped every five seconds."""

    def __init__(self, home, seed, start_ms):
        pygit2.init_repository(str(home / "infra.git"), bare=True, initial_head="main")
        self.repo, self.clock = PygitRepo(home / "infra.git"), ManualClock(start_ms)
        self.world = World(home, self.clock, seed)
        self.files = {f"apps/{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(TEMPLATE.glob("*/*.yaml"))}
        self.specs = {path: parse_one(data, path).value for path, data in self.files.items()}
        edges = [(s["metadata"]["name"], c["service"]) for s in self.specs.values() for c in s["spec"].get("calls", [])]
        self.telemetry = MemoryTelemetry(edges, [s["metadata"]["name"] for s in self.specs.values()])
        self.head, self.generation, self.applied = "", 0, []
        self.commit(dict(self.files), "template")

    @property
    def services(self):
        return sorted(s["metadata"]["name"] for s in self.specs.values() if s["kind"] == "Service")

    def commit(self, files, message):
        """Commits and applies every unit at once."""
        self.files.update(files)
        self.head = self.repo.write(self.head, files, message, PERSON, self.clock.now(), None)
        self.specs = {path: parse_one(data, path).value for path, data in self.files.items()}
        self.generation += 1
        for unit in {path.split("/")[1] for path in files}:
            objects = {
                f"{s['kind']}/{s['metadata']['name']}": s["spec"] for p, s in self.specs.items() if p.split("/")[1] == unit
            }
            steps = tuple(("update" if self.generation > 1 else "create", i) for i in objects)
            plan = UnitPlan(
                unit, self.head, self.generation, steps, {i: (s, f"sha256:{self.generation}") for i, s in objects.items()}
            )
            assert self.world.apply(plan).shown()["reason"] == "applied"
        self.applied.append(Applied(self.head, self.clock.now()))
        return self.head

    def edit(self, service, old, new):
        """One line of one service's file."""
        path = next(p for p, s in self.specs.items() if s["metadata"]["name"] == service)
        data = self.files[path]
        assert old in data, (old, data)
        return self.commit({path: data.replace(old, new, 1)}, f"edit {service}")

    def release(self, service, name="9.0.0"):
        spec = next(s for s in self.specs.values() if s["metadata"]["name"] == service)["spec"]
        return self.edit(service, f'"{spec["release"]}"'.encode(), f'"{name}"'.encode())

    def run(self, seconds):
        for _ in range(seconds * 1_000 // SCRAPE_MS):
            self.clock.advance(SCRAPE_MS)
            now = self.world.advance()
            for name, node in self.world.nodes.items():
                for metric, value in measure(node, now).items():
                    self.telemetry.put(name, metric, [(now, value)])

    def watch(self, seconds, usual):
        """Runs until something is clearly wrong for 30 s; the components in alarm."""
        last = deque(maxlen=6)
        for _ in range(seconds * 1_000 // SCRAPE_MS):
            self.run(SCRAPE_MS // 1_000)
            now = {n: measure(node, self.clock.now()) for n, node in self.world.nodes.items()}
            bad = {n for n, m in now.items() if m["error_rate"] > 0.05 or m.get("latency_p99", 0) > 2 * usual[n]}
            last.append(bad | {n for n, m in now.items() if m["memory_usage"] > 0.85})
            steady = set.intersection(*last) if len(last) == 6 else set()
            if steady:
                return steady
        return set()

    def diagnose(self, components):
        now = self.clock.now()
        return diagnose(incident_of(components, now), self.telemetry, self.repo, self.head, self.applied, now)


@dataclass(frozen=True)
class Episode:
    kind: str
    service: str
    alarmed: tuple
    diagnosis: object
    telemetry_calls: tuple = ()
    commit: str = ""

    @property
    def right(self):
        """Whether the top cause names the true kind and component; None where nothing was claimed."""
        top = self.diagnosis.top if self.diagnosis else None
        if top is None:
            return None
        true = {"slow": "release", "failing": "release", "leak": "memory", "surge": "load", "slow-database": "dependency"}
        kinds = {true.get(self.kind), "saturation" if self.kind == "slow-database" else None}
        below = _below(self.telemetry_calls, self.service) if self.kind == "surge" else {self.service}
        return top.kind.value in kinds and top.component in below and top.commit in ("", self.commit)


def _below(calls, service):
    """Whoever a surge reaches: naming the one that gives way first is as right as naming where it enters."""
    found = {service}
    for _ in calls:
        found |= {callee for caller, callee in calls if caller in found}
    return found


def play(home, kind, seed):
    """One episode; harmless releases of any service mislead."""
    dice = random.Random(f"{kind}/{seed}")
    site = Site(home, seed, 1_700_000_000_000 + dice.randrange(24) * 3_600_000)
    site.run(dice.choice((420, 600, 900)))
    usual = {n: measure(node, site.clock.now()).get("latency_p99", 1e9) for n, node in site.world.nodes.items()}
    service = "orders-db" if kind == "slow-database" else dice.choice(site.services)
    for _ in range(dice.choice((0, 1, 1, 2))):
        site.release(dice.choice(site.services), f"8.{dice.randrange(99)}.{dice.randrange(99)}")
        site.run(dice.choice((20, 60, 180)))
    commit = _break(site, kind, service, dice)
    alarmed = site.watch(900, usual) if kind != "nothing" else {service}
    if not alarmed:
        return Episode(kind, service, (), None)
    site.run(dice.choice((5, 15, 40)))
    return Episode(kind, service, tuple(sorted(alarmed)), site.diagnose(alarmed), site.telemetry.topology().calls, commit)


def _break(site, kind, service, dice):
    if kind in ("slow", "failing"):
        factor = dice.uniform(4, 12) if kind == "slow" else dice.uniform(0.1, 0.6)
        site.world.add_fault({"kind": "bad-release", "service": service, "release": "9.0.0", "mode": kind, "factor": factor})
        return site.release(service)
    if kind == "leak":
        site.world.add_fault({"kind": "leak", "service": service, "release": "", "factor": dice.uniform(20, 90)})
    elif kind == "surge":
        site.world.add_fault({"kind": "surge", "service": service, "factor": dice.uniform(2, 4)})
    elif kind == "slow-database":
        site.world.add_fault({"kind": "slow-database", "service": service, "factor": dice.uniform(2.5, 6)})
    else:
        site.run(120)
    return ""
