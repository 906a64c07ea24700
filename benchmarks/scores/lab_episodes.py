"""Episodes drawn by seed: changes, most of them harmless, faults with and without a change, and what misleads beside them.

Between one and six changes come within a few minutes of each other, the broken one at any place among them. A change is a
release (most do nothing, some make a service a little slower, faster or let a few requests in a thousand fail), a setting, or
more replicas; half of the harmless ones touch a caller or callee of the broken service, some the service itself, some two
services at once. Beside them: the hour of the day, the load, noise, missing scrapes, small surges, restarts by hand.

A broken change has to raise an alarm: errors above 3 %, a p99 of twice the usual or memory above 85 % on the noisy samples of
half a minute. Where nothing does within eight minutes, the seed draws again. An alarm comes late, and three times in ten it
names only the outermost of the services in trouble.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from reconciler.diagnosis import diagnose
from reconciler.lab.profiles import profile
from reconciler.model.diagnosis import Cause, Diagnosis
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus

from .lab_site import SCRAPE_MS, Change, Event, History, Restart, Seeing, Site, Trouble, scratch

START_MS = 1_700_000_000_000
WEEK_S = 7 * 86_400
MOST_CHANGES = 6
WATCH_S = 480
STEADY = 6  # scrapes in a row
HOLD_DOWN_S = 15
LOOKS, LOOK_AGAIN_S = 7, 15  # as the loop looks: at once, and six times more while the answer is unknown
BREAKS = {"slow": 40, "failing": 30, "leak": 12, "setting": 18}  # what a change breaks, and how often
FAULTS = ("leak", "surge", "slow-database")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is going to happen. `fault` is the kind that breaks ("" none), `broken` where."""

    start_ms: int
    quiet_s: int
    seeing: Seeing
    events: tuple[Event, ...]
    broken: str = ""
    fault: str = ""

    @property
    def trouble_s(self) -> int:
        """When what breaks comes; of a quiet episode its last change."""
        found = [e.at_s for e in self.events if (isinstance(e, Change) and e.bad) or (isinstance(e, Trouble) and self._is(e))]
        return max(found, default=self.quiet_s)

    def _is(self, event: Trouble) -> bool:
        return event.fault["kind"] == self.fault and event.fault["service"] == self.broken and "seconds" not in event.fault


@dataclass(frozen=True, slots=True)
class Episode:
    drawn: Drawn
    incident: Incident
    commits: tuple[tuple[str, int, Change], ...]  # what had been applied when the alarm was raised, and when
    diagnosis: Diagnosis

    @property
    def guilty(self) -> str:
        return next((commit for commit, _, change in self.commits if change.bad), "")

    @property
    def top(self) -> Cause | None:
        return self.diagnosis.top


