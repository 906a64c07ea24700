"""What is measured while people work on a component is not taken for normal, and their work may be the cause."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from reconciler.adapters.analysts.looking import look
from reconciler.adapters.analysts.maintained import NEAR_MS, without_maintenance
from reconciler.model.maintenance import MaintenanceWindow
from reconciler.model.telemetry import Topology
from reconciler.ports.analyst import Inquiry
from reconciler.ports.detector import Window

AT = np.arange(100, dtype=np.int64) * 60_000
SAMPLES = {(name, "cpu_usage"): (AT, np.ones(100)) for name in ("db", "shop")}
WORK = MaintenanceWindow("move", ("d*",), 600_000, 1_200_000, "a move")


def minutes(inquiry: Inquiry) -> list[int]:
    """Of the database, that are missing."""
    left = without_maintenance(inquiry, SAMPLES).get(("db", "cpu_usage"), (np.zeros(0),))[0].tolist()
    return [at // 60_000 for at in AT.tolist() if at not in left]


@pytest.mark.parametrize(
    ("inquiry", "gone"),
    [
        (Inquiry(0, 5_940_000, maintenance=(WORK,)), range(10, 20)),
        (Inquiry(0, 5_940_000, step_ms=300_000, maintenance=(WORK,)), range(6, 20)),
        (Inquiry(0, 5_940_000, alarm_ms=1_200_000 + NEAR_MS, maintenance=(WORK,)), range(10, 20)),
        (Inquiry(0, 5_940_000, alarm_ms=1_199_999 + NEAR_MS, maintenance=(WORK,)), range(0)),
        (Inquiry(0, 5_940_000), range(0)),
    ],
    ids=["ahead", "in steps that reach into it", "over before the alarm", "near the alarm", "no maintenance"],
)
def test_what_was_measured_in_a_window_is_a_gap_unless_it_may_be_the_trouble(inquiry, gone):
    assert minutes(inquiry) == list(gone)
    assert len(without_maintenance(inquiry, SAMPLES)["shop", "cpu_usage"][0]) == 100


def test_a_series_that_was_measured_in_windows_alone_is_not_there():
    always = MaintenanceWindow("move", ("db",), 0, 9_000_000, "a move")
    assert list(without_maintenance(Inquiry(0, 5_940_000, maintenance=(always,)), SAMPLES)) == [("shop", "cpu_usage")]


@pytest.mark.parametrize(("alarm", "suspected"), [(1_300_000, [("db", 600_000, "maintenance")]), (5_000_000, []), (None, [])])
def test_work_near_an_alarm_is_among_the_changes_that_are_suspected(alarm, suspected):
    telemetry = SimpleNamespace(window=lambda *_: SAMPLES, topology=lambda: Topology(("db", "shop"), ()))
    seen: list[Window] = []
    look(Inquiry(0, 5_940_000, alarm_ms=alarm, maintenance=(WORK,)), telemetry, lambda window, _: seen.append(window) or ())
    assert [(change.component, change.at_ms, change.what) for change in seen[0].changes] == suspected
    assert len(seen[0].samples["db", "cpu_usage"][0]) == (100 if suspected else 90)
