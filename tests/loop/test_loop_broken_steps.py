"""A step that breaks after the landing ends its case, and nothing else: the repair has an outcome, others go on."""

import pytest
from installation import Installation

from reconciler.model.cases import Stage
from reconciler.pipeline import STEPS


def broken(*_: object) -> None:
    raise ZeroDivisionError("nobody thought of this")


@pytest.mark.parametrize("stage", [Stage.GUARD, Stage.SOAK])
def test_a_broken_look_at_a_repair_ends_as_an_unknown_outcome_and_blocks_no_failure_domain(
    site: Installation, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(site.machine_commits, seconds=90)
    monkeypatch.setitem(STEPS, stage, broken)
    site.until(lambda: not site.cases(open_only=True), seconds=500)
    site.settle()

    (repair,) = site.machine_commits()
    last = site.payloads("outcome")[-1]
    assert (last["commit"], last["stage"], last["state"]) == (repair, "outcome", "unknown")
    assert f"its case ended at {stage.value}" in last["summary"]
    assert site.system.world.ledger.facts().without_outcome() == []
    assert any("ZeroDivisionError" in page["text"] for page in site.pages())


def test_a_repair_found_worse_whose_undo_breaks_stays_worse(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, Stage.UNDO, broken)
    site.allow("scale-out")
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until(lambda: site.payloads("outcome") and not site.cases(open_only=True), seconds=300)
    site.settle()

    (repair,) = site.machine_commits()
    told = [(o["stage"], o["state"]) for o in site.payloads("outcome") if o["commit"] == repair]
    assert told == [("guard", "worse"), ("outcome", "worse")]
    assert site.system.world.ledger.facts().without_outcome() == []
