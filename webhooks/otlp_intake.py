"""OtlpIntake: what is sent between two moments, put together as samples of components.

In: requests of the ingress, from its threads. Out: rows (component, metric, time, value) at every `settle` of the loop's thread.
Metrics are kept as streams and told as their present value. Spans and log lines are counted over intervals, which are closed
some seconds after their end, because senders work in batches; what comes later than that, or from the future, is refused.
Everything is bounded, of all components and of each: series, streams, spans, edges. What is beyond a bound is refused, the sender
is told so, and it is counted in `refused`.

Losing this state costs one interval, except for the templates of log lines: those keep their numbers in a file of their own.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from reconciler.analysis.distributions import quantiles
from reconciler.analysis.spans import SHARES, Span, figures, summarise
from reconciler.analysis.streams import Streams, scaled
from reconciler.documents.installation_sources import OtlpSource
from reconciler.model.telemetry import TracedCall
from reconciler.ports.clock import Clock
from reconciler.ports.telemetry import Traces
from webhooks import otlp_messages as messages
from webhooks.otlp_logs import LogBook
from webhooks.otlp_messages import Line, Told
from webhooks.otlp_rules import Rule, rule_for, rules_of
from webhooks.otlp_shares import Share

Row = tuple[str, str, int, float]
Write = Callable[[Sequence[Row], int], int]

GRACE_MS = 10_000  # after the end of an interval; exporters send every five seconds
PAST_MS = 60_000  # what a sender may still hold when this process starts
AHEAD_MS = 5_000  # clocks of senders that run ahead
AT_ONCE = 500  # items that are counted in before others may go on
MAX_STREAMS, MAX_STREAMS_EACH = 50_000, 12_500  # one component: 50 instances of 250 streams
MAX_NUMBERS, MAX_NUMBERS_EACH = 1_000_000, 250_000  # of streams: a histogram has one a bucket, and each takes some 200 bytes
MAX_FAMILIES, MAX_FAMILIES_EACH = 5_000, 500
MAX_SPANS, MAX_SPANS_EACH = 20_000, 10_000  # of one interval
MAX_EDGES, MAX_EDGES_EACH = 5_000, 500
SILENT_MS = 3_600_000  # a call that nobody makes makes room: who is called may be what a stranger asked for
MAX_COMPONENTS = 1_000


class Bins:
    """Spans by the interval that they ended in, until it is closed and the one after it too."""

    def __init__(self, now_ms: int, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self._closed = (now_ms - PAST_MS) // interval_ms
        self._items: dict[int, list[Span]] = {}
        self._shares: dict[int, Share] = {}

    def add(self, at_ms: int, item: Span, now_ms: int) -> str:
        """Why it was refused; empty when it was taken."""
        at = at_ms // self.interval_ms
        if at <= self._closed:
            return "too late"
        if at_ms > now_ms + AHEAD_MS:
            return "from the future"
        share = self._shares.setdefault(at, Share("spans in an interval", MAX_SPANS, MAX_SPANS_EACH))
        if why := share.why_not(item.component, 1):
            return why
        share.add(item.component, 1)
        self._items.setdefault(at, []).append(item)
        return ""

    def closed(self, now_ms: int) -> Iterator[tuple[int, Sequence[Span], Sequence[Span]]]:
        """The end of each interval that is over now, its items, and those of its neighbours."""
        last = (now_ms - GRACE_MS) // self.interval_ms - 1
        for at in sorted(at for at in self._items if self._closed < at <= last):
            around = [*self._items.get(at - 1, ()), *self._items.get(at + 1, ())]
            yield (at + 1) * self.interval_ms, self._items[at], around
        self._closed = max(self._closed, last)
        for at in [at for at in self._items if at < self._closed]:
            del self._items[at], self._shares[at]


@dataclass(slots=True)
class Family:
    """The streams behind one metric of a component."""

    rule: Rule
    streams: Streams
    told_ms: int = 0

    def add(self, told: Told) -> None:
        scale = told.ms if self.rule.in_ms and told.ms else self.rule.scale
        self.streams.add(self.key(told), scaled(told.point, scale), told.sender)

    def key(self, told: Told) -> tuple[bytes, bool]:
        """Of the stream: whose second half says whether its requests failed."""
        return told.stream, self.rule.requests and messages.broke(told.attributes)

    def figures(self, now_ms: int) -> Iterator[tuple[str, float]]:
        """By sensor names; nothing while nothing is new."""
        if self.streams.newest_ms <= self.told_ms:
            return
        self.told_ms = self.streams.newest_ms
        if (value := self.streams.value(now_ms, self.rule.combine)) is not None:
            if math.isfinite(value):
                yield self.rule.name, value
            return
        pieces = self.streams.pieces(now_ms)
        if pieces is None:
            return
        found = quantiles(pieces, SHARES)
        named = (f"{self.rule.name}_{share}" for share in ("p50", "p95", "p99"))
        yield from zip(named, found, strict=bool(found))
        rate = sum(mass for _, _, mass in pieces)
        yield "request_rate" if self.rule.requests else f"{self.rule.name}_rate", rate
        if self.rule.requests and rate > 0:
            yield "error_rate", min(1.0, sum(mass for _, _, mass in self.streams.pieces(now_ms, _failed) or ()) / rate)


def _failed(key: Any) -> bool:
    return bool(key[1])


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery."""

    kept: int
    refused: int
    why: str = ""


