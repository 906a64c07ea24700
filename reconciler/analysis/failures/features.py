"""One row of features a minute for a service, however many components it has.

A bounded sensor (a share of capacity) speaks through its worst component: the one that reaches its limit first at the
present pace. Two paces are tried: the level grows steadily (more load), and its reciprocal falls steadily (less capacity
under the same load). An unbounded sensor speaks through the component that rose most, in logarithms, so that nothing depends on
units or on how busy a service is. Levels of unbounded sensors, component names and clocks are no features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.failures.panel import SENSORS, Panel, Sensor
from reconciler.analysis.failures.trends import WARM_UP, trends

Array = NDArray[np.float64]

FARTHEST = 300.0  # minutes to a limit; farther is never
SMALLEST = 0.05  # share of capacity, for reciprocals
PACES = ("slope 5", "slope 10", "slope 20", "slope 40", "since")
FREE = (
    "slope 5", "slope 10", "slope 20", "slope 40", "slope 90", "departure 3", "departure 6", "departure 10",
    "age", "before", "since", "rise", "noise", "gain", "lift",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Features:
    """`names` are "sensor: feature"; `known` rows can be answered; `worst` is the component each sensor speaks through."""

    names: tuple[str, ...]
    rows: NDArray[np.float32]
    known: NDArray[np.bool_]
    worst: dict[str, NDArray[np.int64]]


def features(panel: Panel, sensors: tuple[Sensor, ...] = SENSORS) -> Features:
    """A sensor that the panel lacks is NaN in every row; a row is known while every measured bounded sensor is."""
    given = {name: values for name, values in panel.columns.items() if values.shape[1]}
    columns: dict[str, Array] = {}
    worst: dict[str, NDArray[np.int64]] = {}
    known = np.full(len(panel), any(s.limit is not None and s.name in given for s in sensors))
    for sensor in sensors:
        values = given.get(sensor.name, np.full((len(panel), 1), np.nan))
        found, at = _bounded(values, sensor.limit) if sensor.limit is not None else _free(values, sensor.least)
        columns |= {f"{sensor.name}: {name}": column for name, column in found.items()}
        worst[sensor.name] = at
        if sensor.limit is not None and sensor.name in given:
            known &= np.isfinite(found["mean 3"])
    rows = np.stack(list(columns.values()), axis=1).astype(np.float32)
    return Features(tuple(columns), rows, known, worst)


def _bounded(values: Array, limit: float) -> tuple[dict[str, Array], NDArray[np.int64]]:
    components = [_pressure(values[:, i] / limit) for i in range(values.shape[1])]
    near = np.stack([np.minimum(c["minutes slope 20"], c["minutes since"]) for c in components], axis=1)
    worst = np.where(np.isnan(near), np.inf, near).argmin(axis=1)
    levels = np.stack([c["mean 5"] for c in components], axis=1)
    found = _chosen(components, worst)
    found["highest"] = np.fmax.reduce(levels, axis=1)
    return found, worst


def _pressure(share: Array) -> dict[str, Array]:
    """Trends of one component's share of capacity and the minutes to its limit at each pace."""
    held, gaps = _filled(share)
    found = trends(held)
    inverse = trends(1 / np.clip(held, SMALLEST, None))
    for pace in PACES:
        found[f"minutes {pace}"] = _minutes(1 - found["mean 3"], found[pace])
        found[f"minutes {pace}, shrinking"] = _minutes(inverse["mean 3"] - 1, -inverse[pace])
    found["gain, shrinking"] = inverse["gain"]
    return {name: np.where(gaps, np.nan, column) for name, column in found.items()}


def _minutes(room: Array, pace: Array) -> Array:
    steps = np.maximum(room, 0) / np.maximum(pace, 1e-9)
    return np.where(pace > 1e-9, np.minimum(steps, FARTHEST), FARTHEST)


def _free(values: Array, least: float) -> tuple[dict[str, Array], NDArray[np.int64]]:
    components = [_lifted(values[:, i], least) for i in range(values.shape[1])]
    rises = np.stack([c["lift"] for c in components], axis=1)
    worst = np.where(np.isnan(rises), -np.inf, rises).argmax(axis=1)
    return _chosen([{name: c[name] for name in FREE} for c in components], worst), worst


def _lifted(values: Array, least: float) -> dict[str, Array]:
    held, gaps = _filled(values)
    found = trends(np.log(np.maximum(held, least)))
    found["lift"] = found["mean 3"] - found["mean 45"]
    return {name: np.where(gaps, np.nan, column) for name, column in found.items()}


def _chosen(components: list[dict[str, Array]], worst: NDArray[np.int64]) -> dict[str, Array]:
    rows = np.arange(len(worst))
    return {name: np.stack([c[name] for c in components], axis=1)[rows, worst] for name in components[0]}


def _filled(values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The values with each gap held at the last one, for the filters, and where nothing can be said: gaps and warm-up.

    A series that begins later than the others is as one that begins there.
    """
    gaps = ~np.isfinite(values)
    if gaps.all():
        return np.zeros(len(values)), gaps
    first = int(np.flatnonzero(~gaps)[0])
    at = np.maximum.accumulate(np.where(gaps, -1, np.arange(len(values))))
    held = values[np.maximum(at, first)]
    held[:first] = held[first : first + WARM_UP].mean()
    gaps[first : first + WARM_UP - 1] = True
    return held, gaps
