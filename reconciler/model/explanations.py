"""Why a diagnosis says what it says, for people: a paragraph, a chain, a table, what would confirm or refute it, and drawings.

Written by Homeostat from findings; names from telemetry are cut and made harmless, free text of telemetry never comes here.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.drawings import Drawings


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the evidence table."""

    at_ms: int
    component: str
    metric: str
    kind: str  # of the finding
    confidence: str
    detector: str
    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the system that users wait for: its steps with their own time, in the unit of `metric`."""

    steps: tuple[tuple[str, str], ...]
    total: str
    metric: str


@dataclass(frozen=True, slots=True)
class Trace:
    id: str  # 32 hex digits, for a tracing tool
    at_ms: int
    duration_ms: str
    failed: bool


@dataclass(frozen=True, slots=True)
class TroubledCall:
    """A call of the cause, or to it, that fails or is slow. Shares are decimal text, "" where nobody counted."""

    caller: str
    callee: str
    operation: str  # of the traces; "" where there are none
    failed: str  # share of the calls that failed in the trouble
    before: str  # and before it
    traces: tuple[Trace, ...]


def call_in_words(call: TroubledCall) -> str:
    """Who calls whom, how much of it fails, and where to see it."""
    operation = f", {call.operation}" if call.operation else ""
    failing = f": {float(call.failed):.1%} fail" if float(call.failed or 0) > 0 else ""
    before = f", {float(call.before):.1%} before" if failing and call.before else ""
    shown = (f"{t.id} ({'failed, ' if t.failed else ''}{float(t.duration_ms):,.6g} ms)" for t in call.traces)
    traces = "; ".join(shown)
    return f"{call.caller} calls {call.callee}{operation}{failing}{before}{f'; traces {traces}' if traces else ''}"


def in_words(path: Path) -> str:
    """Who waits for whom, with each one's own time."""
    steps = " > ".join(f"{name} {float(own):,.6g}" for name, own in path.steps)
    return f"{steps} (own time by {path.metric})"


def shares_in_words(told: Explanation) -> tuple[str, ...]:
    """The metrics that matter most for the cause, the first first."""
    return tuple(f"{metric}: {float(share):.0%} of the evidence" for metric, share in told.metrics)


@dataclass(frozen=True, slots=True)
class Explanation:
    summary: str
    confidence: str  # of the first cause; "0" while unknown
    cause: str  # "" while unknown
    chain: tuple[str, ...]  # from the cause to the symptom, one sentence a step
    evidence: tuple[Row, ...]
    health: tuple[tuple[str, str, str], ...]  # component, metric, how closely it moves with what users see, 0..1
    paths: tuple[Path, ...]
    falls: tuple[str, ...]  # who else falls when the cause falls
    confirm: tuple[str, ...]
    refute: tuple[str, ...]
    drawings: Drawings
    metrics: tuple[tuple[str, str], ...] = ()  # of the cause: which speak most for it, and their share of the evidence, 0..1
    calls: tuple[TroubledCall, ...] = ()  # of the cause or to it, the worst first
