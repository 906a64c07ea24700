"""Spans as the figures of components and of the calls between them. Pure, standard library only.

In: the spans that ended in an interval, and those before and after it that they may belong to. Out: for each component how
many requests entered it, how they ended and how long they took, and how much of that it spent itself; for each pair of caller
and callee the same of the calls.

A call has failed when either end says so. A request enters where a span serves or consumes, or where its parent belongs to
somebody else. A call is seen from both ends: by the one who calls (which also counts what never arrived) when its end is
there, else by the one who answers. A caller's span without an answering span needs the name of the callee in it. The own time
of a request is its duration without the union of the calls that were made below it in the same component: calls at the same
time count once. Nothing here trusts a clock of another machine: times are compared within a component only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.analysis.distributions import quantiles
from reconciler.analysis.traces import operation_of, sampled
from reconciler.model.telemetry import TracedCall

SHARES = (0.5, 0.95, 0.99)
_DEEPEST = 200  # spans of one request inside one component, one below the other


@dataclass(frozen=True, slots=True)
class Span:
    """One finished piece of work. `peer` is whom a calling span says that it calls."""

    trace: bytes
    id: bytes
    parent: bytes
    component: str
    kind: str  # server, client, producer, consumer, internal
    start_ns: int
    end_ns: int
    failed: bool = False
    peer: str = ""
    name: str = ""


@dataclass(slots=True)
class Traffic:
    """What passed one place in an interval."""

    count: int = 0
    failed: int = 0
    durations_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)

    def add(self, span: Span, *, failed: bool) -> None:
        self.count += 1
        self.failed += failed
        self.durations_ms.append((span.end_ns - span.start_ns) / 1e6)


@dataclass(frozen=True, slots=True)
class Interval:
    """The traffic of one interval: into components, and along edges (caller, callee); and the calls that are worth a look."""

    components: Mapping[str, Traffic]
    edges: Mapping[tuple[str, str], Traffic]
    calls: Sequence[TracedCall] = ()


def summarise(ended: Sequence[Span], around: Iterable[Span] = ()) -> Interval:
    """The traffic of the spans that ended; `around` only tells whose children they are. A span told twice counts once."""
    known = {(span.trace, span.id): span for span in (*around, *ended)}
    children: dict[tuple[bytes, bytes], list[Span]] = {}
    for span in known.values():
        children.setdefault((span.trace, span.parent), []).append(span)
    components: dict[str, Traffic] = {}
    edges: dict[tuple[str, str], Traffic] = {}
    calls: list[TracedCall] = []
    for span in {(span.trace, span.id): span for span in ended}.values():
        parent = known.get((span.trace, span.parent)) if span.parent else None
        if _enters(span, parent):
            traffic = components.setdefault(span.component, Traffic())
            traffic.add(span, failed=span.failed)
            traffic.own_ms.append(_own_ms(span, children))
        if edge := _edge(span, parent, children):
            answers = children.get((span.trace, span.id), ()) if span.component == edge[0] else ()
            failed = span.failed or any(answer.failed and answer.component == edge[1] for answer in answers)
            edges.setdefault(edge, Traffic()).add(span, failed=failed)
            calls.append(_traced(edge, span, failed=failed))
    return Interval(components, edges, sampled(calls))


def figures(traffic: Traffic, seconds: float, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The metrics of a place, by their sensor names; none for no traffic."""
    if not traffic.count:
        return
    yield f"{prefix or 'request'}_rate", traffic.count / seconds
    yield f"{prefix}_error_rate".lstrip("_"), traffic.failed / traffic.count
    yield from named(f"{prefix}_latency".lstrip("_"), traffic.durations_ms)
    yield from named(f"{prefix}_self_time".lstrip("_"), traffic.own_ms)


def named(name: str, values: Iterable[float]) -> Iterator[tuple[str, float]]:
    found = quantiles(((value, value, 1.0) for value in values), SHARES)
    yield from zip((f"{name}_p50", f"{name}_p95", f"{name}_p99"), found, strict=bool(found))


def _traced(edge: tuple[str, str], span: Span, *, failed: bool) -> TracedCall:
    took = (span.end_ns - span.start_ns) / 1e6
    return TracedCall(*edge, operation_of(span.name), span.trace.hex(), span.end_ns // 1_000_000, took, failed)


def _enters(span: Span, parent: Span | None) -> bool:
    return span.kind in ("server", "consumer") or (parent is None and not span.parent) or _foreign(span, parent)


def _foreign(span: Span, parent: Span | None) -> bool:
    return parent is not None and parent.component != span.component


def _edge(span: Span, parent: Span | None, children: Mapping[tuple[bytes, bytes], list[Span]]) -> tuple[str, str] | None:
    """The call that this span is the best witness of."""
    if span.kind in ("client", "producer"):
        answered = sorted({child.component for child in children.get((span.trace, span.id), ())} - {span.component})
        callee = answered[0] if answered else span.peer
        return (span.component, callee) if callee and callee != span.component else None
    if parent is not None and _foreign(span, parent) and parent.kind not in ("client", "producer"):
        return parent.component, span.component
    return None


def _own_ms(span: Span, children: Mapping[tuple[bytes, bytes], list[Span]]) -> float:
    """Duration without the union of the calls below it in the same component. No recursion: a chain may be long. No circle is
    ever entered, since a span has one parent.
    """
    calls: list[tuple[int, int]] = []
    level = [span]
    for _ in range(_DEEPEST):
        below = [child for one in level for child in children.get((one.trace, one.id), ()) if child.component == span.component]
        calls += [(c.start_ns, c.end_ns) for c in below if c.kind in ("client", "producer")]
        level = [child for child in below if child.kind == "internal"]
        if not level:
            break
    return max(0, span.end_ns - span.start_ns - _covered(calls, span.start_ns, span.end_ns)) / 1e6


def _covered(intervals: Iterable[tuple[int, int]], start: int, end: int) -> int:
    """How much of [start, end] the union covers."""
    covered, at = 0, start
    for low, high in sorted(intervals):
        low, high = max(low, at), min(high, end)  # noqa: PLW2901 clipped to what is not covered yet
        if high > low:
            covered += high - low
            at = high
    return covered
