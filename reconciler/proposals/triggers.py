"""The values of a trigger: the cause as typed fields, and the component's metrics as medians over the two windows.

A gap is absent, never a zero: a trigger that needs a missing metric has an error and does not fire.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

from reconciler.model.diagnosis import Cause
from reconciler.ports.telemetry import Telemetry
from reconciler.proposals.situation import Situation

MAX_METRICS = 200


def trigger_values(situation: Situation, cause: Cause, telemetry: Telemetry) -> Mapping[str, object]:
    """Every variable that a trigger may mention. Telemetry that cannot answer raises Retryable: blind is no reason to act."""
    diagnosis = situation.diagnosis
    before, _ = _readings(telemetry, cause.component, diagnosis.window_before)
    now, latest = _readings(telemetry, cause.component, diagnosis.window_after)
    return {
        "cause": cause.kind.value,
        "confidence": confidence(cause),
        "component": cause.component,
        "trouble": cause.trouble,
        "container": cause.container,
        "severity": situation.incident.severity.value,
        "suspect": bool(cause.commit),
        "prediction": diagnosis.prediction_only,
        "cascading": diagnosis.cascading,
        "callers": len(situation.topology.callers(cause.component)),
        "before": before,
        "now": now,
        "latest": latest,
    }


def confidence(cause: Cause) -> float:
    """0 for text that is no share: what cannot be read is not trusted."""
    try:
        value = float(cause.confidence)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def median(telemetry: Telemetry, component: str, metric: str, window: tuple[int, int]) -> float | None:
    """The median of one metric in a window, None when there is no finite sample."""
    values = _finite(telemetry, component, metric, window)
    return float(statistics.median(values)) if values else None


def _finite(telemetry: Telemetry, component: str, metric: str, window: tuple[int, int]) -> list[float]:
    return [value for value in telemetry.series(component, metric, *window).values if math.isfinite(value)]


def _readings(telemetry: Telemetry, component: str, window: tuple[int, int]) -> tuple[dict[str, float], dict[str, float]]:
    medians: dict[str, float] = {}
    newest: dict[str, float] = {}
    for metric in sorted(telemetry.metrics(component))[:MAX_METRICS]:
        values = _finite(telemetry, component, metric, window)
        if values:
            medians[metric] = float(statistics.median(values))
            newest[metric] = float(values[-1])
    return medians, newest
