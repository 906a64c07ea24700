"""OtlpIntake: what is sent becomes samples at the next settling; names, intervals, precedence and bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from otlp_payloads import AT_MS, DELTA, Metrics, logs, spans, trace

from reconciler.adapters.telemetry.traces import TraceSamples
from reconciler.documents.installation_sources import OtlpSource, SentMetric
from reconciler.testing.clock import ManualClock
from webhooks import otlp_intake, otlp_logs
from webhooks.otlp_intake import OtlpIntake, Row
from webhooks.otlp_logs import KEEP_EVERY_MS, WARM_UP_MS

MINUTE = 60_000


class Taking:
    """An intake with a clock, and what it wrote."""

    def __init__(self, path: Path | None = None, *metrics: SentMetric) -> None:
        self.clock = ManualClock(AT_MS)
        self.rows: list[Row] = []
        self.intake = OtlpIntake(self._write, self.clock, path)
        self.intake.adopt(OtlpSource(name="sent", kind="otlp", interval_ms=10_000, metrics=metrics))

    def settled(self, ms: int = 30_000) -> dict[tuple[str, str], float]:
        self.rows.clear()
        self.intake.settle(self.clock.advance(ms))
        return {(component, metric): value for component, metric, _, value in self.rows}

    def _write(self, rows: list[Row], _: int) -> int:
        self.rows += rows
        return len(rows)


def test_request_durations_become_latency_rate_and_errors():
    taking = Taking()
    for minute, good, bad in ((1, (0, 60, 0, 0, 0), None), (2, (0, 120, 54, 0, 0), (0, 0, 6, 0, 0))):
        told = Metrics("Checkout_Service").durations(good, AT_MS + minute * MINUTE)
        if bad:
            told.durations(bad, AT_MS + minute * MINUTE, status=503)
        taking.clock.advance(MINUTE)
        taking.intake.take("metrics", told.request)
        found = taking.settled(0)
    assert found["checkout-service", "request_rate"] == pytest.approx(2.0)
    assert found["checkout-service", "error_rate"] == pytest.approx(0.05)
    assert found["checkout-service", "latency_p50"] == pytest.approx(10.0)
    assert found["checkout-service", "latency_p99"] == pytest.approx(98.2)


def test_histograms_in_seconds_and_in_milliseconds_are_one():
    taking = Taking()
    taking.clock.advance(MINUTE)
    now = taking.clock.now()
    old = Metrics("cart", **{"service.instance.id": "old"}).durations((0, 0, 60, 0, 0), now, now - MINUTE, temporality=DELTA)
    old.request.resource_metrics[0].scope_metrics[0].metrics[0].name = "http.server.duration"
    old.request.resource_metrics[0].scope_metrics[0].metrics[0].unit = "ms"
    for request in (old.request, Metrics("cart").durations((0, 60, 0, 0, 0), now, now - MINUTE, temporality=DELTA).request):
        taking.intake.take("metrics", request)
    found = taking.settled(0)
    assert found["cart", "request_rate"] == pytest.approx(2.0)
    assert found["cart", "latency_p50"] == pytest.approx(0.1)  # half of them took less than a tenth of a millisecond
    assert found["cart", "latency_p99"] == pytest.approx(9.9)


def test_exponential_histograms_have_quantiles_and_summaries_are_refused():
    taking = Taking()
    told = Metrics("cart")
    metric = told.request.resource_metrics[0].scope_metrics[0].metrics.add(name="job.duration")
    metric.exponential_histogram.aggregation_temporality = DELTA
    times = {"time_unix_nano": AT_MS * 1_000_000, "start_time_unix_nano": (AT_MS - 1_000) * 1_000_000}
    point = metric.exponential_histogram.data_points.add(scale=0, zero_count=2, count=8, **times)
    point.positive.offset = 2
    point.positive.bucket_counts.extend([3, 3])
    told.request.resource_metrics[0].scope_metrics[0].metrics.add(name="old").summary.data_points.add(**times)
    assert taking.intake.take("metrics", told.request).refused == 1
    found = taking.settled()
    assert found["cart", "job_duration_rate"] == 8.0
    assert found["cart", "job_duration_p50"] == pytest.approx(4 + 4 * 2 / 3)


def test_sums_and_levels_keep_their_own_names():
    taking = Taking()
    told = Metrics("cart").sum("jobs.done.total", 300, AT_MS + MINUTE, AT_MS, temporality=DELTA).gauge("Heap Size", 5.0, AT_MS)
    told.sum("open.things", 3, AT_MS, monotonic=False, pool="a").sum("open.things", 4, AT_MS, monotonic=False, pool="b")
    taking.clock.advance(MINUTE)
    taking.intake.take("metrics", told.request)
    assert taking.settled(0) == {("cart", "jobs_done_rate"): 5.0, ("cart", "heap_size"): 5.0, ("cart", "open_things"): 7.0}
    assert taking.settled(1_000) == {}  # nothing is told twice


def test_homeostat_yaml_says_which_points_count_under_which_name():
    used = SentMetric(name="memory_usage", otlp="system.memory.utilization", where={"state": "used"}, combine="max", scale=100.0)
    taking = Taking(None, used)
    told = Metrics("node").gauge("system.memory.utilization", 0.5, AT_MS, state="used")
    taking.intake.take("metrics", told.gauge("system.memory.utilization", 0.3, AT_MS, state="free").request)
    assert taking.settled() == {("node", "memory_usage"): 50.0}


def test_a_component_that_measures_its_requests_is_not_told_by_its_spans_as_well():
    taking = Taking()
    for minute in (1, 2):
        taking.clock.advance(MINUTE)
        taking.intake.take("metrics", Metrics("cart").durations((0, 60 * minute, 0, 0, 0), AT_MS + minute * MINUTE).request)
    taking.intake.take("traces", spans(trace(1, AT_MS + 2 * MINUTE)))
    found = taking.settled()
    assert found["cart", "request_rate"] == pytest.approx(1.0)
    assert found["frontend", "request_rate"] == pytest.approx(0.1)
    assert "self_time_p50" in {metric for component, metric in found if component == "cart"}


def test_calls_are_counted_on_and_named_after_the_callee():
    taking = Taking()
    for n in range(2):
        taking.intake.take("traces", spans(trace(n, taking.clock.now(), failed=True)))
        found = taking.settled()
    assert found["frontend", "calls_total{callee=cart}"] == 2.0
    assert found["frontend", "call_latency_p50{callee=cart}"] == 60.0
    assert found["cart", "error_rate"] == 1.0


def test_calls_that_failed_are_kept_with_their_trace_and_operation(tmp_path):
    taking = Taking(None)
    kept = TraceSamples(tmp_path / "traces.json")
    taking.intake = OtlpIntake(taking._write, taking.clock, traces=kept)
    taking.intake.adopt(OtlpSource(name="sent", kind="otlp", interval_ms=10_000))
    entry, call, served = trace(7, AT_MS, failed=True)
    taking.intake.take("traces", spans([entry, {**call, "name": "GET /cart"}, served]))
    taking.settled()
    shown = [(c.caller, c.callee, c.operation, c.trace, c.failed) for c in kept.calls(0, taking.clock.now())]
    assert shown == [("frontend", "cart", "GET /cart", f"{7:032x}", True)]


def test_spans_of_a_closed_interval_and_of_the_future_are_refused_and_said():
    taking = Taking()
    taking.settled(5 * MINUTE)
    late = taking.intake.take("traces", spans(trace(1, AT_MS)))
    early = taking.intake.take("traces", spans(trace(1, taking.clock.now() + MINUTE)))
    assert (late.refused, late.why, early.why) == (3, "3 too late", "3 from the future")


def test_new_templates_count_once_a_component_is_known_well():
    taking = Taking()
    taking.intake.take("logs", logs("cart", [(AT_MS, "all is well", 9)]))
    assert "log_new_templates" not in {metric for _, metric in taking.settled()}
    taking.clock.advance(WARM_UP_MS)
    now = taking.clock.now()
    taking.intake.take("logs", logs("cart", [(now, "all is well", 9), (now, "disk 7 is gone", 17)]))
    found = taking.settled()
    assert (found["cart", "log_new_templates"], found["cart", "log_error_share"]) == (1.0, 0.5)
    assert found["cart", "log_template_rate{template=2}"] == 0.1


def test_templates_keep_their_numbers_over_a_restart_and_a_broken_file_begins_anew(tmp_path: Path):
    path = tmp_path / "templates.json"
    taking = Taking(path)
    taking.intake.take("logs", logs("cart", [(AT_MS, "one", 9), (AT_MS, "two words", 9)]))
    taking.settled(KEEP_EVERY_MS)
    assert [row[1:] for row in json.loads(path.read_text())["cart"]["templates"]] == [["one"], ["two", "words"]]
    for broken in (False, True):
        if broken:
            path.write_text('{"cart": {"since": 1, "templates": [[]]}}')
        again = Taking(path)
        again.intake.take("logs", logs("cart", [(AT_MS, "two words", 9)]))
        assert (("cart", "log_template_rate{template=2}") in again.settled()) is not broken


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ("MAX_STREAMS", "of too many streams"),
        ("MAX_NUMBERS", "of too many buckets"),
        ("MAX_FAMILIES", "of too many metrics"),
        ("MAX_COMPONENTS", "of too many components"),
    ],
)
def test_what_is_beyond_a_bound_is_refused(monkeypatch: pytest.MonkeyPatch, bound: str, why: str):
    monkeypatch.setattr(otlp_intake, bound, 2)
    taking = Taking()
    for n in range(4):
        taken = taking.intake.take("metrics", Metrics(f"c{n}").gauge(f"m{n}", 1.0, AT_MS).request)
    assert (taken.refused, taken.why) == (1, f"1 {why}")
    assert len(taking.settled()) == 2


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ("MAX_STREAMS_EACH", "of too many streams of one component"),
        ("MAX_NUMBERS_EACH", "of too many buckets of one component"),
        ("MAX_FAMILIES_EACH", "of too many metrics of one component"),
    ],
)
def test_a_component_with_too_much_keeps_no_other_out(monkeypatch: pytest.MonkeyPatch, bound: str, why: str):
    monkeypatch.setattr(otlp_intake, bound, 2)
    taking = Taking()
    for _ in range(2):
        loud = Metrics("loud").gauge("a", 1.0, AT_MS).gauge("b", 1.0, AT_MS).gauge("c", 1.0, AT_MS)
        assert taking.intake.take("metrics", loud.request).why == f"1 {why}"
        assert taking.intake.take("metrics", Metrics("cart").gauge("a", 1.0, AT_MS).request).refused == 0
        assert {component for component, _ in taking.settled()} <= {"loud", "cart"}
    assert taking.intake.refused == {why: 2}


def test_a_component_with_too_many_spans_or_calls_keeps_no_other_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_intake, "MAX_SPANS_EACH", 4)
    monkeypatch.setattr(otlp_intake, "MAX_EDGES_EACH", 1)
    taking = Taking()
    served = [{**trace(n, AT_MS)[1], "parent": b"", "attributes": {"peer.service": f"db-{n}"}} for n in range(6)]
    other = [{**served.pop(), "service": "checkout"}]
    assert taking.intake.take("traces", spans(served)).why == "1 of too many spans in an interval of one component"
    assert taking.intake.take("traces", spans(other)).refused == 0
    found = taking.settled()
    assert {one for one in found if one[1].startswith("calls_total")} == {
        ("checkout", "calls_total{callee=db-5}"),
        ("frontend", "calls_total{callee=db-0}"),
    }
    assert taking.intake.refused["of too many calls of one component"] == 3


def test_more_spans_than_an_interval_may_hold_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_intake, "MAX_SPANS", 2)
    assert Taking().intake.take("traces", spans(trace(1, AT_MS))).why == "1 of too many spans in an interval"


@pytest.mark.parametrize("name", ["", "unknown_service:python", "///", "x" * 80])
def test_what_names_no_component_is_left_out(name: str):
    taking = Taking()
    assert taking.intake.take("metrics", Metrics(name).gauge("a", 1.0, AT_MS).request).refused == 1
    assert taking.settled() == {}


def test_a_component_that_was_silent_for_long_makes_room_for_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_logs, "MAX_COMPONENTS", 1)
    taking = Taking()
    taking.intake.take("logs", logs("old", [(AT_MS, "one", 9)]))
    assert taking.intake.take("logs", logs("new", [(AT_MS, "one", 9)])).why == "1 of too many components with logs"
    later = taking.clock.advance(otlp_logs.SILENT_MS)
    assert taking.intake.take("logs", logs("new", [(later, "one", 9)])).refused == 0
    assert {component for component, _ in taking.settled()} == {"old", "new"}
