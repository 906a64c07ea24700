"""OTLP bodies as plain values: the official messages read, names and numbers checked, everything else left behind. Pure.

In: the bytes of a request, protobuf or JSON, plain or gzip. Out: points with the stream that they belong to, spans, log lines;
and how many items could not be read. A body that is none is Refused. Attributes are read as text and cut; what names a component
is spelt as one or the item is left out: what is measured never brings its own vocabulary.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.analysis.distributions import Piece, explicit, exponential, sane
from reconciler.analysis.spans import Span
from reconciler.analysis.streams import Point
from webhooks.body import Refused
from webhooks.otlp_weight import weigh

JSON, PROTOBUF = "application/json", "application/x-protobuf"
MAX_INFLATED, MAX_INFLATED_JSON = 16 << 20, 4 << 20  # JSON takes ten times as long
MAX_NESTING = 30
MAX_OBJECTS = 250_000  # of JSON, which takes two for an attribute: 250 bytes each in Python, and as much as messages
MAX_ATTRIBUTES = 64
MAX_TEXT = 256
MAX_LINE = 1_000

KINDS: Mapping[str, tuple[str, str, str]] = {  # names in the messages
    "metrics": ("Metrics", "metrics", "data_points"),
    "traces": ("Trace", "trace", "spans"),
    "logs": ("Logs", "logs", "log_records"),
}

Attributes = Mapping[str, str]

_NOT_A_COMPONENT = re.compile(r"[^a-z0-9]+")
_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_HOST = re.compile(r"([a-z0-9][a-z0-9-]{0,62})(\.[a-z0-9-]+\.svc(\.[a-z0-9.-]+)?)?")
_UNITS_MS = {"s": 1_000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}


@dataclass(frozen=True, slots=True)
class Told:
    """One data point: whose, of which metric, of which stream."""

    component: str
    metric: str
    attributes: Attributes
    sender: bytes  # digest of the resource
    stream: bytes  # digest of resource and attributes
    point: Point
    ms: float = 0.0  # factor to milliseconds where the unit is one of time
    sums: bool = False  # the points of several streams are parts of one whole


@dataclass(frozen=True, slots=True)
class Line:
    component: str
    time_ms: int
    text: str
    error: bool


@dataclass(slots=True)
class Count:
    """Items that were in a body, and those that nobody could use."""

    seen: int = 0
    unread: int = 0


def inflated(body: bytes, encoding: str, content_type: str) -> bytes:
    """The body as it was before gzip; never more than the bound, whatever it claims."""
    if encoding == "identity":
        return body
    inflate, most = zlib.decompressobj(wbits=31), MAX_INFLATED_JSON if content_type == JSON else MAX_INFLATED
    try:
        found = inflate.decompress(body, most + 1)
    except zlib.error as error:
        raise Refused(400, "malformed", "the body is not gzip", "send it plain or as gzip") from error
    if len(found) > most:
        raise Refused(413, "too-large", f"the body inflates to more than {most} bytes", "send smaller batches")
    if not inflate.eof:
        raise Refused(400, "malformed", "the gzip body is cut short", "deliver again")
    return found


def message(kind: str, body: bytes, content_type: str) -> Any:
    """The request of a kind: metrics, traces or logs. The official message class is the only schema."""
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    made = _made(kind, "Request")
    try:
        if content_type == PROTOBUF:
            weigh(body, made.DESCRIPTOR)
            made.ParseFromString(body)
        else:
            told = _loaded(body)
            json_format.ParseDict(told, made, ignore_unknown_fields=True, max_recursion_depth=MAX_NESTING)
    except (DecodeError, json_format.Error, ValueError, ArithmeticError, RecursionError, TypeError, AttributeError) as error:
        step = "send what the OpenTelemetry exporters for http/protobuf or http/json send"
        raise Refused(400, "malformed", f"the body is no OTLP request for {kind}", step) from error
    return made


def points(request: Any, names: Sequence[str], count: Count) -> Iterator[Told]:
    for resource, component, sender, scope in _scopes(request.resource_metrics, "scope_metrics", names):
        for metric in scope.metrics:
            told = getattr(metric, metric.WhichOneof("data") or "gauge")
            for item in told.data_points:
                count.seen += 1
                point = _point(metric, told, item) if component else None
                if point is None:
                    count.unread += 1
                    continue
                attributes = _attributes(item.attributes)
                stream = hashlib.blake2b(repr(sorted(attributes.items())).encode(), key=sender, digest_size=16).digest()
                ms = _UNITS_MS.get(metric.unit, 0.0)
                sums = metric.WhichOneof("data") == "sum"
                every = {**resource, **attributes}
                yield Told(component, metric.name[:MAX_TEXT], every, sender, stream, point, ms, sums)


def spans(request: Any, names: Sequence[str], count: Count) -> Iterator[Span]:
    for _, component, _, scope in _scopes(request.resource_spans, "scope_spans", names):
        for item in scope.spans:
            count.seen += 1
            start, end = item.start_time_unix_nano, item.end_time_unix_nano
            named = len(item.trace_id) == 16 and len(item.span_id) == 8 and len(item.parent_span_id) in (0, 8)
            if not component or not named or not 0 < start <= end:
                count.unread += 1
                continue
            kind, attributes = _KINDS.get(item.kind, "internal"), _attributes(item.attributes)
            failed = item.status.code == 2 or (kind == "server" and broke(attributes))
            ids, name = (item.trace_id, item.span_id, item.parent_span_id), item.name[:MAX_TEXT]
            yield Span(*ids, component, kind, start, end, failed, _peer(attributes), name)


def lines(request: Any, names: Sequence[str], count: Count) -> Iterator[Line]:
    for _, component, _, scope in _scopes(request.resource_logs, "scope_logs", names):
        for item in scope.log_records:
            count.seen += 1
            text, at = _text(item.body), item.time_unix_nano or item.observed_time_unix_nano
            if not component or not at:
                count.unread += 1
                continue
            yield Line(component, at // 1_000_000, text[:MAX_LINE], item.severity_number >= 17)


def broke(attributes: Attributes) -> bool:
    """Whether a served request failed by what its attributes say."""
    status = attributes.get("http.response.status_code") or attributes.get("http.status_code") or ""
    rpc = attributes.get("rpc.grpc.status_code") or ""
    return (status.isdecimal() and len(status) == 3 and status >= "500") or rpc in ("2", "4", "8", "13", "14", "15")


def _made(kind: str, what: str) -> Any:
    """Imported when the first delivery comes: an installation that takes no OTLP does not pay for it."""
    name, package, _ = KINDS[kind]
    module = importlib.import_module(f"opentelemetry.proto.collector.{package}.v1.{package}_service_pb2")
    return getattr(module, f"Export{name}Service{what}")()


def answer(kind: str, rejected: int, why: str, content_type: str) -> bytes:
    """The response message; with nothing rejected it is empty."""
    from google.protobuf import json_format

    made = _made(kind, "Response")
    if rejected:
        setattr(made.partial_success, f"rejected_{KINDS[kind][2]}", rejected)
        made.partial_success.error_message = why
    told: bytes = made.SerializeToString() if content_type == PROTOBUF else json_format.MessageToJson(made).encode()
    return told


def _loaded(body: bytes) -> Any:
    if body.count(b"{") > MAX_OBJECTS:
        raise Refused(413, "too-large", f"the body holds more than {MAX_OBJECTS} objects", "send smaller batches")
    told = json.loads(body)
    _read_ids(told)
    return told


def _read_ids(value: Any, depth: int = 0) -> None:
    """OTLP writes ids as hex where JSON of protobuf has base64. In place: a second copy would take as much memory again."""
    if depth > MAX_NESTING:
        raise ValueError("nested too deeply")
    for item in value if isinstance(value, list) else ():
        _read_ids(item, depth + 1)
    for key, item in value.items() if isinstance(value, dict) else ():
        if key in _IDS:
            value[key] = base64.b64encode(bytes.fromhex(item)).decode()
        else:
            _read_ids(item, depth + 1)


def _scopes(resources: Iterable[Any], scopes: str, names: Sequence[str]) -> Iterator[tuple[Attributes, str, bytes, Any]]:
    for resource in resources:
        attributes = _attributes(resource.resource.attributes)
        told = next((attributes[name] for name in names if attributes.get(name)), "")
        digest = hashlib.blake2b(repr(sorted(attributes.items())).encode(), digest_size=16).digest()
        for scope in getattr(resource, scopes):
            yield attributes, component_of(told), digest, scope


def component_of(name: str) -> str:
    """A service's name as a component's; empty when it cannot be one."""
    spelt = _NOT_A_COMPONENT.sub("-", name.lower()).strip("-")
    return spelt if _COMPONENT.fullmatch(spelt) and not spelt.startswith("unknown-service") else ""


def _attributes(pairs: Sequence[Any]) -> dict[str, str]:
    return {pair.key[:MAX_TEXT]: _text(pair.value)[:MAX_TEXT] for pair in pairs[:MAX_ATTRIBUTES]}


def _text(value: Any) -> str:
    which = value.WhichOneof("value")
    if which == "bool_value":
        return "true" if value.bool_value else "false"
    return str(getattr(value, which)) if which in ("string_value", "int_value", "double_value") else ""


def _peer(attributes: Attributes) -> str:
    """Whom a span says it calls: the name that operators give, else a host inside a cluster."""
    if told := attributes.get("peer.service") or attributes.get("service.peer.name"):
        return component_of(told)
    host = _HOST.fullmatch(attributes.get("server.address", "").lower())
    return host[1] if host and host[1] != "localhost" and not host[1].isdecimal() else ""


def _point(metric: Any, told: Any, item: Any) -> Point | None:
    """A point that can be counted on, else None."""
    if item.flags & 1 or not item.time_unix_nano:  # 1: no value was recorded
        return None
    which, at, start = metric.WhichOneof("data"), item.time_unix_nano // 1_000_000, item.start_time_unix_nano // 1_000_000
    if which in ("gauge", "sum"):
        value = float(item.as_int if item.WhichOneof("value") == "as_int" else item.as_double)
        growing, delta = which == "sum" and told.is_monotonic, which == "sum" and told.aggregation_temporality == 1
        if not math.isfinite(value) or (growing and value < 0) or (delta and not growing):
            return None
        return Point(at, start, (value,), growing=growing, delta=delta)
    if which not in ("histogram", "exponential_histogram"):
        return None
    pieces = _buckets(which, item)
    if pieces is None:
        return None
    shape, masses = tuple((low, high) for low, high, _ in pieces), tuple(mass for _, _, mass in pieces)
    return Point(at, start, masses, shape, delta=told.aggregation_temporality == 1)


def _buckets(which: str, item: Any) -> list[Piece] | None:
    """Those that hold any; None for a histogram that does not say where."""
    if which == "histogram":
        fine = sane(item.bucket_counts, item.explicit_bounds) and 0 < len(item.explicit_bounds) == len(item.bucket_counts) - 1
        return list(explicit(item.explicit_bounds, item.bucket_counts)) if fine else None
    above, below, zero = item.positive, item.negative, abs(item.zero_threshold)
    if not (sane(above.bucket_counts) and sane(below.bucket_counts) and math.isfinite(zero)):
        return None
    found = [*exponential(item.scale, below.offset, below.bucket_counts, -1.0)]
    found += exponential(item.scale, above.offset, above.bucket_counts)
    return [*found, (-zero, zero, float(item.zero_count))] if item.zero_count else found
