"""check_telemetry: what every Telemetry must do, over the same small world poured into each.

`make(world)` gives a fresh BulkTelemetry that holds exactly `world`; each promise asks for what it needs. The bulk reads
must agree with the plain one: whoever looks at everything at once sees what whoever looks at one series sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.ports.telemetry import BulkTelemetry
from reconciler.testing.expecting import expect

Points = Sequence[tuple[int, float]]
AT_MS = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class World:
    """Samples by (component, metric) in the order they are told, and calls that were seen at AT_MS."""

    samples: Mapping[tuple[str, str], Points] = field(default_factory=dict)
    calls: tuple[tuple[str, str], ...] = ()


Make = Callable[[World], BulkTelemetry]


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


def reads_many_series_at_once(make: Make) -> None:
    held = {("cart", "x"): [(AT_MS, 1.0), (AT_MS + 9, 2.0)], ("cart", "a"): [(AT_MS + 5, 3.0)], ("web", "x"): [(AT_MS, 4.0)]}
    telemetry = make(World(held))
    read = telemetry.window(None, AT_MS, AT_MS + 5)
    expect(list(read) == [("cart", "a"), ("cart", "x"), ("web", "x")], "a window has every series, sorted by name")
    for (component, metric), (times, values) in read.items():
        one = telemetry.series(component, metric, AT_MS, AT_MS + 5)
        expect((tuple(times.tolist()), tuple(values.tolist())) == (one.times, one.values), "a window agrees with the series")
    expect(list(telemetry.window(["web", "nobody"], AT_MS, AT_MS)) == [("web", "x")], "a window has the components asked for")
    expect(not telemetry.window(None, AT_MS + 10, AT_MS + 20), "a series without a sample in the window is not in it")


def sums_steps_up(make: Make) -> None:
    points = [(AT_MS, 4.0), (AT_MS + 4, 1.0), (AT_MS + 9, 2.0), (AT_MS + 20, 7.0), (AT_MS + 30, 8.0)]
    telemetry = make(World({("cart", "x"): points, ("web", "x"): [(AT_MS + 40, 1.0)]}))
    grid = telemetry.grid(None, AT_MS, AT_MS + 30, 10)
    expect(grid.series == (("cart", "x"),), "a grid has the series with a sample in [start, end)")
    expect(grid.times.tolist() == [AT_MS, AT_MS + 10, AT_MS + 20], "steps begin at the start asked for")
    expect(grid.count.tolist() == [[3, 0, 1]], "a step has its samples and no other's")
    known = [grid.low[0], grid.high[0], grid.mean[0], grid.last[0]]
    expect([float(v[0]) for v in known] == [1.0, 4.0, 7 / 3, 2.0], "least, most, mean and last of a step")
    expect(all(v[1] != v[1] for v in known), "a step without samples is NaN, not zero")


TELEMETRY_PROMISES: tuple[Callable[[Make], None], ...] = (
    answers_a_range_in_order,
    answers_the_unknown_with_nothing,
    keeps_one_value_per_time,
    lists_metrics_by_name,
    knows_who_calls_whom,
    tells_how_old_the_newest_sample_is,
    reads_many_series_at_once,
    sums_steps_up,
)


def check_telemetry(make: Make) -> None:
    """Runs every promise."""
    for promise in TELEMETRY_PROMISES:
        promise(make)
