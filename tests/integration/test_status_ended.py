"""A new installation is in shadow: it describes a repair, pages, and its case is over. Whoever looks has to see that."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import said, served
from installation import installation

from reconciler.cli import main


def test_what_ended_without_a_repair_stands_in_status_and_on_the_page_for_a_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation(tmp_path) as site:

        def status() -> str:
            assert main(["--home", str(site.home.root), "status"]) == 0
            return capsys.readouterr().out

        assert "ended without a repair" not in status()
        site.bad_release()
        site.until_stage("done")
        incident = site.cases()[0].id
        told = status()
        assert "ended without a repair (homeostat why ID)" in told
        (line,) = [line for line in told.splitlines() if line.startswith(f"  {incident}")]
        assert " shadow " in line
        assert "checkout" in line
        with served(site) as door:
            home = said(door.browser().login().get("/"))
        assert "What ended without a repair stands below" in home
        assert f"Ended without a repair case about reason what was said {incident}" in home
        site.clock.advance(86_400_001)
        assert "ended without a repair" not in status()
