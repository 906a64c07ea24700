"""The panel of one service: what is measured of it and of what it calls, as sensors by components.

What a metric measures is told by ordinary words in its name; of several metrics of one kind and component the first by name
speaks. A service that nothing bounded is measured of has no panel: nobody could say how near it is to a limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.failures.panel import MINUTE_MS, SENSORS, Panel, panel

Array = NDArray[np.float64]
Key = tuple[str, str]
Samples = Mapping[Key, tuple[NDArray[np.int64], Array]]

KINDS = {Kind.CPU: "utilisation", Kind.MEMORY: "memory", Kind.TRAFFIC: "load", Kind.LATENCY: "latency", Kind.ERRORS: "errors"}
QUEUE = re.compile(r"queue|backlog", re.IGNORECASE)
WHOLE = 1.1  # of a share: a processor that is full may be measured a little above the whole
MOST = 8  # components; a service that calls more is judged by itself and the first of them by name
BOUNDED = frozenset(sensor.name for sensor in SENSORS if sensor.limit is not None)


@dataclass(frozen=True, slots=True)
class ServicePanel:
    """`keys` names the series behind each column of a sensor."""

    panel: Panel
    keys: Mapping[str, tuple[Key, ...]]


def surroundings(service: str, calls: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The service, then what it calls."""
    called = sorted({callee for caller, callee in calls if caller == service and callee != service})
    return (service, *called[: MOST - 1])


def service_panel(samples: Samples, components: Sequence[str], start_ms: int, end_ms: int) -> ServicePanel | None:
    """Of the whole minutes in (start, end]; None where no share of a capacity was measured in them."""
    start, end = start_ms - start_ms % MINUTE_MS, end_ms - end_ms % MINUTE_MS
    chosen: dict[str, dict[str, tuple[Key, Array]]] = {}
    for key in sorted(key for key in samples if key[0] in components):
        times, values = samples[key]
        first, last = np.searchsorted(times, (start, end), side="right")
        sensor = _sensor(key[1], values[first:last])
        if sensor and key[0] not in chosen.setdefault(sensor, {}):
            chosen[sensor][key[0]] = (key, _minutes(times[first:last], values[first:last], start, end))
    if not BOUNDED & chosen.keys():
        return None
    ends = np.arange(start + MINUTE_MS, end + 1, MINUTE_MS)
    columns = {sensor: np.concatenate([column for _, column in of.values()], axis=1) for sensor, of in chosen.items()}
    return ServicePanel(Panel(ends, columns), {sensor: tuple(key for key, _ in of.values()) for sensor, of in chosen.items()})


def _minutes(times: NDArray[np.int64], values: Array, start: int, end: int) -> Array:
    """One column over all the minutes, also those before the first sample and after the last."""
    edge = np.array([np.nan])
    at = np.concatenate([[start + 1], times, [end]])
    return panel(at, {"": np.concatenate([edge, values, edge])[:, None]}).columns[""]


def _sensor(metric: str, values: Array) -> str:
    """What it measures, "" for none of the sensors; a bounded one is a share of a whole, never bytes or cores."""
    known = values[np.isfinite(values)]
    sensor = "queue" if QUEUE.search(metric) else KINDS.get(kind_of(metric), "")
    whole = len(known) and known.min() >= 0 and known.max() <= WHOLE
    return sensor if len(known) and (sensor not in BOUNDED or whole) else ""
