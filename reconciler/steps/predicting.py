"""Predicting, when somebody asks: how likely is it that a component passes a limit, when, and what speaks for it.

The near look is made anew, shared by all who ask within `SHARED_MS`; of the far one the newest is taken. Waits for the analysis
in the thread of whoever asks, never in the loop's. `confidence` says how much of what is needed was there: a half without any
forecast of the component, which needs days of history. A risk without factors is not told: it would be no evidence.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Misconfigured, Retryable
from reconciler.model.canonical import number
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Analyst, Inquiry
from reconciler.steps.attending import focus
from reconciler.steps.foreseeing import ahead, promised
from reconciler.steps.outlook import FAR, NEAR, factors_of
from reconciler.steps.world import World

SHARED_MS = 15_000
PATIENCE_S = 10.0
POLL_S = 0.05
BREACHES = frozenset({"risk", "breach"})
LONGEST_MINUTES = 1_440
LACKING = "install the extra `analysis` (in a checkout: `make analysis`), and start Homeostat again"


@dataclass(frozen=True, slots=True)
class Factor:
    """What speaks for a prediction, as decimal text."""

    metric: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Foretold:
    """One breach that is foreseen within the horizon."""

    metric: str
    probability: str
    lead_minutes: str
    detector: str
    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """`risk` is the likeliest breach's probability, "0" when none is foreseen and "" when nothing could be looked at."""

    service: str
    made_ms: int
    horizon_minutes: int
    risk: str
    confidence: str
    factors: tuple[Factor, ...]
    breaches: tuple[Foretold, ...]
    unknown: tuple[str, ...]  # what could not be said, and why


def predict(world: World, service: str, horizon_minutes: int = 60, sleep: Callable[[float], None] = time.sleep) -> Prediction:
    """Raises Misconfigured for a component that nobody measures, Retryable while the analysis does not answer."""
    if world.analyst is None:
        raise Retryable("the detectors are not running", next_step=LACKING)
    if service not in world.telemetry.topology().components:
        raise Misconfigured(f"nothing is measured of {service!r}", where="service", next_step="the page /services lists what is")
    now = world.clock.now()
    near = _near(world, world.analyst, service, now - now % SHARED_MS, sleep)
    looked, far = world.cursor.outlook.of(FAR, now)
    return _prediction(service, now, horizon_minutes, near, tuple(_later(finding, now - looked) for finding in far))


def _near(world: World, analyst: Analyst, service: str, at_ms: int, sleep: Callable[[float], None]) -> tuple[Finding, ...]:
    rules = world.applied_rulebook()
    inquiry: Inquiry = dataclasses.replace(ahead(rules, NEAR, at_ms), components=focus(world, {service, *promised(rules)}))
    for _ in range(int(PATIENCE_S / POLL_S)):
        if answer := analyst.ask(inquiry):
            if answer.missing:
                raise Retryable(f"nothing can be foreseen: {answer.missing}", next_step="ask again in a minute")
            return answer.findings
        sleep(POLL_S)
    raise Retryable(f"the analysis did not answer within {PATIENCE_S:g} s", next_step="ask again in a minute")


def _prediction(service: str, now_ms: int, horizon: int, near: tuple[Finding, ...], far: tuple[Finding, ...]) -> Prediction:
    findings = (*near, *far)
    own = [f for f in findings if f.kind in BREACHES and f.component == service and _within(f, horizon)]
    factors = {f: factors_of(f, findings) for f in own}
    told = sorted((f for f in own if factors[f]), key=lambda f: (-float(f.confidence), f.at_ms, f.metric))
    silent = [f.text for f in findings if f.kind == "unknown" and f.component in ("", service)]
    silent += [f"{f.metric}: foreseen without factors, which is no evidence" for f in own if not factors[f]]
    silent += [] if far else ["there is no recent forecast: they need days of history"]
    foretold = any(f.component == service and f.kind != "unknown" for f in far)
    known = 2 if foretold else 1  # the near look was made of all that is measured
    return Prediction(
        service=service,
        made_ms=now_ms,
        horizon_minutes=horizon,
        risk=told[0].confidence if told else "0",
        confidence=number(known / 2),
        factors=tuple(Factor(f.metric, name, value) for f in told for name, value in factors[f]),
        breaches=tuple(_foretold(f) for f in told),
        unknown=tuple(dict.fromkeys(silent)),
    )


def _later(finding: Finding, passed_ms: int) -> Finding:
    """A finding of a look that was some time ago, as of now: what it foresees is so much nearer."""
    values = ((name, _less(value, passed_ms / 1_000) if name == "lead_s" else value) for name, value in finding.values)
    return dataclasses.replace(finding, values=tuple(values))


def _less(text: str, seconds: float) -> str:
    return number(max(0.0, float(text) - seconds))


def _within(finding: Finding, horizon_minutes: int) -> bool:
    return _lead_minutes(finding) <= horizon_minutes


def _lead_minutes(finding: Finding) -> float:
    return float(dict(finding.values).get("lead_s", "inf")) / 60


def _foretold(finding: Finding) -> Foretold:
    lead = number(round(_lead_minutes(finding), 1))
    return Foretold(finding.metric, finding.confidence, lead, finding.detector, finding.version, finding.text)


def plain(value: Any) -> Any:
    """As JSON, with names written as in documents."""
    if dataclasses.is_dataclass(value):
        return {_camel(field.name): plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
