"""The detectors' own process on the loop in the lab: a bad release that they do not see at once, and see minutes later."""

from __future__ import annotations

import dataclasses
import threading

from browser import said, served
from installation import Installation

from reconciler.adapters.analysts.worker import WorkerAnalyst
from reconciler.bootstrap.opening import open_settings
from reconciler.bootstrap.run import start_analysis
from reconciler.replay import replay
from reconciler.steps.revisiting import AFTER_MS

PATIENCE_S = 60.0  # for a child that imports its libraries on a busy machine


def _until(site: Installation, kind: str, analyst: WorkerAnalyst, heard: threading.Event) -> None:
    """A record of this kind; time goes on only while the child has nothing to do."""
    for _ in range(AFTER_MS // 5_000 + 60):
        site.advance(5)
        while analyst.working:
            assert heard.wait(PATIENCE_S)
            heard.clear()
            site.settle()
        if site.payloads(kind):
            return
    raise AssertionError(site.story())


def test_what_the_detectors_did_not_see_when_the_repair_was_chosen_they_see_while_it_waits(site: Installation) -> None:
    site.allow("rollback-release", "review")
    heard = threading.Event()
    with start_analysis(site.home, open_settings(site.home)) as (analyst, _):
        assert analyst
        analyst.wake = heard.set
        site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
        site.bad_release()
        _until(site, "verdict", analyst, heard)
        first = site.payloads("diagnosis")[0]["diagnosis"]
        assert "cause" not in {finding["kind"] for finding in first["findings"]}, "too little is measured yet"
        (number,) = (pull.number for pull in site.pulls("open"))
        _until(site, "second-look", analyst, heard)
    found = site.payloads("second-look")[0]["look"]
    assert (found["says"], found["chosen"], found["named"]) == ("agrees", "checkout", "checkout")
    assert found["explanation"]["drawings"]["plots"]
    world = site.system.world
    assert [judged.same for judged in replay(world.repo, world.log, found["incident"])] == [True]
    with served(site) as door:
        browser = door.browser().login()
        pull, incident = said(browser.get(f"/pr/{number}")), browser.get(f"/incidents/{found['incident']}")
    assert "Seen since 240 s after the diagnosis the analysis of all metrics names checkout, confidence 0." in pull
    assert "names another cause" not in pull
    assert "<svg" in incident.text.split('id="since"', 1)[1]
