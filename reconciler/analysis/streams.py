"""Streams of one metric as its present value: what many senders tell, each at its own pace, as one series. Pure, standard
library only.

In: points of streams. A stream is one metric of one instance with one set of attributes; a point is a level (gauge), a sum or
the buckets of a histogram, told as a whole since a start (cumulative) or since the last point (delta). Out, for any moment:
levels and increases a second of the streams that still speak, put together as the metric's rule says.

A total that falls, or that says it began anew, has been reset: what it shows is what came since. The first total of a stream
that began before we listened tells nothing yet, unless its sender was heard before and did not have it then: all of it is new.
Points out of order and repeated ones change nothing. A stream that is silent for two and a half of its periods is gone, and
adds nothing: a gap, never a zero. Streams are bounded; the one that was silent longest makes room, so labels that change with
every deploy cannot fill the memory.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from reconciler.analysis.distributions import Piece, merged

FIRST_PERIOD_MS = 60_000  # how often OpenTelemetry sends metrics unless told otherwise
FORGET_MS = 900_000
_LATE = 2.5  # periods

Bucket = tuple[float, float] | None  # None: one number

COMBINE: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": math.fsum, "mean": fmean, "max": max, "min": min}


def _any(_: Hashable) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Point:
    """One data point. `values` is one number; of a histogram one for each of `shape`, the bounds of the buckets that hold any."""

    time_ms: int
    start_ms: int
    values: tuple[float, ...]
    shape: tuple[tuple[float, float], ...] | None = None
    growing: bool = True  # a sum that only grows; False for a level
    delta: bool = False


def scaled(point: Point, scale: float) -> Point:
    """In another unit: a number, or the bounds of buckets."""
    if scale == 1.0:
        return point
    if point.shape is None:
        return replace(point, values=(point.values[0] * scale,))
    return replace(point, shape=tuple((low * scale, high * scale) for low, high in point.shape))


@dataclass(slots=True)
class _Stream:
    last: Point
    present: Mapping[Bucket, float] | None  # the level, or increases a second
    period_ms: int = FIRST_PERIOD_MS


class Streams:
    """The streams of one metric of one component."""

    def __init__(self, began_ms: int, most: int = 2_000) -> None:
        self._began_ms = began_ms
        self._most = most
        self._streams: OrderedDict[Hashable, _Stream] = OrderedDict()
        self._senders: dict[Hashable, int] = {}  # when each was heard last
        self.newest_ms = 0  # of the points that told something

    def add(self, key: Hashable, point: Point, sender: Hashable = None) -> bool:
        """Whether the point told something new."""
        stream = self._streams.get(key)
        if stream and point.time_ms <= stream.last.time_ms:
            return False
        made = _Stream(point, self._told(stream.last if stream else None, point, self._senders.get(sender, 0)))
        if stream:
            made.period_ms = min(point.time_ms - stream.last.time_ms, FORGET_MS)
        self._streams[key] = made
        self._streams.move_to_end(key)
        while len(self._streams) > self._most:
            self._streams.popitem(last=False)
        if made.present is not None:
            self.newest_ms = max(self.newest_ms, point.time_ms)
        return made.present is not None

    def heard(self, sender: Hashable, time_ms: int) -> None:
        """A whole export of a sender has been added."""
        self._senders[sender] = max(time_ms, self._senders.pop(sender, 0))
        while len(self._senders) > self._most:
            del self._senders[next(iter(self._senders))]

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._streams

    def numbers(self, key: Hashable | None = None) -> int:
        """How many a stream holds, or all of them."""
        held = self._streams.values() if key is None else filter(None, [self._streams.get(key)])
        return sum(len(stream.last.values) for stream in held)

    def forget(self, now_ms: int) -> int:
        """Drops the streams that will not come back; how many are left."""
        for key in [key for key, stream in self._streams.items() if not _speaks(stream, now_ms - FORGET_MS)]:
            del self._streams[key]
        self._senders = {sender: at for sender, at in self._senders.items() if at > now_ms - FORGET_MS}
        return len(self._streams)

    def value(self, now_ms: int, combine: str = "sum") -> float | None:
        """Of one-number streams; None when none speaks, NaN when together they are no number."""
        found = [told[None] for told in self._present(now_ms, _any) if None in told]
        try:
            return COMBINE[combine](found) if found else None
        except (OverflowError, ValueError):  # beyond the largest number, or infinities of both signs
            return math.nan

    def pieces(self, now_ms: int, of: Callable[[Hashable], bool] = _any) -> list[Piece] | None:
        """Of histograms whose key is chosen: the mass that arrives a second; None when none speaks."""
        present = self._present(now_ms, of)
        found = ((*bucket, mass) for told in present for bucket, mass in told.items() if bucket is not None)
        return [(low, high, mass) for (low, high), mass in merged(found).items()] if present else None

    def _present(self, now_ms: int, of: Callable[[Hashable], bool]) -> list[Mapping[Bucket, float]]:
        alive = ((key, s.present) for key, s in self._streams.items() if _speaks(s, now_ms))
        return [present for key, present in alive if present is not None and of(key)]

    def _told(self, before: Point | None, point: Point, heard_ms: int) -> Mapping[Bucket, float] | None:
        """The level, or the increase a second since the point before; None while that is not known."""
        now, since_ms = _buckets(point), before.time_ms if before else point.start_ms
        if not point.growing:
            return now
        if point.delta:
            since_ms = max(since_ms, point.start_ms)
            return _a_second(now, point.time_ms - since_ms) if since_ms else None
        if before is None:
            since_ms = max(since_ms, heard_ms)
            return _a_second(now, point.time_ms - since_ms) if since_ms >= self._began_ms else None
        last = _buckets(before)
        if _began_anew(before, point) or math.fsum(now.values()) < math.fsum(last.values()):
            return _a_second(now, point.time_ms - max(since_ms, min(point.start_ms, point.time_ms - 1)))
        if any(now.get(bucket, 0.0) < mass for bucket, mass in last.items()):
            return None  # other buckets than before
        return _a_second({bucket: mass - last.get(bucket, 0.0) for bucket, mass in now.items()}, point.time_ms - since_ms)


def _speaks(stream: _Stream, now_ms: int) -> bool:
    return now_ms - stream.last.time_ms <= _LATE * stream.period_ms


def _buckets(point: Point) -> dict[Bucket, float]:
    return dict(zip((None,) if point.shape is None else point.shape, point.values, strict=True))


def _began_anew(before: Point, point: Point) -> bool:
    return point.start_ms > before.start_ms and point.start_ms >= before.time_ms


def _a_second(values: Mapping[Bucket, float], ms: int) -> Mapping[Bucket, float] | None:
    return {bucket: value * 1_000 / ms for bucket, value in values.items()} if ms > 0 else None
