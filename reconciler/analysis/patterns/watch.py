"""Goes along with services that call each other and names emergent patterns, each once an episode.

Callers come before those they call; the first service is where users come in. At each reading, in this order:
1. is work being lost: the entry completes far less than usual, and refuses much of what it is asked;
2. lost, and a service has far fewer replicas than usual: capacity that went takes others with it (cascade);
3. lost for `SURE` seconds without: how often is work tried that is usually tried once? Up to what a retry policy gives per
   layer: a retry storm. Beyond any policy: refused work piles up and keeps the overload alive by itself (metastable);
   little amplification while a bottleneck still completes its usual work: overload, and no pattern;
4. nothing lost: does a scaler swing by itself (`swings`), do two controllers fight (`flips`), does a herd come again and again
   (`bursts`), or has what several ask more of than usual been full for `SURE` seconds (exhaustion).
What is usual is not learnt while work is being lost. A later reading never changes an earlier answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.analysis.patterns.bursts import Bursts
from reconciler.analysis.patterns.flips import Flips
from reconciler.analysis.patterns.kinds import Kind, Pattern
from reconciler.analysis.patterns.readings import Reading, Usual
from reconciler.analysis.patterns.swings import Swings

DONE, REFUSED = 0.7, 0.3  # work is lost below this share of the usual goodput, and above this share of errors
GONE = 0.5  # of the usual replicas
SURE_GONE, SURE = 15.0, 60.0  # seconds from the first loss
POLICY = 3.0  # attempts for each usual one: a retry policy commonly allows three
UNBOUNDED = 12.0  # at the entry: more than two layers of such a policy multiply to
NOTHING = 0.1  # of the usual goodput: no service completes anything
MORE = 1.5  # attempts that make an overload of it when nothing is completed
RECENT = 300.0  # seconds before the loss in which replicas may have gone
CALM = 600.0  # seconds without loss or swing that end an episode
FULL, USUALLY = 0.95, 0.8  # of a resource
LOST = frozenset({Kind.CASCADE, Kind.RETRY_STORM, Kind.METASTABLE})
HANDS = frozenset({Kind.OSCILLATION, Kind.FIGHT})


@dataclass(slots=True)
class _Service:
    attempts: Usual
    good: Usual
    replicas: Usual
    used: Usual
    swings: Swings
    flips: Flips
    bursts: Bursts
    full_since: float = math.nan
    gone: float = -math.inf  # when its replicas were last far below usual
    peak: float = 0.0  # attempts, of the usual, since work is being lost


class Watch:
    """One group of services. Services that a reading lacks, and values that are no numbers, say nothing."""

    def __init__(self, services: Sequence[str]) -> None:
        if not services:
            raise ValueError("a watch needs the services it goes along with: name the entry first, then those it calls")
        self._services = {name: _Service(Usual(), Usual(), Usual(), Usual(), Swings(), Flips(), Bursts()) for name in services}
        self._entry = services[0]
        self._lost_since: float | None = None
        self._troubled = -math.inf
        self._told: set[Kind] = set()
        self._time = -math.inf

    @property
    def known(self) -> bool:
        """Whether enough was seen to say what is usual."""
        return math.isfinite(self._services[self._entry].good.at(self._time))

    def see(self, time: float, readings: Mapping[str, Reading]) -> Pattern | None:
        """Takes the readings of one period; answers a pattern that is new. Late and repeated periods are passed over."""
        if not math.isfinite(time) or time <= self._time:
            return None
        self._time = time
        if time - self._troubled > CALM:
            self._told.clear()
        now = {name: readings.get(name, Reading()) for name in self._services}
        lost = self._losing(now[self._entry])
        self._mark(now, lost=lost)
        swinging, herding, exhausting = self._swinging(now), self._herding(now, lost=lost), self._exhausting(now)
        if lost:
            self._troubled = time
            found = self._lost(now)
        else:
            found = swinging or herding or exhausting
            self._learn(now)
        return None if found is None else self._news(found)

    def _news(self, found: Pattern) -> Pattern | None:
        """The pattern, unless this episode has it already; of the kinds of lost work, and of moved replicas, only the first."""
        self._troubled = self._time
        kinds = next((alike for alike in (LOST, HANDS) if found.kind in alike), {found.kind})
        if kinds & self._told:
            return None
        self._told.add(found.kind)
        return found

    def _losing(self, entry: Reading) -> bool:
        """Whether work is being lost; without knowledge the last answer stands."""
        usual = self._services[self._entry].good.at(self._time)
        if not (usual > 0 and math.isfinite(entry.good) and math.isfinite(entry.errors)):
            return self._lost_since is not None
        refused = entry.errors / max(entry.attempts, entry.errors + entry.good, 1e-300)
        return entry.good < DONE * usual and refused > REFUSED

    def _mark(self, now: Mapping[str, Reading], *, lost: bool) -> None:
        if not lost:
            self._lost_since = None
        elif self._lost_since is None:
            self._lost_since = self._time
            for service in self._services.values():
                service.peak = 0.0
        for name, service in self._services.items():
            if now[name].replicas < GONE * service.replicas.at(self._time):
                service.gone = self._time
            usual = service.attempts.at(self._time)
            if lost and usual > 0 and math.isfinite(now[name].attempts):
                service.peak = max(service.peak, now[name].attempts / usual)

    def _learn(self, now: Mapping[str, Reading]) -> None:
        for name, service in self._services.items():
            service.attempts.add(self._time, now[name].attempts)
            service.good.add(self._time, now[name].good)
            service.replicas.add(self._time, now[name].replicas)
            service.used.add(self._time, now[name].used)

    def _swinging(self, now: Mapping[str, Reading]) -> Pattern | None:
        """Replicas that move by themselves: hunting, or put back and forth by two hands."""
        demand = now[self._entry].attempts
        found = None
        for name, service in self._services.items():
            lost = service.gone == self._time  # replicas that went were not scaled in, nor out when they come back
            replicas = math.nan if lost else now[name].replicas
            since, fought = service.swings.see(self._time, replicas, demand), service.flips.see(self._time, replicas, demand)
            if not self.known:
                continue
            if since is not None:
                reason = f"the replicas of {name} swing by themselves while demand does not"
                found = found or Pattern(Kind.OSCILLATION, since, self._time, (name,), reason)
            if fought is not None:
                reason = f"the replicas of {name} go back and forth between the same two counts"
                found = found or Pattern(Kind.FIGHT, fought, self._time, (name,), reason)
        return found

    def _herding(self, now: Mapping[str, Reading], *, lost: bool) -> Pattern | None:
        """What comes back while work is being lost is no herd."""
        users = math.nan if lost else self._times_usual(self._entry, now)
        found = None
        for name, service in self._services.items():
            since = None if name == self._entry else service.bursts.see(self._time, self._times_usual(name, now), users)
            if since is not None:
                reason = f"{name} is asked many times as often as usual, in bursts, while {self._entry} is not"
                found = found or Pattern(Kind.HERD, since, self._time, (name,), reason)
        return found

    def _exhausting(self, now: Mapping[str, Reading]) -> Pattern | None:
        found = None
        for name, service in self._services.items():
            used = now[name].used
            if not used >= FULL or not service.used.at(self._time) < USUALLY:
                service.full_since = math.nan if math.isfinite(used) else service.full_since
                continue
            service.full_since = self._time if math.isnan(service.full_since) else service.full_since
            parties = tuple(n for n in self._services if n != name and self._times_usual(n, now) >= MORE)
            if self._time - service.full_since >= SURE and len(parties) > 1:
                reason = f"{name} is full, and {', '.join(parties)} all ask more of it than usual"
                found = found or Pattern(Kind.EXHAUSTION, service.full_since, self._time, (name, *parties), reason)
        return found

    def _times_usual(self, name: str, now: Mapping[str, Reading]) -> float:
        usual = self._services[name].attempts.at(self._time)
        return now[name].attempts / usual if usual > 0 else math.nan

    def _lost(self, now: Mapping[str, Reading]) -> Pattern | None:
        since = self._lost_since if self._lost_since is not None else self._time
        gone = tuple(n for n, s in self._services.items() if s.gone >= since - RECENT)
        if gone and self._time - since >= SURE_GONE:
            others = tuple(n for n in self._services if n not in gone and self._failing(n, now[n]))
            reason = f"{', '.join(gone)} lost most replicas, and work is being lost at {self._entry}"
            return Pattern(Kind.CASCADE, since, self._time, gone + others, reason)
        if self._time - since < SURE:
            return None
        return self._amplified(now, since)

    def _amplified(self, now: Mapping[str, Reading], since: float) -> Pattern | None:
        peaks = {name: service.peak for name, service in self._services.items()}
        most = max(peaks, key=lambda n: peaks[n])
        involved = tuple(n for n in self._services if peaks[n] >= MORE or self._failing(n, now[n]))
        reason = f"{most} is asked {peaks[most]:.1f} times as often as usual, and work is being lost at {self._entry}"
        if peaks[self._entry] >= UNBOUNDED:
            return Pattern(Kind.METASTABLE, since, self._time, involved, reason)
        nothing = all(now[n].good < NOTHING * s.good.at(self._time) for n, s in self._services.items())
        if peaks[most] >= POLICY or (nothing and peaks[most] >= MORE):
            return Pattern(Kind.RETRY_STORM, since, self._time, involved, reason)
        return None

    def _failing(self, name: str, reading: Reading) -> bool:
        return reading.good < DONE * self._services[name].good.at(self._time)
