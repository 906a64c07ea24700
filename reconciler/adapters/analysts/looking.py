"""From an inquiry to an answer: the window is read from telemetry, the detectors look at it.

Runs in the worker process, and in tests in their own. A telemetry that cannot answer is said, as everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.adapters.analysts.counting import COUNTER, counted
from reconciler.adapters.analysts.maintained import without_maintenance, worked_on
from reconciler.errors import HomeostatError
from reconciler.model.explanations import Explanation
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.ports.detector import Window
from reconciler.ports.telemetry import BulkTelemetry, Traces

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples

Examine = Callable[[Window, tuple[str, ...]], tuple[Finding, ...]]  # by the detectors of these names, () is all
Explain = Callable[[Window, tuple[Finding, ...]], Explanation | None]
MOST = 60  # findings of one answer: records are bounded, and nobody reads more


def _silent(_window: Window, _findings: tuple[Finding, ...]) -> None:
    """Findings alone."""


def look(
    inquiry: Inquiry, telemetry: BulkTelemetry, examine: Examine, explain: Explain = _silent, traces: Traces | None = None
) -> Answer:
    """What `examine` finds in the window that the inquiry is about, and why, where somebody complained."""
    try:
        samples = _samples(inquiry, telemetry)
        counts, changes = counted(samples), (*inquiry.changes, *worked_on(inquiry, samples))
        samples = without_maintenance(inquiry, samples)
        window = Window(
            samples={key: taken for key, taken in samples.items() if not COUNTER.fullmatch(key[1])},
            calls=telemetry.topology().calls,
            now_ms=inquiry.now_ms,
            alarm_ms=inquiry.alarm_ms,
            symptom=inquiry.symptom,
            changes=changes,
            limits=_limits(inquiry, samples),
            occasions=inquiry.occasions,
            wholes=inquiry.wholes,
            counts=counts,
            traces=tuple(traces.calls(inquiry.start_ms, inquiry.now_ms)) if traces else (),
        )
    except HomeostatError as error:
        return Answer(missing=f"telemetry did not answer the analysis: {error.message}")
    findings = _foremost(examine(window, inquiry.detectors))
    return Answer(findings, explanation=None if inquiry.alarm_ms is None else explain(window, findings))


def _samples(inquiry: Inquiry, telemetry: BulkTelemetry) -> Mapping[tuple[str, str], Samples]:
    if not inquiry.step_ms:
        return telemetry.window(inquiry.components or None, inquiry.start_ms, inquiry.now_ms)
    grid = telemetry.grid(inquiry.components or None, inquiry.start_ms, inquiry.now_ms, inquiry.step_ms)
    taken = grid.count > 0
    return {key: (grid.times[taken[row]], grid.mean[row][taken[row]]) for row, key in enumerate(grid.series) if taken[row].any()}


def _limits(inquiry: Inquiry, samples: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], float]:
    """The strictest of each series; what is no number limits nothing."""
    found: dict[tuple[str, str], float] = {}
    given = [(limit.component, limit.metric, float(limit.at)) for limit in inquiry.limits]
    for component, metric in samples:
        at = [at for who, what, at in given if what == metric and who in ("", component) and math.isfinite(at)]
        if at:
            found[(component, metric)] = min(at)
    return found


def _foremost(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The surest of each kind first to be kept, in the order in which they were said."""
    ranks: dict[str, int] = {}
    ranked = []
    for place in sorted(range(len(findings)), key=lambda at: (-float(findings[at].confidence), at)):
        kind = findings[place].kind
        ranks[kind] = ranks.get(kind, 0) + 1
        ranked.append((ranks[kind], place))
    kept = {place for _, place in sorted(ranked)[:MOST]}
    return tuple(finding for place, finding in enumerate(findings) if place in kept)
