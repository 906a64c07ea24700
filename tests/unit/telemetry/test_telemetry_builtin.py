"""The built-in telemetry: plain names, bounded size, gaps that stay gaps, and a file that may be lost."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.adapters.telemetry import Bounds, BuiltinTelemetry, Sample
from reconciler.errors import Retryable

NOW = 1_700_000_000_000
HOUR = 3_600_000


@pytest.fixture
def telemetry(tmp_path: Path):
    made = BuiltinTelemetry(tmp_path / "telemetry", Bounds(retention_ms=2 * HOUR, max_series=20, max_points=50))
    yield made
    made.close()


def _sample(
    value: float = 1.0, metric: str = "error_rate", service: str = "cart", at: int | None = None, **labels: str
) -> Sample:
    return Sample(f"lab_{metric}", tuple(sorted({"service": service, **labels}.items())), value, at)


def test_the_prefix_and_the_label_become_plain_names(telemetry: BuiltinTelemetry):
    telemetry.ingest([_sample(0.5)], NOW)
    assert telemetry.series("cart", "error_rate", 0, NOW).values == (0.5,)


@pytest.mark.parametrize(
    "foreign",
    [
        Sample("other_error_rate", (("service", "cart"),), 1.0),
        Sample("lab_error_rate", (), 1.0),
        _sample(service="../etc"),
        _sample(service="Cart"),
        _sample(metric="Error"),
        _sample(callee="{{ x }}"),
        _sample(a="1", b="2", c="3"),
    ],
)
def test_what_is_not_ours_is_dropped(telemetry: BuiltinTelemetry, foreign: Sample):
    assert telemetry.ingest([foreign], NOW) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_gap(telemetry: BuiltinTelemetry, value: float):
    telemetry.ingest([_sample(0.1)], NOW)
    assert telemetry.ingest([_sample(value)], NOW + 5_000) == 0
    assert telemetry.series("cart", "error_rate", 0, NOW + 5_000).times == (NOW,)
    assert telemetry.newest_ms() == NOW


def test_a_late_sample_lands_at_its_own_time(telemetry: BuiltinTelemetry):
    telemetry.ingest([_sample(2.0)], NOW)
    telemetry.ingest([_sample(1.0, at=NOW - 60_000)], NOW)
    assert telemetry.series("cart", "error_rate", 0, NOW).values == (1.0, 2.0)
    assert telemetry.newest_ms() == NOW


@pytest.mark.parametrize("at", [NOW + 60_000, NOW - 3 * HOUR, 0])
def test_samples_of_the_future_and_of_long_ago_are_dropped(telemetry: BuiltinTelemetry, at: int):
    assert telemetry.ingest([_sample(at=at)], NOW) == 0


def test_calls_are_the_call_graph_and_end_when_they_are_no_longer_seen(telemetry: BuiltinTelemetry):
    telemetry.ingest([_sample(5.0, "calls_total", callee="checkout"), _sample(0.0, "calls_total", callee="never")], NOW)
    assert telemetry.topology().calls == (("cart", "checkout"),)
    telemetry.ingest([_sample(5.0, service="search")], NOW + HOUR + 1)
    assert telemetry.topology().calls == ()
    assert telemetry.topology().components == ("search",)


def test_a_counter_that_starts_again_is_kept_as_it_was_read(telemetry: BuiltinTelemetry):
    for step, value in enumerate([10.0, 20.0, 3.0]):
        telemetry.ingest([_sample(value, "restarts")], NOW + step)
    assert telemetry.series("cart", "restarts", 0, NOW + 9).values == (10.0, 20.0, 3.0)


def test_series_beyond_the_cap_are_not_begun(telemetry: BuiltinTelemetry):
    assert telemetry.ingest([_sample(service=f"svc-{n}") for n in range(100)], NOW) == 20
    assert telemetry.ingest([_sample(service="svc-3")], NOW + 1) == 1


def test_old_samples_are_forgotten_and_answers_are_bounded(telemetry: BuiltinTelemetry):
    for step in range(200):
        telemetry.ingest([_sample(float(step))], NOW + step * 120_000)
    (times, _) = telemetry.window(None, 0, NOW * 2)["cart", "error_rate"]
    assert 60 <= len(times) <= 60 + 2 * 10  # the retention, and what lies in a block with it
    newest = telemetry.series("cart", "error_rate", 0, NOW * 2)
    assert (len(newest.times), newest.values[-1]) == (50, 199.0)


def test_the_folder_stays_under_its_bound(tmp_path: Path):
    telemetry = BuiltinTelemetry(tmp_path / "small", Bounds(max_bytes=200_000))
    for step in range(300):
        telemetry.ingest([_sample(step / 7, service=f"svc-{n}") for n in range(100)], NOW + step * 5_000)
    assert sum(file.stat().st_size for file in (tmp_path / "small").iterdir()) < 250_000
    assert telemetry.series("svc-7", "error_rate", 0, NOW * 2).values[-1] == 299 / 7
    telemetry.close()


def test_samples_outlive_the_process(tmp_path: Path):
    first = BuiltinTelemetry(tmp_path / "t")
    first.ingest([_sample(0.5)], NOW)
    first.close()
    second = BuiltinTelemetry(tmp_path / "t")
    second.ingest([_sample(0.7)], NOW + 1)
    assert second.series("cart", "error_rate", 0, NOW + 1).values == (0.5, 0.7)
    second.close()


def test_a_file_in_the_place_of_the_folder_is_moved_aside(tmp_path: Path):
    (tmp_path / "t").write_bytes(b"garbage" * 1_000)
    telemetry = BuiltinTelemetry(tmp_path / "t")
    assert telemetry.ingest([_sample()], NOW) == 1
    telemetry.close()
    assert (tmp_path / "t.damaged").exists()


def test_the_file_of_earlier_releases_goes(tmp_path: Path):
    for name in ("telemetry.db", "telemetry.db-wal"):
        (tmp_path / name).write_bytes(b"SQLite format 3")
    telemetry = BuiltinTelemetry(tmp_path / "telemetry")
    assert telemetry.newest_ms() == 0
    telemetry.close()
    assert [path.name for path in tmp_path.iterdir()] == ["telemetry"]


def test_a_folder_that_is_not_there_is_retryable_and_leaves_a_gap(tmp_path: Path):
    telemetry = BuiltinTelemetry(tmp_path / "nowhere" / "t")
    with pytest.raises(Retryable, match="does not answer"):
        telemetry.ingest([_sample()], NOW)
    (tmp_path / "nowhere").mkdir()
    assert telemetry.ingest([_sample()], NOW + 1) == 1
    telemetry.close()


def test_telemetry_that_nobody_asks_loads_no_arrays(tmp_path: Path):
    asked = f"BuiltinTelemetry({str(tmp_path)!r}).close()"
    code = f"import sys; from reconciler.adapters.telemetry import BuiltinTelemetry; {asked}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
    assert not list(tmp_path.iterdir())


def test_a_page_of_150_series_costs_milliseconds(tmp_path: Path):
    telemetry = BuiltinTelemetry(tmp_path / "t")
    page = [_sample(1.0, f"m{n}", f"svc-{s}") for s in range(13) for n in range(12)]
    telemetry.ingest(page, NOW)
    began = time.perf_counter()
    for step in range(1, 21):
        telemetry.ingest(page, NOW + step * 5_000)
    telemetry.close()
    assert (time.perf_counter() - began) / 20 < 0.1  # a few ms on an idle machine
