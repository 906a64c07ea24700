"""Which calls of a component, or to it, are in trouble, and traces that show it.

1. Looked at are the calls to the component and those that it makes, by caller, callee and operation.
2. A call fails when its share of failures (`call_error_rate{callee=..}`) is higher since the trouble began than before, or when a
   trace of it failed since then. It is slow when a trace took longer than the slowest of the same call before; without any
   before, slow cannot be told.
3. Failing calls come first, those to the component before those that it makes, then the slowest. Of each a few traces are named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from reconciler.analysis.detectors.saying import named
from reconciler.analysis.detectors.series import Values, normal_ms, since_ms, until_ms
from reconciler.analysis.traces import ID, operation_of
from reconciler.model.canonical import number
from reconciler.model.explanations import Trace, TroubledCall
from reconciler.model.telemetry import TracedCall
from reconciler.ports.detector import Window

MOST, TRACES = 4, 3
SLOWER = 1.2  # times as long as the slowest before
RISEN = 0.005  # of the calls: less is everyday

Pair = tuple[str, str]


def troubled(window: Window, component: str) -> tuple[TroubledCall, ...]:
    """The worst first; () where nothing is known of its calls."""
    pairs = [pair for pair in dict.fromkeys(window.calls) if component in pair and pair[0] != pair[1]]
    traced = _traced(window, set(pairs))
    found = []
    for pair in pairs:
        share, before = _failing(window, pair)
        fails = share > (0.0 if math.isnan(before) else before) + RISEN
        operations = [key for key in traced if key[:2] == pair] or [(*pair, "")]
        for key in operations:
            traces = _worst(window, traced.get(key, ()))
            if traces or fails:
                rank = (not (fails or traces[0].failed), pair[1] != component, -_longest(traces))
                found.append((rank, pair, key[2], _told(pair, key[2], share, before, traces)))
    return tuple(call for *_, call in sorted(found, key=lambda item: item[:3])[:MOST])


def _traced(window: Window, pairs: set[Pair]) -> Mapping[tuple[str, str, str], list[TracedCall]]:
    found: dict[tuple[str, str, str], list[TracedCall]] = {}
    for call in window.traces:
        if (call.caller, call.callee) in pairs and ID.fullmatch(call.trace) and math.isfinite(call.duration_ms):
            found.setdefault((call.caller, call.callee, operation_of(call.operation)), []).append(call)
    return found


def _failing(window: Window, pair: Pair) -> tuple[float, float]:
    """2. The share of failures since the trouble began and before; NaN where nobody measured it."""
    times, values = window.samples.get((pair[0], f"call_error_rate{{callee={pair[1]}}}"), (np.zeros(0), np.zeros(0)))
    start, end = normal_ms(window)
    since = values[(times >= since_ms(window)) & (times <= until_ms(window))]
    before = values[(times >= start) & (times < end)]
    return _mean(since), _mean(before)


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else math.nan


def _worst(window: Window, calls: Sequence[TracedCall]) -> list[TracedCall]:
    """2. The newest that failed, else the slowest, since the trouble began."""
    since, until = since_ms(window), until_ms(window)
    now = [call for call in calls if since <= call.at_ms <= until]
    usual = max((call.duration_ms for call in calls if call.at_ms < since), default=math.inf)
    failed = sorted((c for c in now if c.failed), key=lambda c: (-c.at_ms, c.trace))
    slow = sorted((c for c in now if not c.failed and c.duration_ms > SLOWER * usual), key=lambda c: (-c.duration_ms, c.trace))
    return [*failed, *slow][:TRACES]


def _longest(traces: Sequence[TracedCall]) -> float:
    return max((call.duration_ms for call in traces), default=0.0)


def _told(pair: Pair, operation: str, share: float, before: float, traces: Sequence[TracedCall]) -> TroubledCall:
    shares = [number(part) if math.isfinite(part) else "" for part in (share, before)]
    shown = tuple(Trace(c.trace, c.at_ms, number(round(c.duration_ms, 3)), c.failed) for c in traces)
    return TroubledCall(named(pair[0]), named(pair[1]), operation, shares[0], shares[1], shown)
