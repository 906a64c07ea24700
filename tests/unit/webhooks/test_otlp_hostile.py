"""What a sender who means harm, or whose exporter is broken, can send: it costs little and hides nothing of the others."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc

import pytest
from otlp_payloads import AT_MS, DELTA, Metrics, spans, trace
from starlette.requests import Request

from reconciler.documents.installation_sources import OtlpSource
from reconciler.testing.clock import ManualClock
from webhooks import otlp_intake
from webhooks import otlp_messages as messages
from webhooks.body import Refused
from webhooks.otlp import OtlpSettings, _Ingress
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


def test_of_strangers_who_send_slowly_only_so_many_are_read_at_once():
    intake, _ = begun()
    ingress = _Ingress(intake, ManualClock(AT_MS), "a-secret-of-enough-bytes", OtlpSettings(reading=2))

    async def refused() -> list[str]:
        done = asyncio.Event()

        async def receive() -> dict[str, object]:
            await done.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def told() -> str:
            request = Request({"type": "http", "headers": [], "client": ("::1", 1)}, receive)
            with pytest.raises(Refused) as found:
                await ingress.deliver(request, "metrics", messages.JSON)
            return found.value.reason

        sent = [asyncio.create_task(told()) for _ in range(3)]
        first, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        done.set()
        return [task.result() for task in first] + [await task for task in sent] + [await told()]

    assert sorted(asyncio.run(refused())) == ["rate", "rate", *["unauthenticated"] * 3]


def test_json_is_unpacked_less_far_because_it_takes_so_much_longer():
    most = messages.MAX_INFLATED_JSON
    assert len(messages.inflated(gzip.compress(b" " * most), "gzip", messages.JSON)) == most
    assert len(messages.inflated(gzip.compress(b" " * (most + 1)), "gzip", messages.PROTOBUF)) == most + 1
    with pytest.raises(Refused, match="too-large"):
        messages.inflated(gzip.compress(b" " * (most + 1)), "gzip", messages.JSON)


def test_calls_that_nobody_makes_any_more_make_room_for_those_that_are_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_intake, "MAX_EDGES", 1)
    intake, rows = begun()

    def called(callee: str, at_ms: int) -> bool:
        told = spans([{**trace(1, at_ms)[1], "parent": b"", "attributes": {"peer.service": callee}}])
        intake.take("traces", told)
        rows.clear()
        intake.settle(at_ms + 30_000)
        return f"calls_total{{callee={callee}}}" in {metric for _, metric, _, _ in rows}

    assert called("made-up", AT_MS - 10_000)
    assert not called("db", AT_MS)
    clock = AT_MS + HOUR + 60_000
    intake._clock.advance(HOUR + 60_000)  # type: ignore[attr-defined]
    assert called("db", clock)