class _Shares:
    """What components hold of all that is kept of metrics."""

    def __init__(self) -> None:
        self.families = Share("metrics", MAX_FAMILIES, MAX_FAMILIES_EACH)
        self.streams = Share("streams", MAX_STREAMS, MAX_STREAMS_EACH)
        self.numbers = Share("buckets", MAX_NUMBERS, MAX_NUMBERS_EACH)

    def count_anew(self, families: Mapping[tuple[str, str], Family]) -> None:
        self.families.count_anew((component, 1) for component, _ in families)
        self.streams.count_anew((component, len(family.streams)) for (component, _), family in families.items())
        self.numbers.count_anew((component, family.streams.numbers()) for (component, _), family in families.items())


@dataclass
class _State:
    """What one adopted source has built up."""

    source: OtlpSource
    began_ms: int
    spans: Bins
    logs: LogBook
    rules: Mapping[str, tuple[Rule, ...]]
    families: dict[tuple[str, str], Family] = field(default_factory=dict)
    shares: _Shares = field(default_factory=_Shares)
    calls: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # how many, and when the last were made
    traced: list[TracedCall] = field(default_factory=list)  # that are not kept yet
    components: set[str] = field(default_factory=set)
    unkept: Counter[str] = field(default_factory=Counter)  # calls of an interval, by why


class OtlpIntake:
    """Safe from several threads; `templates` is where log templates are kept, `traces` where calls that are worth a look are."""

    def __init__(self, write: Write, clock: Clock, templates: Path | None = None, traces: Traces | None = None) -> None:
        self._write, self._clock, self._templates, self._traces = write, clock, templates, traces
        self._guard = threading.Lock()
        self._state: _State | None = None
        self.refused = Counter[str]()  # items by why, since the start

    @property
    def open(self) -> bool:
        """Whether homeostat.yaml names a source of this kind."""
        return self._state is not None

    def adopt(self, source: OtlpSource | None) -> None:
        """The source as the followed documents say it. Another one begins anew."""
        with self._guard:
            if source != (self._state.source if self._state else None):
                self._state = self._begun(source) if source else None

    def take(self, kind: str, request: Any) -> Taken:
        """Counts one request in, some items at a time: `settle` must never wait long."""
        with self._guard:
            source = self._state.source if self._state else None
        if source is None:
            return Taken(0, 0)
        read, step = _KINDS[kind]
        count, refused, delivery = messages.Count(), Counter[str](), _Delivery(self._clock.now())
        items = read(request, source.components, count)  # never all at once: what is read takes a hundred times its bytes
        while batch := list(islice(items, AT_ONCE)):
            with self._guard:
                if self._state is None or self._state.source is not source:
                    break  # the documents have changed
                refused.update(why for item in batch if (why := step(self._state, item, delivery)))
        if count.unread:
            refused["without component, time or a finite value"] = count.unread
        with self._guard:
            delivery.end()
            self.refused.update(refused)
        total = refused.total()
        return Taken(count.seen - total, total, "; ".join(f"{n} {why}" for why, n in sorted(refused.items())))

    def settle(self, now_ms: int) -> int:
        """Writes what is complete; how many samples."""
        with self._guard:
            if self._state is None:
                return 0
            rows = list(_rows(self._state, now_ms))
            traced, self._state.traced = self._state.traced, []
            self.refused.update(self._state.unkept)
            self._state.unkept.clear()
        written = self._write(rows, now_ms) if rows else 0
        if traced and self._traces:
            self._traces.keep(traced, now_ms)
        with self._guard:
            if self._state:
                self._state.logs.keep(now_ms)
        return written

    def _begun(self, source: OtlpSource) -> _State:
        now = self._clock.now()
        logs = LogBook(now, source.interval_ms, self._templates)
        return _State(source, now, Bins(now, source.interval_ms), logs, rules_of(source.metrics))


