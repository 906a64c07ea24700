"""The analysis beside the loop: its findings are on record, and neither its silence nor its slowness stops a repair."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
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
    (finding,) = diagnosis(site)["findings"]
    assert (finding["detector"], finding["version"], finding["settings"]) == SAID
    (asked,) = analyst.asked
    assert asked.symptom in ("", "checkout", "gateway")
    assert [(c.component, c.what) for c in asked.changes] == [("checkout", "release")]
    world = site.system.world
    incident = site.payloads("incident")[0]["incident"]["id"]
    assert [v.same for v in replay(world.repo, world.log, incident)] == [True]


def test_an_analysis_that_is_late_is_not_waited_for(site: Installation) -> None:
    analysed(site, blaming("checkout"), patience=1_000)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage("guard", seconds=180)
    assert [f["text"] for f in diagnosis(site)["findings"]] == ["the analysis did not answer within 10 s"]


@pytest.mark.parametrize("wrong", ["another component", "a pattern that spreads"])
def test_what_the_analysis_holds_against_a_repair_leaves_it_to_a_person(site: Installation, wrong: str) -> None:
    def spreading(inquiry: Inquiry) -> Answer:
        return Answer((Finding("patterns", "1", "", "pattern", "gateway", "cascade", inquiry.now_ms, "0.9", (), "it spreads"),))

    analysed(site, blaming("user") if wrong == "another component" else spreading)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=180)
    site.advance(30)
    assert site.machine_commits() == []
    rows = [row for decision in site.payloads("verdict")[-1]["decisions"] for row in decision["requirements"]]
    unmet = {row["name"] for row in rows if row["status"] == "unsatisfied"}
    assert ("confidence-floor" if wrong == "another component" else "cascading") in unmet


def test_voters_whom_no_quorum_lists_are_not_asked(site: Installation) -> None:
    """A repository with a Quorum from before these voters decides as it did."""
    rules = site.file("policies/quorum.yaml")
    site.push({"policies/quorum.yaml": (rules[rules.index("    # They abstain") :], "")}, "Three kinds of evidence are enough")
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage("guard", seconds=180)
    assert [ballot["group"] for ballot in site.payloads("ballots")[-1]["ballots"]] == ["causal", "topology", "outcomes"]
