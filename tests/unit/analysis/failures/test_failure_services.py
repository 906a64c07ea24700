"""The panel of a service: itself and what it calls, whole minutes, shares and no absolute amounts."""

import numpy as np
import pytest

from reconciler.analysis.failures.services import MOST, service_panel, surroundings

MINUTE = 60_000
START = 1_700_000_040_000


def every(seconds, minutes, value):
    at = START + np.arange(1, minutes * 60 // seconds + 1, dtype=np.int64) * seconds * 1_000
    return at, np.full(len(at), float(value))


def seen(samples, components=("web", "cart"), minutes=30):
    return service_panel(samples, components, START, START + minutes * MINUTE)


def test_series_of_different_steps_come_on_one_grid_named_by_component():
    found = seen(
        {
            ("cart", "memory_usage"): every(15, 30, 0.5),
            ("web", "memory_usage"): every(60, 30, 0.2),
            ("web", "latency_p99"): every(30, 30, 80),
        }
    )
    assert found.keys == {"memory": (("cart", "memory_usage"), ("web", "memory_usage")), "latency": (("web", "latency_p99"),)}
    assert found.panel.columns["memory"].shape == (30, 2)
    assert found.panel.columns["memory"][-1].tolist() == [0.5, 0.2]
    assert found.panel.ends_ms[[0, -1]].tolist() == [START + MINUTE - START % MINUTE, START + 30 * MINUTE - START % MINUTE]


def test_a_series_that_begins_late_is_unknown_before():
    at, values = every(60, 30, 0.5)
    found = seen({("cart", "memory_usage"): (at[20:], values[20:]), ("web", "cpu_usage"): every(60, 30, 0.2)})
    column = found.panel.columns["memory"][:, 0]
    assert np.isnan(column[:19]).all()
    assert np.isfinite(column[21:]).all()


def test_samples_of_others_and_after_the_end_do_not_count():
    late = (np.array([START + 31 * MINUTE], np.int64), np.array([0.9]))
    assert seen({("cart", "memory_usage"): late, ("user", "memory_usage"): every(60, 30, 0.5)}) is None


@pytest.mark.parametrize(
    "samples", [{}, {("cart", "latency_p99"): every(60, 30, 5)}, {("cart", "memory_usage"): every(60, 30, 3e9)}]
)
def test_where_no_share_of_a_capacity_is_measured_there_is_no_panel(samples):
    assert seen(samples) is None


def test_a_share_that_is_measured_a_little_above_the_whole_is_one_still():
    found = seen({("cart", "cpu_usage"): every(60, 30, 1.003)})
    assert found.keys["utilisation"] == (("cart", "cpu_usage"),)
    assert seen({("cart", "cpu_usage"): every(60, 30, 1.8)}) is None  # cores


def test_bytes_beside_a_share_do_not_hide_it():
    found = seen({("cart", "memory_bytes"): every(60, 30, 3e9), ("cart", "memory_usage"): every(60, 30, 0.4)})
    assert found.keys["memory"] == (("cart", "memory_usage"),)


def test_a_service_stands_first_and_what_it_calls_is_bounded():
    calls = [("web", f"s{i:02d}") for i in range(20)] + [("web", "web"), ("s01", "db")]
    assert surroundings("web", calls)[:3] == ("web", "s00", "s01")
    assert len(surroundings("web", calls)) == MOST
    assert surroundings("db", calls) == ("db",)
