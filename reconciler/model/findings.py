"""What a detector found in a window of telemetry: one shape for causes, change points, anomalies, forecasts, risks and patterns.

Findings are recorded with the diagnosis, so that a replay sees what was seen: numbers are decimal text, the detector says which
version of it with which settings spoke, and `text` is written by Homeostat from the fields, never copied from telemetry.
"""

from __future__ import annotations

from dataclasses import dataclass

FORESIGHT = "lessons"  # under which the store notes what was learned of failures, in words


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that one detector says. Unknown is said too: `kind` "unknown", the reason in `text`."""

    detector: str  # its plug-in name: causes, levels, anomalies, forecasts, failures, patterns
    version: str
    settings: str  # digest of its settings
    kind: str  # cause, suspect (what was done), change, anomaly, notice, breach, forecast, risk, pattern, lesson, unknown
    component: str
    metric: str  # "" where it is about the component; of a pattern its kind
    at_ms: int  # when it began, or for what time it is foretold
    confidence: str  # 0..1 as decimal text
    values: tuple[tuple[str, str], ...]  # named numbers as decimal text, for programs
    text: str
