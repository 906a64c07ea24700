"""OTLP requests made with the official messages, as a sender would make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

AT_MS = 1_700_000_000_000
BOUNDS = (0.005, 0.01, 0.1, 1.0)
DELTA, CUMULATIVE = 1, 2
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def attributes(target: Any, told: Mapping[str, str | int]) -> None:
    for key, value in told.items():
        made = target.attributes.add(key=key).value
        if isinstance(value, int):
            made.int_value = value
        else:
            made.string_value = value


class Metrics:
    """A request of metrics of one resource."""

    def __init__(self, service: str, **resource: str) -> None:
        self.request = ExportMetricsServiceRequest()
        one = self.request.resource_metrics.add()
        attributes(one.resource, {"service.name": service, **resource})
        self._scope = one.scope_metrics.add()

    def gauge(self, name: str, value: float, at_ms: int, **told: str) -> Metrics:
        point = self._scope.metrics.add(name=name).gauge.data_points.add(time_unix_nano=at_ms * 1_000_000, as_double=value)
        attributes(point, told)
        return self

    def sum(
        self, name: str, value: int, at_ms: int, start_ms: int = 0, *, temporality: int = CUMULATIVE, monotonic: bool = True,
        **told: str,
    ) -> Metrics:  # fmt: skip
        metric = self._scope.metrics.add(name=name)
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = monotonic, temporality
        times = {"time_unix_nano": at_ms * 1_000_000, "start_time_unix_nano": start_ms * 1_000_000}
        attributes(metric.sum.data_points.add(as_int=value, **times), told)
        return self

    def durations(
        self, counts: Sequence[int], at_ms: int, start_ms: int = 0, *, status: int = 200, temporality: int = CUMULATIVE
    ) -> Metrics:
        """http.server.request.duration in seconds."""
        metric = self._scope.metrics.add(name="http.server.request.duration", unit="s")
        metric.histogram.aggregation_temporality = temporality
        times = {"time_unix_nano": at_ms * 1_000_000, "start_time_unix_nano": start_ms * 1_000_000}
        point = metric.histogram.data_points.add(bucket_counts=counts, explicit_bounds=BOUNDS, count=sum(counts), **times)
        attributes(point, {"http.response.status_code": status})
        return self


def trace(number: int, start_ms: int, *, failed: bool = False) -> list[dict[str, Any]]:
    """frontend serves 100 ms, 60 of them waiting for cart, which serves 50."""
    ids = {"trace_id": number.to_bytes(16, "big")}
    one, two, three = (f"{number}{n}".rjust(8).encode() for n in "abc")
    entry = {**ids, "span_id": one, "service": "frontend", "kind": "server", "at": start_ms, "ms": 100}
    call = {**ids, "span_id": two, "parent": one, "service": "frontend", "kind": "client", "at": start_ms + 10, "ms": 60}
    served = {**ids, "span_id": three, "parent": two, "service": "cart", "kind": "server", "at": start_ms + 15, "ms": 50}
    return [entry, call, {**served, "failed": failed}]


def spans(told: Iterable[Mapping[str, Any]]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for span in told:
        resource = request.resource_spans.add()
        attributes(resource.resource, {"service.name": span["service"]})
        made = resource.scope_spans.add().spans.add(
            trace_id=span["trace_id"],
            span_id=span["span_id"],
            parent_span_id=span.get("parent", b""),
            kind=KINDS[span["kind"]],
            name=span.get("name", ""),
            start_time_unix_nano=span["at"] * 1_000_000,
            end_time_unix_nano=(span["at"] + span["ms"]) * 1_000_000,
        )
        made.status.code = 2 if span.get("failed") else 0
        attributes(made, span.get("attributes", {}))
    return request


def logs(service: str, lines: Iterable[tuple[int, str, int]]) -> ExportLogsServiceRequest:
    """Lines as time, text and severity number."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    attributes(resource.resource, {"service.name": service})
    scope = resource.scope_logs.add()
    for at_ms, text, severity in lines:
        scope.log_records.add(time_unix_nano=at_ms * 1_000_000, severity_number=severity).body.string_value = text
    return request
