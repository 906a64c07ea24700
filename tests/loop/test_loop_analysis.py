"""The analysis beside the loop: its findings are on record, and what it holds against a repair leaves that to a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from installation import Installation

from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.replay import replay
from reconciler.testing.analysts import InlineAnalyst

SAID = ("causes", "1", "sha256:0")


def blaming(component: str) -> Callable[[Inquiry], Answer]:
    def work(inquiry: Inquiry) -> Answer:
        return Answer((Finding(*SAID, "cause", component, "error_rate", inquiry.now_ms, "0.8", (), f"{component} is likely"),))

    return work


def analysed(site: Installation, work: Callable[[Inquiry], Answer], patience: int = 0) -> InlineAnalyst:
    analyst = InlineAnalyst(work, patience)
    site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
    return analyst


def diagnosis(site: Installation) -> dict[str, Any]:
    (found,) = site.payloads("diagnosis")
    return dict(found["diagnosis"])


def test_what_the_detectors_say_is_recorded_with_the_diagnosis_and_replays(site: Installation) -> None:
    analyst = analysed(site, blaming("checkout"), patience=1)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage("guard", seconds=180)
    (finding,) = [f for f in diagnosis(site)["findings"] if f["kind"] == "cause"]
    assert (finding["detector"], finding["version"], finding["settings"]) == SAID
    (asked,) = analyst.asked
    assert asked.symptom in ("", "checkout", "gateway")
    assert [(c.component, c.what) for c in asked.changes] == [("checkout", "release")]
    world = site.system.world
    incident = site.payloads("incident")[0]["incident"]["id"]
    assert [v.same for v in replay(world.repo, world.log, incident)] == [True]


def test_what_the_analysis_holds_against_a_repair_leaves_it_to_a_person(site: Installation) -> None:
    def doubtful(inquiry: Inquiry) -> Answer:
        spreads = Finding("patterns", "1", "", "pattern", "gateway", "cascade", inquiry.now_ms, "0.9", (), "it spreads")
        return Answer((*blaming("user")(inquiry).findings, spreads))

    analysed(site, doubtful)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(lambda: site.payloads("verdict"), seconds=180)
    assert site.machine_commits() == []
    rows = [row for decision in site.payloads("verdict")[-1]["decisions"] for row in decision["requirements"]]
    assert {"confidence-floor", "cascading"} <= {row["name"] for row in rows if row["status"] == "unsatisfied"}


def test_an_answer_wakes_the_case_that_waits_for_it(site: Installation) -> None:
    analyst = analysed(site, blaming("checkout"), patience=1)
    site.bad_release("failing")
    site.until(lambda: analyst.asked, seconds=180)
    assert analyst.prepared, "told to get ready while signals were grouped"
    site.settle()
    assert site.payloads("diagnosis") == [], "nothing was heard yet, and the clock stands still"
    analyst.ask(analyst.asked[0])
    site.settle()
    assert len(site.payloads("diagnosis")) == 1