class Dice:
    """Draws one episode."""

    def __init__(self, seed: int, attempt: int, history: History) -> None:
        self._kind = random.Random(f"kind/{seed}")  # drawing again changes everything but what breaks: hard kinds stay in
        self._d = random.Random(f"episode/{seed}/{attempt}")
        self._history, self._names = history, history.topology.components
        self._services = [n for n in self._names if "replicas" in history.spec(n)]
        self._now: dict[tuple[str, str], Any] = {}  # fields that changed already
        self._load, self._surge, self._slower = 1.15, 1.25, 1.35  # at most, of what is harmless

    def changed(self) -> Drawn:
        """One of one to six changes breaks something."""
        breaks = self._kind.choices(tuple(BREAKS), tuple(BREAKS.values()))[0]
        broken = self._d.choice(self._names if breaks == "setting" else self._services)
        drawn = self._with_changes(1, MOST_CHANGES, broken, breaks)
        return replace(drawn, broken=broken, fault="change")

    def unchanged(self) -> Drawn:
        """Something breaks that no change brought; up to four changes stand beside it."""
        kind = self._kind.choice(FAULTS)
        broken = "orders-db" if kind == "slow-database" else self._d.choice(self._services)
        drawn = self._with_changes(0, 4, broken)
        fault: dict[str, Any] = {"kind": kind, "service": broken}
        if kind == "leak":
            fault |= {"release": "", "factor": self._leak(broken)}
        else:
            fault["factor"] = self._between(1.8, 4) if kind == "surge" else self._between(2, 6)
        at = self._d.randint(drawn.quiet_s, max([drawn.quiet_s, *(e.at_s for e in drawn.events)]) + 60)
        return replace(drawn, broken=broken, fault=kind, events=(*drawn.events, Trouble(at, fault)))

    def quiet(self) -> Drawn:
        """Changes, surges, restarts and gaps that together leave capacity, also while caches are cold: nothing breaks."""
        self._load, self._surge, self._slower = 0.95, 1.12, 1.12
        return self._with_changes(0, 4, self._d.choice(self._services))

    def _between(self, low: float, high: float) -> float:
        """Even in the logarithm."""
        return round(math.exp(self._d.uniform(math.log(low), math.log(high))), 4)

    def _with_changes(self, least: int, most: int, broken: str, breaks: str = "") -> Drawn:
        d = self._d
        quiet = d.randint(400, 600)
        many = d.randint(least, most)
        guilty = d.randrange(many) if breaks else -1
        at, events, carried = quiet, [], ()
        for index in range(many):
            if index == guilty:
                made = self._breaking(at, broken, index, breaks)
                carried = made.faults
            else:
                made = self._harmless(at, broken, index, carried)
            events.append(made)
            at += d.choice((0, d.randint(3, 10), d.randint(10, 30), d.randint(30, 90)))
        start = START_MS + d.randrange(WEEK_S) * 1_000
        return Drawn(start, quiet, self._seeing(quiet), (*events, *self._beside(quiet, at)))

    def _seeing(self, quiet: int) -> Seeing:
        d, dark = self._d, []
        if d.random() < 0.3:
            dark.append((gap := d.randint(60, quiet + 300), gap + d.randint(10, 45), ""))
        if d.random() < 0.3:
            dark.append((gap := d.randint(60, quiet + 300), gap + d.randint(20, 120), d.choice(self._names)))
        return Seeing(self._between(0.005, 0.06), tuple(dark))

    def _beside(self, quiet: int, end: int) -> Iterator[Event]:
        """The load of the day, and what happens anyway."""
        d = self._d
        yield Trouble(0, {"kind": "surge", "service": "frontend", "factor": round(d.uniform(0.7, self._load), 3)})
        if d.random() < 0.3:
            at, seconds = d.randint(quiet - 60, end), d.randint(60, 400)
            fault = {
                "kind": "surge",
                "service": d.choice(self._services),
                "factor": self._between(1.05, self._surge),
                "seconds": seconds,
            }
            yield Trouble(at, fault)
        if d.random() < 0.15:
            yield Restart(d.randint(quiet - 120, end), d.choice(self._services))

    def _release(self, at: int, component: str, index: int, mode: str, factor: float) -> Change:
        name = f"9.{index}.{self._d.randrange(100)}"
        fault = {"kind": "bad-release", "service": component, "release": name, "mode": mode, "factor": factor}
        if mode == "leak":
            fault = {"kind": "leak", "service": component, "release": name, "factor": factor}
        return Change(at, ((component, "release", name),), (fault,) if mode else ())

    def _breaking(self, at: int, component: str, index: int, kind: str) -> Change:
        if kind == "setting":
            return Change(at, (self._bad_setting(component),), (), bad=True)
        sizes = {"slow": (2, 12), "failing": (0.04, 0.6)}
        factor = self._between(*sizes[kind]) if kind in sizes else self._leak(component)
        return replace(self._release(at, component, index, kind, factor), bad=True)

    def _leak(self, component: str) -> float:
        """MiB a minute that fill the memory in two to eight minutes."""
        free = self._history.spec(component)["memoryMiB"] - profile(component).memory_mib
        return round(free / self._between(2, 8), 2)

    def _bad_setting(self, component: str) -> tuple[str, str, int]:
        spec, d = self._history.spec(component), self._d
        if component not in self._services:
            field = d.choice(("cpuMillis", "connections"))
            return component, field, max(1, int(spec[field] * self._between(0.15, 0.5)))
        calls = [f"calls.{i}.timeoutMs" for i in range(len(spec.get("calls", [])))]
        field = d.choice(("workers", "cpuMillis", "memoryMiB", *([d.choice(calls)] if calls else [])))
        if field == "workers":
            return component, field, max(1, int(spec["workers"] * self._between(0.1, 0.4)))
        if field == "cpuMillis":
            return component, field, max(10, int(spec["cpuMillis"] * self._between(0.15, 0.5)))
        if field == "memoryMiB":
            return component, field, int(profile(component).memory_mib * self._between(1.0, 1.15)) + 1
        return component, field, d.randint(1, 12)

    def _harmless(self, at: int, broken: str, index: int, carried: Sequence[Any]) -> Change:
        d, topology = self._d, self._history.topology
        around = [c for c in (*topology.callers(broken), *topology.callees(broken)) if c in self._services]
        place = d.random()
        chosen = d.choice(around) if place < 0.5 and around else broken if place < 0.6 else d.choice(self._services)
        component = chosen if chosen in self._services else d.choice(self._services)
        made = self._harmless_at(at, component, index)
        if d.random() < 0.15:
            other = d.choice([s for s in self._services if s != component])
            made = replace(made, edits=(*made.edits, *self._release(at, other, index, "", 1).edits))
        return self._still_broken(made, carried)

    def _harmless_at(self, at: int, component: str, index: int) -> Change:
        d, spec = self._d, self._history.spec(component)
        kind = d.random()
        if kind < 0.4:
            return self._release(at, component, index, "", 1)
        if kind < 0.58:
            return self._release(at, component, index, "slow", self._between(1.05, self._slower))
        if kind < 0.64:
            return self._release(at, component, index, "slow", self._between(0.6, 0.9))
        if kind < 0.74:
            return self._release(at, component, index, "failing", self._between(0.001, 0.008))
        field, step = d.choice((("workers", 1), ("cpuMillis", 50), ("memoryMiB", 64), ("queue.timeoutMs", 100), ("replicas", 1)))
        base = spec["queue"]["timeoutMs"] if "." in field else spec[field]
        value = self._now[component, field] = self._now.get((component, field), base) + step
        return Change(at, ((component, field, value),))

    @staticmethod
    def _still_broken(made: Change, carried: Sequence[Any]) -> Change:
        """A later release of the broken service has the same bug."""
        names = {component: value for component, field, value in made.edits if field == "release"}
        again = tuple({**f, "release": names[f["service"]]} for f in carried if f["service"] in names)
        return replace(made, faults=(*made.faults, *again))


