"""What a sender who means harm, or whose exporter is broken, can send: it costs little and hides nothing of the others."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from otlp_payloads import AT_MS, DELTA, Metrics, spans, trace

from reconciler.documents.installation_sources import OtlpSource
from reconciler.testing.clock import ManualClock
from webhooks import otlp_intake
from webhooks import otlp_messages as messages
from webhooks.body import Refused
from webhooks.otlp_intake import OtlpIntake, Row

HOUR = 3_600_000


def begun() -> tuple[OtlpIntake, list[Row]]:
    rows: list[Row] = []
    intake = OtlpIntake(lambda found, _: len(rows.extend(found) or found), ManualClock(AT_MS), None)
    intake.adopt(OtlpSource(name="sent", kind="otlp", interval_ms=10_000))
    return intake, rows


def test_levels_too_large_to_be_added_up_hide_no_other_metric():
    intake, rows = begun()
    huge = Metrics("cart").gauge("queue", 1.7e308, AT_MS, pod="a").gauge("queue", 1.7e308, AT_MS, pod="b")
    intake.take("metrics", huge.gauge("workers", 3.0, AT_MS).request)
    intake.settle(AT_MS)
    assert [(metric, value) for _, metric, _, value in rows] == [("workers", 3.0)]


def test_a_span_with_an_endless_parent_is_left_out():
    intake, _ = begun()
    told = trace(1, AT_MS)
    told[1]["parent"] = bytes(1 << 20)
    assert intake.take("traces", spans(told)).refused == 1


def test_the_points_of_one_body_are_never_held_all_at_once():
    intake, _ = begun()
    told = Metrics("cart", **{f"key{n}": "x" for n in range(60)})
    for _ in range(6_000):
        told.gauge("queue", 1.0, AT_MS)
    tracemalloc.start()
    intake.take("metrics", told.request)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_stream_cannot_grow_beyond_what_all_may_hold(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_intake, "MAX_NUMBERS", 3)
    intake, _ = begun()
    for second, counts in enumerate([(0, 1, 0, 0, 0), (0, 1, 1, 1, 0), (1, 1, 1, 1, 0)]):
        told = Metrics("cart").durations(counts, AT_MS + second, AT_MS - HOUR, temporality=DELTA)
        taken = intake.take("metrics", told.request)
        assert taken.why == ("1 of too many buckets" if second == 2 else "")


@pytest.mark.parametrize("number", [10**400, 1e300, -1, [], {}, "x"])
def test_json_with_a_number_that_is_none_is_refused(number: object):
    point = {"timeUnixNano": "1", "asDouble": number, "flags": number}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [point]}}]}]}]}
    with pytest.raises(Refused, match="malformed"):
        messages.message("metrics", json.dumps(body).encode(), messages.JSON)