@dataclass
class _Delivery:
    """One request on its way in, and which families it told of whom."""

    now_ms: int
    told: dict[tuple[int, bytes], tuple[Family, int]] = field(default_factory=dict)

    def end(self) -> None:
        for (_, sender), (family, last_ms) in self.told.items():
            family.streams.heard(sender, last_ms)


def _metric(state: _State, told: Told, delivery: _Delivery) -> str:
    """Why a point was refused; empty when it was counted, or when homeostat.yaml asks for other points of its metric."""
    if why := _unknown(state, told.component):
        return why
    if told.point.time_ms > delivery.now_ms + AHEAD_MS:
        return "from the future"
    if (rule := rule_for(told, state.rules)) is None:
        return ""
    key = told.component, rule.name
    family = state.families.get(key)
    if family is None:
        if why := state.shares.families.why_not(told.component, 1):
            return why
        state.shares.families.add(told.component, 1)
        family = state.families[key] = Family(rule, Streams(state.began_ms))
    if why := _full(state, told.component, family.streams, family.key(told), len(told.point.values)):
        return why
    family.add(told)
    delivery.told[id(family), told.sender] = family, told.point.time_ms
    return ""


def _full(state: _State, component: str, streams: Streams, key: tuple[bytes, bool], numbers: int) -> str:
    """Why a stream may not hold so many numbers; empty when it may, and then they count."""
    new, more, shares = int(key not in streams), numbers - streams.numbers(key), state.shares
    if why := shares.streams.why_not(component, new) or shares.numbers.why_not(component, more):
        return why
    shares.streams.add(component, new)
    shares.numbers.add(component, more)
    return ""


def _span(state: _State, span: Span, delivery: _Delivery) -> str:
    return _unknown(state, span.component) or state.spans.add(span.end_ns // 1_000_000, span, delivery.now_ms)


def _line(state: _State, line: Line, delivery: _Delivery) -> str:
    if line.time_ms > delivery.now_ms + AHEAD_MS:
        return "from the future"
    return _unknown(state, line.component) or state.logs.add(line)


_KINDS: Mapping[str, tuple[Callable[..., Iterator[Any]], Callable[..., str]]] = {
    "metrics": (messages.points, _metric),
    "traces": (messages.spans, _span),
    "logs": (messages.lines, _line),
}


def _unknown(state: _State, component: str) -> str:
    if component not in state.components and len(state.components) >= MAX_COMPONENTS:
        return "of too many components"
    state.components.add(component)
    return ""


def _rows(state: _State, now_ms: int) -> Iterator[Row]:
    for (component, _), family in state.families.items():
        for metric, value in family.figures(now_ms):
            yield component, metric, min(family.told_ms, now_ms), value
    state.families = {key: family for key, family in state.families.items() if family.streams.forget(now_ms)}
    state.shares.count_anew(state.families)
    state.components = {component for component, _ in state.families}  # the others make room until they are heard again
    served = {component for (component, _), family in state.families.items() if family.rule.requests}
    for end_ms, ended, around in state.spans.closed(now_ms):
        yield from _traffic(state, end_ms, ended, around, served)
    yield from state.logs.rows(now_ms)


def _traffic(state: _State, end_ms: int, ended: Sequence[Span], around: Iterable[Span], served: set[str]) -> Iterator[Row]:
    """Of one interval of spans. What a component measures of its requests itself is not told twice."""
    found, seconds = summarise(ended, around), state.source.interval_ms / 1_000
    for component, traffic in sorted(found.components.items()):
        for metric, value in figures(traffic, seconds):
            if component not in served or metric.startswith("self_time"):
                yield component, metric, end_ms, value
    state.calls = {edge: told for edge, told in state.calls.items() if told[1] > end_ms - SILENT_MS}
    share = Share("calls", MAX_EDGES, MAX_EDGES_EACH)
    share.count_anew((caller, 1) for caller, _ in state.calls)
    for (caller, callee), traffic in sorted(found.edges.items()):
        if (caller, callee) not in state.calls:
            if why := share.why_not(caller, 1):
                state.unkept[why] += 1
                continue
            share.add(caller, 1)
        total = state.calls.get((caller, callee), (0, 0))[0] + traffic.count
        state.calls[caller, callee] = total, end_ms
        yield caller, f"calls_total{{callee={callee}}}", end_ms, float(total)
        for metric, value in figures(traffic, seconds, "call"):
            yield caller, f"{metric}{{callee={callee}}}", end_ms, value
    state.traced += [call for call in found.calls if (call.caller, call.callee) in state.calls]
