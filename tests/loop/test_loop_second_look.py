"""A second look on the real loop: people hear what was seen since, and what was decided stays what it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from browser import said, served, waiting_repair
from installation import Installation
from test_loop_falls_and_timeouts import SENSOR

from reconciler.cli import main
from reconciler.model.cases import Case
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.replay import replay
from reconciler.steps.progress import progress
from reconciler.steps.revisiting import AFTER_MS, PATIENCE_MS
from reconciler.testing.analysts import InlineAnalyst

SECONDS = AFTER_MS // 1_000


def later(names: str) -> Callable[[Inquiry], Answer]:
    """Sees nothing for two minutes, as the real ones."""

    def work(inquiry: Inquiry) -> Answer:
        cause = Finding("causes", "1", "", "cause", names, "error_rate", inquiry.now_ms, "0.99", (), f"{names} is likely")
        young = inquiry.now_ms < (inquiry.alarm_ms or 0) + 120_000
        return Answer() if young else Answer((cause,))

    return work


def analysed(site: Installation, analyst: InlineAnalyst) -> InlineAnalyst:
    site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
    return analyst


class Mute(InlineAnalyst):
    """Never answers what is asked minutes after an alarm."""

    def ask(self, inquiry: Inquiry) -> Answer | None:
        if inquiry.now_ms < (inquiry.alarm_ms or 0) + AFTER_MS:
            return super().ask(inquiry)
        self.asked += [] if inquiry in self.asked else [inquiry]
        return None


def waiting(site: Installation) -> Case:
    """The case whose repair waits for a person; a trouble that goes on opens others beside it."""
    (case,) = (case for case in site.cases() if progress(case).pull)
    return case


def second(site: Installation, analyst: InlineAnalyst) -> list[Inquiry]:
    """What was asked about it again."""
    diagnosis = progress(waiting(site)).diagnosis
    assert diagnosis
    return [asked for asked in analyst.asked if asked.now_ms == diagnosis.made_ms + AFTER_MS]


def looks(site: Installation) -> list[dict[str, Any]]:
    """What is on record of it."""
    return [dict(payload["look"]) for payload in site.payloads("second-look") if payload["look"]["incident"] == waiting(site).id]


def decided(site: Installation) -> list[object]:
    """What was found out, proposed and judged about it."""
    kinds, incident = ("diagnosis", "proposal", "ballots", "verdict"), waiting(site).id
    return [dict(one.record.payload) for one in site.records(*kinds) if one.record.incident == incident]


def test_while_a_repair_waits_a_second_look_names_another_cause_and_everything_decided_stays(site: Installation, capsys) -> None:
    analyst = analysed(site, InlineAnalyst(later("user")))
    number = waiting_repair(site)
    before = decided(site)
    site.until(lambda: looks(site), seconds=SECONDS + 60)
    (found,) = looks(site)
    assert (found["says"], found["chosen"], found["named"], found["doubts"]) == ("another", "checkout", "user", True)
    case = waiting(site)
    diagnosis = progress(case).diagnosis
    assert diagnosis
    assert found["made_ms"] == diagnosis.made_ms + AFTER_MS
    pages = [page for page in site.pages() if page["key"] == f"{case.id}/second-look"]
    assert [page["url"].rpartition("/pr/")[2] for page in pages] == [str(number)]

    site.advance(60)
    assert decided(site) == before, "nothing was diagnosed, proposed or judged anew"
    with served(site) as door:
        browser = door.browser().login()
        pull, incident = said(browser.get(f"/pr/{number}")), said(browser.get(f"/incidents/{case.id}"))
    assert "A second look names another cause. 240 s after the diagnosis" in pull
    assert "Likely cause: release of checkout" in pull
    assert "Seen since It names another cause. 240 s after the diagnosis" in incident
    assert main(["pr", "show", str(number), "--home", str(site.home.root)]) == 0
    assert "seen since, and it names another cause\n  240 s after" in capsys.readouterr().out

    site.restart()
    analysed(site, InlineAnalyst(later("user")))
    site.advance(60)
    assert len(second(site, analyst)) == len(looks(site)) == 1, "once, over restarts"
    site.review(number)
    site.until(site.machine_commits, seconds=60)
    world = site.system.world
    assert {judged.same for judged in replay(world.repo, world.log, case.id)} == {True}
    assert site.verify().ok


def test_what_was_asked_when_the_process_ended_is_heard_by_the_next(site: Installation) -> None:
    slow = analysed(site, Mute(later("checkout")))
    waiting_repair(site)
    site.until(lambda: second(site, slow), seconds=SECONDS + 60)
    assert looks(site) == []
    site.restart()
    quick = analysed(site, InlineAnalyst(later("checkout")))
    site.advance(20)
    assert second(site, quick) == second(site, slow)
    assert [look["says"] for look in looks(site)] == ["agrees"]


def test_a_second_look_that_never_comes_leaves_the_repair_to_the_person_who_has_it(site: Installation) -> None:
    silent = analysed(site, Mute(later("user")))
    number = waiting_repair(site)
    site.until(lambda: looks(site), seconds=SECONDS + PATIENCE_MS // 1_000 + 60)
    assert [look["says"] for look in looks(site)] == ["silent"]
    assert site.pulls("open")[0].narrative.since is None
    site.advance(60)
    assert len(second(site, silent)) == 1
    site.review(number)
    site.until(site.machine_commits, seconds=60)


def test_a_repair_that_merges_by_itself_is_not_looked_at_again(site: Installation) -> None:
    analyst = analysed(site, InlineAnalyst(later("user")))
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(lambda: site.payloads("merge"), seconds=180)
    site.advance(SECONDS + 60)
    assert second(site, analyst) == []


def test_a_case_that_ended_without_a_cause_hears_of_one_that_was_found_since(site: Installation) -> None:
    analysed(site, InlineAnalyst(later("user")))
    site.add("sensors/no-traffic.yaml", SENSOR, "Watch for no traffic")
    site.until(lambda: site.cases() and site.cases()[-1].stage.value == "done", seconds=300)
    before = site.cases()[-1]
    assert before.reason == "no-cause"
    site.until(lambda: site.payloads("second-look"), seconds=SECONDS + 60)
    look = site.payloads("second-look")[0]["look"]
    assert (look["incident"], look["says"], look["chosen"], look["named"]) == (before.id, "found", "", "user")
    (page,) = (page for page in site.pages() if page["key"] == f"{before.id}/second-look")
    assert page["url"].endswith(f"/incidents/{before.id}")
    after = site.system.store.case(before.id)
    assert after
    assert (after.stage, after.due_ms, after.reason, after.detail) == (before.stage, before.due_ms, before.reason, before.detail)
    with served(site) as door:
        text = said(door.browser().login().get(f"/incidents/{before.id}"))
    assert "It names a cause. 240 s after the diagnosis the analysis of all metrics names user" in text
