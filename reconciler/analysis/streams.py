"""Streams of one metric as its present value: what many senders tell, each at its own pace, as one series. Pure, standard
library only.

In: points of streams. A stream is one metric of one instance with one set of attributes; a point is a level (gauge), a sum
or the buckets of a histogram, told as a whole since a start (cumulative) or since the last point (delta). Out, for any
moment: levels and increases a second of the streams that still speak, put together as the metric's rule says.

A total that falls, or that says it began anew, has been reset: what it shows is what came since. The first total of a
stream that began before we listened tells nothing yet. Points out of order and repeated ones change nothing. A stream that is
silent for two and a half of its periods is gone, and adds nothing: a gap, never a zero. Streams are bounded; the one that was
silent longest makes room, so labels that change with every deploy cannot fill the memory.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from reconciler.analysis.distributions import Piece, merged

FIRST_PERIOD_MS = 60_000  # how often OpenTelemetry sends metrics unless told otherwise
_LATE = 2.5  # periods

COMBINE: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": math.fsum, "mean": fmean, "max": max, "min": min}


@dataclass(frozen=True, slots=True)
class Point:
    """One data point. `values` is one number, or one for each of `shape` (the same two bounds for every bucket)."""

    time_ms: int
    start_ms: int
    values: tuple[float, ...]
    shape: tuple[tuple[float, float], ...] = ()
    growing: bool = True  # a sum that only grows; False for a level
    delta: bool = False


@dataclass(slots=True)
class _Stream:
    last: Point
    period_ms: int = FIRST_PERIOD_MS
    present: tuple[float, ...] | None = None  # the level, or increases a second


class Streams:
    """The streams of one metric of one component."""

    def __init__(self, began_ms: int, most: int = 2_000) -> None:
        self._began_ms = began_ms
        self._most = most
        self._streams: OrderedDict[Hashable, _Stream] = OrderedDict()
        self.newest_ms = 0  # of the points that told something

    def add(self, key: Hashable, point: Point) -> bool:
        """Whether the point told something new."""
        stream = self._streams.get(key)
        if stream and point.time_ms <= stream.last.time_ms:
            return False
        since_ms = stream.last.time_ms if stream else point.start_ms
        made = _Stream(point)
        if stream:
            made.period_ms = point.time_ms - since_ms
        made.present = self._present(stream.last if stream else None, point)
        self._streams[key] = made
        self._streams.move_to_end(key)
        while len(self._streams) > self._most:
            self._streams.popitem(last=False)
        if made.present is not None:
            self.newest_ms = max(self.newest_ms, point.time_ms)
        return made.present is not None

    def value(self, now_ms: int, combine: str = "sum") -> float | None:
        """Of one-number streams; None when none speaks."""
        found = [stream.present[0] for stream in self._alive(now_ms) if stream.present and not stream.last.shape]
        return COMBINE[combine](found) if found else None

    def pieces(self, now_ms: int) -> list[Piece]:
        """Of histograms: the mass that arrives a second."""
        alive = self._alive(now_ms)
        found = ((*at, mass) for s in alive if s.present for at, mass in zip(s.last.shape, s.present, strict=False))
        return [(low, high, mass) for (low, high), mass in merged(found).items()]

    def _alive(self, now_ms: int) -> Sequence[_Stream]:
        return [s for s in self._streams.values() if now_ms - s.last.time_ms <= _LATE * s.period_ms]

    def _present(self, before: Point | None, point: Point) -> tuple[float, ...] | None:
        if not point.growing:
            return point.values
        since_ms = before.time_ms if before else point.start_ms
        if point.delta:
            since_ms = max(since_ms, point.start_ms) if point.start_ms else since_ms
            return _a_second(point.values, point.time_ms - since_ms) if since_ms else None
        if before is None:
            heard = 0 < self._began_ms <= point.start_ms < point.time_ms
            return _a_second(point.values, point.time_ms - point.start_ms) if heard else None
        if _reset(before, point):
            return _a_second(point.values, point.time_ms - max(before.time_ms, min(point.start_ms, point.time_ms - 1)))
        grown = tuple(b - a for a, b in zip(before.values, point.values, strict=True))
        return _a_second(grown, point.time_ms - before.time_ms)


def _reset(before: Point, point: Point) -> bool:
    began_anew = point.start_ms > before.start_ms and point.start_ms >= before.time_ms
    if began_anew or point.shape != before.shape or len(point.values) != len(before.values):
        return True
    return any(b < a for a, b in zip(before.values, point.values, strict=True))


def _a_second(values: Sequence[float], ms: int) -> tuple[float, ...] | None:
    return tuple(value * 1_000 / ms for value in values) if ms > 0 else None
