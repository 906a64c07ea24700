"""While people work on a component the loop opens nothing about it, says so, and hears of it when they are done."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from browser import said, served
from installation import Installation

from reconciler.cli import main
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer
from reconciler.testing.analysts import InlineAnalyst

LINE = (("lead_s", "1500"), ("limit", "0.97"), ("level", "0.6"), ("per_second", "0.0002"))
RISK = Finding("failures", "1", "", "risk", "search", "cpu_usage", 9, "0.5", LINE, "cpu_usage of search grows")
MAINTENANCE = """\
apiVersion: homeostat/v1
kind: Maintenance
metadata: {{name: move}}
spec: {{components: ["sea*"], reason: a move, windows: [{{start: "{start}", end: "{end}"}}]}}
"""


def _at(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_what_is_foreseen_waits_until_the_work_is_over(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    analyst = InlineAnalyst(lambda asked: Answer((RISK,) if "failures" in asked.detectors else ()))
    now = site.clock.now()
    site.add("policies/move.yaml", MAINTENANCE.format(start=_at(now), end=_at(now + 45_000)), "Work on search")
    site.until(lambda: site.system.world.cursor.applied == site.head(), seconds=60)
    site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
    site.system.world.cursor.outlook.due["near"] = site.clock.now()
    site.advance(10)
    asked = next(asked for asked in analyst.asked if "failures" in asked.detectors)
    assert [window.name for window in asked.maintenance] == ["move"]
    assert site.system.world.cursor.outlook.found["near"][1] == (RISK,)
    assert site.cases() == []
    main(["--home", str(site.home.root), "status"])
    assert "worked on\n  move  sea*" in capsys.readouterr().out
    with served(site) as door:
        assert "sea* worked on: a move." in said(door.browser().login().get("/"))
    site.until(lambda: site.clock.now() >= now + 45_000, seconds=60)
    assert site.cases() == []
    site.system.world.cursor.outlook.due["near"] = site.clock.now()
    site.until(site.cases, seconds=30)
    main(["--home", str(site.home.root), "status"])
    assert "worked on\n" not in capsys.readouterr().out
