"""A body that would unpack to far more than it is long is refused before it is unpacked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from otlp_payloads import AT_MS, DELTA, Metrics, logs, spans, trace

from webhooks import otlp_messages as messages
from webhooks import otlp_weight
from webhooks.body import Refused

MIB = 1 << 20
ROOT = Path(__file__).parents[3]


def _wrapped(inner: bytes, *tags: int) -> bytes:
    """The inner bytes as a field within a field."""
    for tag in reversed(tags):
        size, left = b"", len(inner)
        while left > 0x7F:
            size, left = size + bytes([left & 0x7F | 0x80]), left >> 7
        inner = bytes([tag]) + size + bytes([left]) + inner
    return inner


HOSTILE = {  # of which a parser makes a hundred times as much
    "traces": _wrapped(b"\x12\x00" * 300_000, 0x0A, 0x12),
    "logs": _wrapped(b"\x12\x00" * 300_000, 0x0A, 0x12),
    "metrics": _wrapped(b"\x0a\x00" * 300_000, 0x0A, 0x12, 0x12, 0x4A),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_body_of_empty_messages_is_refused(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(otlp_weight, "MOST", 16 * MIB)
    with pytest.raises(Refused, match="too-large"):
        messages.message(kind, HOSTILE[kind], messages.PROTOBUF)


def test_numbers_packed_to_a_byte_each_are_refused():
    buckets = _wrapped(bytes(12 * MIB), 0x0A, 0x12, 0x12, 0x52, 0x0A, 0x42, 0x12)
    with pytest.raises(Refused, match="too-large"):
        messages.message("metrics", buckets, messages.PROTOBUF)


def test_more_fields_than_can_be_looked_at_soon_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_weight, "MOST_FIELDS", 30_000)
    monkeypatch.setattr(otlp_weight, "LIGHT", 0)
    with pytest.raises(Refused, match="too-large"):
        messages.message("metrics", b"\xf8\x01\x00" * 30_001, messages.PROTOBUF)


def test_json_of_empty_objects_is_refused():
    body = '{"resourceSpans":[' + ",".join(["{}"] * messages.MAX_OBJECTS) + "]}"
    with pytest.raises(Refused, match="too-large"):
        messages.message("traces", body.encode(), messages.JSON)


def test_a_delivery_takes_no_more_memory_than_is_documented():
    """In a process of its own, whose memory nothing else has grown; the heaviest body that is let in."""
    program = """
import sys
from webhooks import otlp_messages as messages
def most_kib():
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith("VmHWM:"))
messages.message("metrics", b"", messages.PROTOBUF)
before = most_kib()
messages.message("metrics", sys.stdin.buffer.read(), messages.PROTOBUF)
print(most_kib() - before)
"""
    heaviest = _wrapped(bytes(8 * MIB - 100), 0x0A, 0x12, 0x12, 0x52, 0x0A, 0x42, 0x12)
    told = subprocess.run([sys.executable, "-c", program], input=heaviest, capture_output=True, check=True, cwd=ROOT)
    assert 100 * MIB < int(told.stdout) << 10 < 180 * MIB


def _ordinary() -> dict[str, Any]:
    told = Metrics("cart").gauge("queue", 1.0, AT_MS, pool="a").sum("jobs", 5, AT_MS).durations((0, 3, 0, 0, 1), AT_MS, AT_MS - 1)
    exponential = told.request.resource_metrics[0].scope_metrics[0].metrics.add(name="job").exponential_histogram
    exponential.data_points.add(time_unix_nano=1, attributes=[]).positive.bucket_counts.extend([1, 300, 1 << 40])
    exponential.aggregation_temporality = DELTA
    traces = spans([{**span, "attributes": {"http.route": "/a", "n": -1}} for n in range(20) for span in trace(n, AT_MS)])
    return {"metrics": told.request, "traces": traces, "logs": logs("cart", [(AT_MS, "b" * 300, 9)] * 50)}


@pytest.mark.parametrize("kind", ["metrics", "traces", "logs"])
def test_what_exporters_send_weighs_a_few_times_its_length(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(otlp_weight, "LIGHT", 0)
    request = _ordinary()[kind]
    body = request.SerializeToString()
    assert 0 < otlp_weight.weigh(body, request.DESCRIPTOR) < 12 * len(body)
    assert messages.message(kind, body, messages.PROTOBUF) == request


@pytest.mark.parametrize(
    "body",
    [b"\x0a", b"\x0a\x7f\x00", b"\x0b\x0c", b"\x80" * 12, b"\xfa\xff\xff\xff\xff\x7f\x00", _wrapped(b"", *[0x2A, 0x0A] * 60)],
    ids=["cut", "too short", "group", "endless", "no field", "too deep"],
)
def test_bytes_that_the_parser_would_not_read_are_refused(monkeypatch: pytest.MonkeyPatch, body: bytes):
    monkeypatch.setattr(otlp_weight, "LIGHT", 0)
    if body.startswith(b"\x2a"):  # a value of lists of lists, as a line of a log
        body = _wrapped(body, 0x0A, 0x12, 0x12, 0x2A)
    with pytest.raises(Refused, match="malformed"):
        messages.message("logs", body, messages.PROTOBUF)


def test_ids_of_json_are_read_as_hex_at_any_depth():
    span = {"traceId": "00" * 15 + "01", "spanId": "02" * 8, "links": [{"spanId": "03" * 8}]}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    made = messages.message("traces", json.dumps(body).encode(), messages.JSON)
    (read,) = made.resource_spans[0].scope_spans[0].spans
    assert (read.trace_id[-1], read.span_id, read.links[0].span_id) == (1, b"\x02" * 8, b"\x03" * 8)
