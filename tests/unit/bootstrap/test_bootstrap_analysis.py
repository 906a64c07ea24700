"""The detectors' process is there when it is wanted and its packages are; otherwise the loop does without, and says why once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from reconciler.adapters.analysts.worker import WorkerAnalyst
from reconciler.bootstrap import analysisprocess
from reconciler.bootstrap.opening import open_telemetry
from reconciler.bootstrap.run import start_analysis
from reconciler.settings import AnalysisSettings, Home, Settings, TelemetrySettings
from reconciler.steps.outlook import FAR, NEAR


def test_nothing_is_started_before_somebody_asks(tmp_path: Path) -> None:
    with start_analysis(Home(tmp_path), Settings()) as analysts:
        assert [isinstance(one, WorkerAnalyst) and one.pid for one in analysts] == [0, 0]


def test_packages_that_are_not_there_are_named_with_what_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(analysisprocess, "NEEDED", ("json", "no_such_package"))
    with caplog.at_level(logging.WARNING), start_analysis(Home(tmp_path), Settings()) as analysts:
        assert analysts == (None, None)
    (told,) = [record for record in caplog.records if record.message == "analysis.lacking"]
    assert told.__dict__["fields"]["packages"] == "no_such_package"
    assert "make analysis" in told.__dict__["fields"]["next"]


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with start_analysis(Home(tmp_path), Settings(analysis=AnalysisSettings(enabled=False))) as analysts:
        assert analysts == (None, None)


def test_telemetry_is_kept_as_long_as_the_settings_say(tmp_path: Path) -> None:
    now = 1_700_000_000_000
    old = [("cart", "cpu_usage", now - 7 * 3_600_000, 0.5)]
    for hours, kept in ((6, 0), (8, 1)):
        telemetry = open_telemetry(Home(tmp_path / str(hours)), Settings(telemetry=TelemetrySettings(retention_hours=hours)))
        (tmp_path / str(hours)).mkdir()
        assert telemetry.write(old, now) == kept
        telemetry.close()


def test_telemetry_older_than_the_raw_hours_is_kept_as_means(tmp_path: Path) -> None:
    kept = TelemetrySettings(retention_hours=48, raw_hours=1)
    telemetry = open_telemetry(Home(tmp_path), Settings(telemetry=kept))
    for minute in range(0, 12 * 60, 5):
        at = 1_700_000_100_000 + minute * 60_000
        telemetry.write([("cart", "cpu_usage", at + second * 1_000, second / 60) for second in range(60)], at + 60_000)
    early = telemetry.series("cart", "cpu_usage", 0, 1_700_000_100_000 + 3_600_000)
    assert 0 < len(early.values) < 60
    assert early.values[0] == pytest.approx(0.49, abs=0.01)
    telemetry.close()


def test_what_is_kept_by_default_is_enough_to_forecast_from() -> None:
    kept = TelemetrySettings()
    assert kept.retention_hours * 3_600_000 > FAR.back_ms
    assert kept.raw_hours * 3_600_000 > NEAR.back_ms