class Monitor:
    """The rules that raise an alarm, on the samples as they were scraped."""

    def __init__(self, site: Site) -> None:
        self._telemetry, self._last = site.telemetry, deque(maxlen=STEADY)
        levels = {
            c: site.telemetry.series(c, "latency_p99", site.start_ms + 120_000, site.now_ms).values
            for c in site.history.topology.components
        }
        self._usual = {c: statistics.median(v) for c, v in levels.items() if v}

    def firing(self) -> set[str]:
        self._last.append({c for c, found in self._telemetry.latest.items() if self._bad(c, found)})
        return set.intersection(*self._last) if len(self._last) == STEADY else set()

    def _bad(self, component: str, found: dict[str, float]) -> bool:
        slow = found.get("latency_p99", 0.0) > 2.0 * self._usual.get(component, math.inf)
        return slow or found["error_rate"] > 0.03 or found["memory_usage"] > 0.85


def alarm(site: Site, named: set[str], started_ms: int) -> Incident:
    names = tuple(sorted(named))
    signals = tuple(
        Signal(
            f"s-{c}", "alertmanager/lab", "Slo", c, f"Slo/{c}", SignalStatus.FIRING, Severity.CRITICAL, started_ms, site.now_ms
        )
        for c in names
    )
    return Incident("inc-lab", "lab", "infra", "lab", site.now_ms, Severity.CRITICAL, names, signals, len(signals))


def watch(site: Site, dice: random.Random, since_s: int) -> Incident | None:
    """The incident once something has been firing; None when nothing does for eight minutes after the trouble."""
    monitor = Monitor(site)
    named: set[str] = set()
    while not named and site.now_ms < site.start_ms + (since_s + WATCH_S) * 1_000:
        site.run(SCRAPE_MS // 1_000)
        named = monitor.firing()
    for _ in range(dice.choice((0, 4, 12, 24)) if named else 0):  # up to two minutes until the rule counts
        site.run(SCRAPE_MS // 1_000)
        named = monitor.firing()
    if not named:
        return None
    started = site.now_ms
    topology = site.history.topology
    if dice.random() < 0.3:
        named = {c for c in named if not named.intersection(topology.callers(c))} or named
    site.run(dice.choice((5, 15, 45)))  # until it reaches us
    return alarm(site, named, started)


def ask(site: Site, incident: Incident) -> Diagnosis:
    """As the loop asks: a few times more while the data does not say."""
    for again in range(LOOKS):
        site.run(LOOK_AGAIN_S if again else 0)
        found = look(site, incident)
        if found.top is not None:
            break
    return found


def look(site: Site, incident: Incident) -> Diagnosis:
    return diagnose(incident, site.telemetry, site.history.repo, site.head, site.applied, site.now_ms)


@contextmanager
def staged(history: History, seed: int, drawn: Drawn) -> Iterator[Site]:
    """The episode's site, up to its first change."""
    with scratch() as home:
        site = Site(home, history, seed, drawn.start_ms, drawn.seeing, drawn.events)
        site.run(drawn.quiet_s - 1)
        yield site


def play(history: History, seed: int, kind: str) -> Episode:
    """The first episode of this seed that raises an alarm; `kind` is a method of Dice."""
    for attempt in range(50):
        drawn: Drawn = getattr(Dice(seed, attempt, history), kind)()
        with staged(history, seed, drawn) as site:
            incident = watch(site, random.Random(f"alarm/{seed}/{attempt}"), drawn.trouble_s)
            if incident is None or incident.signals[0].started_ms < site.start_ms + drawn.trouble_s * 1_000:
                continue
            known = tuple((a.commit, a.applied_ms, c) for a, (_, c) in zip(site.applied, site.commits, strict=True))
            raised = incident.signals[0].started_ms
            kept = tuple(entry for entry in known if entry[1] <= raised)
            site.run(HOLD_DOWN_S)
            return Episode(drawn, incident, kept, ask(site, incident))
    raise ValueError(f"seed {seed} raises no alarm")


def false_alarm(site: Site, dice: random.Random) -> Incident:
    """An alarm about one to three services that are well."""
    started = site.now_ms
    site.run(dice.choice((5, 15, 45)))
    return alarm(site, set(dice.sample(site.history.topology.components, dice.randint(1, 3))), started)
