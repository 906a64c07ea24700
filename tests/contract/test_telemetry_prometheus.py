"""PrometheusTelemetry keeps every promise of a Telemetry, asked of a real Prometheus; and what only a query language brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from prometheus_peer import PrometheusPeer, ascending

from reconciler.adapters.telemetry.following import Follower
from reconciler.adapters.telemetry.prometheus import PrometheusServer, PrometheusTelemetry
from reconciler.errors import Retryable
from reconciler.testing.check_telemetry import AT_MS, TELEMETRY_PROMISES, Make, World
from reconciler.testing.clock import ManualClock

METRICS = ("latency_p99", "error_rate", "cpu_usage", "a", "x")
NUMBERS = count()
pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusPeer]:
    peer = PrometheusPeer(tmp_path_factory.mktemp("prometheus") / "peer")
    yield peer
    peer.stop()


@pytest.fixture(params=["api", "remote"])
def make(prometheus: PrometheusPeer, request: pytest.FixtureRequest) -> Iterator[Make]:
    opened: list[PrometheusTelemetry] = []

    def made(world: World) -> PrometheusTelemetry:
        number = str(next(NUMBERS))
        for (component, metric), points in world.samples.items():
            prometheus.pour(metric, {"service": component, "world": number}, ascending(points))
        for caller, callee in world.calls:
            prometheus.pour("calls", {"service": caller, "callee": callee, "world": number}, [(AT_MS, 1.0)])
        queries = tuple((metric, f'{metric}{{world="{number}",$component}}') for metric in METRICS)
        calls = f'calls{{world="{number}"}}'
        opened.append(_asking(prometheus, queries, calls, remote=request.param == "remote"))
        return opened[-1]

    yield made
    for telemetry in opened:
        telemetry.close()


def _asking(
    prometheus: PrometheusPeer, queries: tuple[tuple[str, str], ...], calls: str = "", *, remote: bool = False
) -> PrometheusTelemetry:
    server = PrometheusServer("prom", prometheus.url, queries, calls=calls, interval_ms=1_000, remote=remote)
    return PrometheusTelemetry(server, ManualClock(AT_MS + 10_000))


@pytest.fixture
def shop(prometheus: PrometheusPeer) -> Iterator[Callable[..., PrometheusTelemetry]]:
    """Requests of two pods of cart, every five seconds."""
    number, opened = str(next(NUMBERS)), []
    for pod, rate in (("a", 10.0), ("b", 30.0)):
        points = [(AT_MS + 5_000 * n, rate * 5 * n) for n in range(-20, 3)]
        prometheus.pour("http_requests", {"service": "cart", "pod": pod, "world": number}, points)

    def asked(query: str) -> PrometheusTelemetry:
        opened.append(_asking(prometheus, (("request_rate", query.replace("WORLD", f'world="{number}"')),)))
        return opened[-1]

    yield asked
    for telemetry in opened:
        telemetry.close()


@pytest.mark.parametrize("promise", TELEMETRY_PROMISES, ids=lambda promise: promise.__name__)
def test_a_prometheus_keeps(promise: Callable[[Make], None], make: Make):
    promise(make)


def test_remote_read_and_the_api_give_the_same_samples(prometheus: PrometheusPeer):
    number = str(next(NUMBERS))
    for component in range(10):
        points = [(AT_MS + 5_000 * n, float(n % 7)) for n in range(-300, 1)]
        prometheus.pour("queue_depth", {"service": f"component-{component}", "world": number}, points)
    queries = (("queue_depth", f'queue_depth{{world="{number}",$component}}'),)
    asked = [_asking(prometheus, queries, remote=remote) for remote in (False, True)]
    api, remote = (telemetry.every("queue_depth", AT_MS - 1_000_000, AT_MS) for telemetry in asked)
    assert len(api) == 10
    assert len(api["component-3"]) == 201
    assert api == remote
    for telemetry in asked:
        telemetry.close()


def test_an_expression_is_read_at_steps(shop: Callable[..., PrometheusTelemetry]):
    series = shop("sum by (service) (rate(http_requests{WORLD,$component}[20s]))").series(
        "cart", "request_rate", AT_MS, AT_MS + 4_500
    )
    assert series.times == tuple(AT_MS + 1_000 * n for n in range(5))
    assert series.values == pytest.approx((40.0,) * 5)


def test_several_series_of_one_component_are_refused_with_the_aggregation_to_write(shop: Callable[..., PrometheusTelemetry]):
    telemetry = shop("rate(http_requests{WORLD,$component}[20s])")
    with pytest.raises(Retryable, match="request_rate has several series for cart") as refused:
        telemetry.series("cart", "request_rate", AT_MS, AT_MS + 4_500)
    assert "sum by (service)" in refused.value.next_step


def test_a_query_that_is_none_says_what_the_server_said(shop: Callable[..., PrometheusTelemetry]):
    with pytest.raises(Retryable, match=r"answered 400 to the query of request_rate: .*parse error"):
        shop("sum(({WORLD,$component}").series("cart", "request_rate", AT_MS, AT_MS)


def test_a_follower_reads_the_past_first_and_then_what_is_new(shop: Callable[..., PrometheusTelemetry]):
    telemetry = shop("sum by (service) (rate(http_requests{WORLD,$component}[20s]))")
    follower = Follower("prom", telemetry, ("request_rate",), interval_ms=1_000, behind_ms=30_000)
    first, second = follower.ask(AT_MS), follower.ask(AT_MS + 3_000)
    assert (first.error, second.error) == ("", "")
    assert [(c, m, t) for c, m, t, _ in first.rows] == [("cart", "request_rate", AT_MS - 1_000 * n) for n in range(30, -1, -1)]
    assert [t - AT_MS for _, _, t, _ in second.rows] == [-2_000, -1_000, 0, 1_000, 2_000, 3_000]


@pytest.mark.parametrize("component", ['cart"} or vector(1) or x{a="', "Cart", "", "cart\n"])
def test_what_is_no_component_is_not_even_asked_for(component: str):
    telemetry = PrometheusTelemetry(PrometheusServer("gone", "http://127.0.0.1:9", (("a", "a{$component}"),)), ManualClock(AT_MS))
    assert telemetry.series(component, "a", AT_MS, AT_MS).times == ()
    telemetry.close()


def test_a_server_that_is_gone_costs_one_question_a_round_and_leaves_a_gap(tmp_path: Path):
    server = PrometheusServer("gone", "http://127.0.0.1:9", (("a", "a{$component}"), ("b", "b{$component}")), timeout_ms=200)
    telemetry = PrometheusTelemetry(server, ManualClock(AT_MS))
    found = Follower("gone", telemetry, ("a", "b"), 1_000, 1_000).ask(AT_MS)
    assert found.rows == []
    assert found.error.count("did not answer") == 1
    telemetry.close()
