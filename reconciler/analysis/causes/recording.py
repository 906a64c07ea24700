"""What the search for a cause is given: samples in columns, who calls whom, when the alarm came and which period was normal.

`Recording.of` puts samples in order, keeps the last of duplicates and makes gaps of what is no finite number, so that nothing
behind it needs to ask. Times are seconds; a value that nobody measured is NaN, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reconciler.analysis.causes.kinds import Kind, callee_of, kind_of

Array = NDArray[np.float64]
Edge = tuple[str, str] | tuple[str, str, float]  # caller, callee and, where counted, how many calls
LARGEST = 1e18  # beyond it squares overflow: no measurement, a gap


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of one service."""

    service: str
    metric: str
    kind: Kind
    callee: str = ""  # of the calls that it measures, where it names one

    @classmethod
    def of(cls, service: str, metric: str) -> Column:
        return cls(service, metric, kind_of(metric), callee_of(metric))


@dataclass(frozen=True, slots=True)
class Recording:
    """`normal` is [start, end); `edges` are (caller, callee) and `calls` counts them; `symptom` is who the alarm is about."""

    times: Array
    values: Array  # samples x columns
    columns: tuple[Column, ...]
    edges: tuple[tuple[str, str], ...]
    alarm: float
    normal: tuple[float, float]
    symptom: str | None = None
    calls: Mapping[tuple[str, str], float] = field(default_factory=dict)  # an edge that is not counted counts 1

    @classmethod
    def of(
        cls,
        times: ArrayLike,
        values: ArrayLike,
        columns: Sequence[Column],
        edges: Iterable[Edge],
        alarm: float,
        normal: tuple[float, float],
        symptom: str | None = None,
    ) -> Recording:
        at = np.asarray(times, dtype=np.float64).reshape(-1)
        table = np.asarray(values, dtype=np.float64)
        if table.shape != (len(at), len(columns)):
            wanted = f"{len(at)} times and {len(columns)} columns"
            raise ValueError(f"a table of {table.shape} for {wanted}: give every time a row and every metric a column")
        order = np.argsort(at, kind="stable")
        order = order[np.isfinite(at[order])]
        last = np.append(at[order][1:] != at[order][:-1], True)[: len(order)]
        kept = order[last]
        table = table[kept]
        table = np.where(np.isfinite(table) & (np.abs(table) < LARGEST), table, np.nan)
        known = {(e[0], e[1]): float(e[2]) if len(e) == 3 else 1.0 for e in edges if e[0] != e[1]}
        return cls(at[kept], table, tuple(columns), tuple(known), alarm, normal, symptom, known)

    @property
    def services(self) -> tuple[str, ...]:
        """Everyone who is measured, in the order of the columns, then those whom others measure their calls to."""
        called = (c.callee for c in self.columns if c.kind in (Kind.CALLS, Kind.CALL_ERRORS) and c.callee)
        return tuple(dict.fromkeys((*(c.service for c in self.columns), *called)))

    @property
    def step(self) -> float:
        """Usual seconds between samples; 60 where there are fewer than two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 60.0
