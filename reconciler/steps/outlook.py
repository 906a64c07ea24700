"""Outlook: what the detectors foresaw last, and which of it may open an incident.

Two looks ahead, each in its own rhythm: a near one over the newest hours (does something reach its limit within the hour) and a
far one over the days that forecasts learn from (does it within the day). What may open an incident, `credible`:

1. it names a component and a metric, and when it will be;
2. it comes with what speaks for it: a prediction without its contributing factors is no evidence;
3. it is likely enough, also for the model that says it, and there is time to act: at least 10 minutes before a failure, at least
   30 before capacity runs out;
4. a line has come at least half of the way: what only begins to move reaches every limit on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.model.findings import Finding
from reconciler.ports.analyst import Inquiry

MINUTE_MS = 60_000
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """How often, how far back, in which steps (0: every sample), by whom."""

    name: str
    every_ms: int
    back_ms: int
    step_ms: int
    detectors: tuple[str, ...]


NEAR = Look("near", 5 * MINUTE_MS, 180 * MINUTE_MS, 0, ("failures",))
FAR = Look("far", 60 * MINUTE_MS, 14 * 1_440 * MINUTE_MS, 5 * MINUTE_MS, ("forecasts",))
LOOKS = (NEAR, FAR)
OLD = 3  # periods after which what a look found says nothing of now


@dataclass
class Outlook:
    """A cache of this process: losing it costs one look."""

    due: dict[str, int] = field(default_factory=dict)
    asked: dict[str, Inquiry] = field(default_factory=dict)
    found: dict[str, tuple[int, tuple[Finding, ...]]] = field(default_factory=dict)  # when, and what
    untold: bool = False  # something was found that no signal was made of yet
    missing: str = ""  # why the last look that failed did

    def findings(self, now_ms: int) -> tuple[Finding, ...]:
        """What was found lately enough to speak of now."""
        return tuple(finding for look in LOOKS for finding in self.of(look, now_ms)[1])

    def of(self, look: Look, now_ms: int) -> tuple[int, tuple[Finding, ...]]:
        """When a look was, and what it found; nothing where that was too long ago."""
        return self.found[look.name] if self._fresh(look, now_ms) else (now_ms, ())

    def current(self, now_ms: int) -> bool:
        """Whether the near look is recent enough to say that something is foreseen no longer."""
        return self._fresh(NEAR, now_ms)

    def _fresh(self, look: Look, now_ms: int) -> bool:
        return look.name in self.found and now_ms - self.found[look.name][0] <= OLD * look.every_ms


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes a finding of this kind credible."""

    least: float  # confidence
    soonest_s: float
    latest_s: float


KINDS = {
    "risk": Kind(0.45, 600, 3_600),  # a straight line is an even bet at best, and a steady one comes near to it
    "breach": Kind(0.7, 1_800, 86_400),
}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One credible prediction."""

    finding: Finding
    lead_s: float
    factors: tuple[tuple[str, str], ...]

    @property
    def fingerprint(self) -> str:
        """Of a line the series; of a model the component: which of its metrics speaks most changes from look to look."""
        metric = "" if "threshold" in dict(self.finding.values) else self.finding.metric
        return f"predicted/{metric}/{self.finding.component}"


def foreseen(findings: Sequence[Finding], opened: bool = False) -> dict[str, Foreseen]:
    """The credible ones by fingerprint; of several about one series the likeliest. Of what has `opened` an incident none is too
    near: it is not over because it is about to happen.
    """
    found: dict[str, Foreseen] = {}
    for finding in sorted(findings, key=lambda f: (-numeric(f.confidence), f.at_ms)):
        if one := credible(finding, findings, opened):
            found.setdefault(one.fingerprint, one)
    return found


def credible(finding: Finding, beside: Iterable[Finding], opened: bool = False) -> Foreseen | None:
    kind = KINDS.get(finding.kind)
    if kind is None or not finding.component or not finding.metric:  # 1.
        return None
    values = dict(finding.values)
    lead, factors = numeric(values.get("lead_s", "")), factors_of(finding, beside)
    least = max(kind.least, numeric(values.get("threshold", "0")))
    soonest = 0.0 if opened else kind.soonest_s
    if not factors or not numeric(finding.confidence) >= least or not soonest <= lead <= kind.latest_s:  # 2. and 3.
        return None
    level, limit = (numeric(values.get(name, "")) for name in ("level", "limit"))
    if finding.kind == "risk" and level < HALF * limit:  # 4.
        return None
    return Foreseen(finding, lead, factors)


def factors_of(finding: Finding, beside: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    """What speaks for it: how the series moves, what a model made of the sensors, or the forecast that passes the limit."""
    own = tuple(
        (name, value) for name, value in finding.values if name in ("level", "per_second", "rising") or name[:7] == "factor "
    )
    if own or finding.kind != "breach":
        return own
    course = (f for f in beside if (f.kind, f.component, f.metric) == ("forecast", finding.component, finding.metric))
    return tuple((f"forecast {name}", value) for f in course for name, value in f.values)


def numeric(text: str) -> float:
    """What a detector says in digits; NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return math.nan
