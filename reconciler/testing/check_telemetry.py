"""check_telemetry: what every Telemetry must do, over the same small world poured into each.

`make(world)` gives a fresh Telemetry that holds exactly `world`; each promise asks for what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.ports.telemetry import Telemetry
from reconciler.testing.expecting import expect

Points = Sequence[tuple[int, float]]
AT_MS = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class World:
    """Samples by (component, metric) in the order they are told, and calls that were seen at AT_MS."""

    samples: Mapping[tuple[str, str], Points] = field(default_factory=dict)
    calls: tuple[tuple[str, str], ...] = ()


Make = Callable[[World], Telemetry]


def answers_a_range_in_order(make: Make) -> None:
    points = [(AT_MS + 10, 3.0), (AT_MS, 1.0), (AT_MS + 5, 2.0)]
    telemetry = make(World({("cart", "latency_p99"): points}))
    series = telemetry.series("cart", "latency_p99", AT_MS, AT_MS + 5)
    expect((series.component, series.metric) == ("cart", "latency_p99"), "a series says whose it is")
    expect(series.times == (AT_MS, AT_MS + 5), "both ends belong to the range, times ascend, late samples land in place")
    expect(series.values == (1.0, 2.0), "values stay with their times")


def answers_the_unknown_with_nothing(make: Make) -> None:
    telemetry = make(World({("cart", "latency_p99"): [(AT_MS, 1.0)]}))
    expect(telemetry.series("cart", "nothing", 0, AT_MS).times == (), "an unknown metric is empty, not zero")
    expect(telemetry.series("nobody", "latency_p99", 0, AT_MS).values == (), "so is an unknown component")
    expect(tuple(telemetry.metrics("nobody")) == (), "which has no metrics")


def keeps_one_value_per_time(make: Make) -> None:
    telemetry = make(World({("cart", "error_rate"): [(AT_MS, 0.1), (AT_MS, 0.2)]}))
    series = telemetry.series("cart", "error_rate", AT_MS, AT_MS)
    expect((series.times, series.values) == ((AT_MS,), (0.2,)), "the last value told for a time counts")


def lists_metrics_by_name(make: Make) -> None:
    telemetry = make(World({("cart", "error_rate"): [(AT_MS, 0.1)], ("cart", "cpu_usage"): [(AT_MS, 0.2)]}))
    expect(tuple(telemetry.metrics("cart")) == ("cpu_usage", "error_rate"), "metrics are sorted plain names")


def knows_who_calls_whom(make: Make) -> None:
    telemetry = make(World({("lonely", "error_rate"): [(AT_MS, 0.0)]}, calls=(("frontend", "cart"), ("cart", "checkout"))))
    topology = telemetry.topology()
    expect(topology.calls == (("cart", "checkout"), ("frontend", "cart")), "calls are sorted pairs")
    expect(set(topology.components) >= {"cart", "checkout", "frontend"}, "whoever calls or is called is a component")
    expect(topology.components == tuple(sorted(topology.components)), "components are sorted")


def tells_how_old_the_newest_sample_is(make: Make) -> None:
    expect(make(World()).newest_ms() == 0, "nothing measured is 0")
    telemetry = make(World({("a", "x"): [(AT_MS + 9, 1.0)], ("b", "x"): [(AT_MS, 1.0)]}))
    expect(telemetry.newest_ms() == AT_MS + 9, "the newest of all series counts")


TELEMETRY_PROMISES: tuple[Callable[[Make], None], ...] = (
    answers_a_range_in_order,
    answers_the_unknown_with_nothing,
    keeps_one_value_per_time,
    lists_metrics_by_name,
    knows_who_calls_whom,
    tells_how_old_the_newest_sample_is,
)


def check_telemetry(make: Make) -> None:
    """Runs every promise."""
    for promise in TELEMETRY_PROMISES:
        promise(make)
