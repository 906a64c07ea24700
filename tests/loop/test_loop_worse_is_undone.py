"""A repair that makes it worse is reverted by itself, the revert is verified, and the patch is not proposed again."""

import dataclasses
from typing import Any

import pytest
from installation import CHECKOUT, Installation

from reconciler.proposals import Proposed, Situation
from reconciler.steps import propose


@pytest.fixture
def backfired(site: Installation) -> Installation:
    """More checkout replicas take the database's last connections."""
    site.allow("scale-out")
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until(lambda: len(site.machine_commits()) == 2, seconds=200)
    return site


def test_it_is_reverted_by_the_exact_inverse_on_the_fast_lane(backfired: Installation) -> None:
    repair, revert = backfired.payloads("merge")[:2]
    assert revert["reverts"] == repair["commit"]
    assert backfired.file(CHECKOUT, revert["commit"]) == backfired.file(CHECKOUT, repair["base"])
    worse = backfired.payloads("outcome")[0]
    assert (worse["commit"], worse["stage"], worse["state"]) == (repair["commit"], "guard", "worse")
    verdict = next(v for v in backfired.payloads("verdict") if v["subject"]["head"] == revert["commit"])
    rows = {r["name"]: r["status"] for decision in verdict["decisions"] for r in decision["requirements"]}
    assert rows["fast-lane"] == "not-applicable"  # budgets, levels and autonomy; trust and brakes were asked
    backfired.advance(5)
    assert backfired.live("checkout", "replicas") == 3


def test_the_revert_is_verified_in_turn_and_the_patch_is_never_proposed_again(backfired: Installation) -> None:
    repair, revert = backfired.payloads("merge")[:2]
    backfired.until(lambda: [o for o in backfired.payloads("outcome") if o["commit"] == revert["commit"]], seconds=100)
    backfired.until(lambda: "remembered" in {r["reason"] for r in backfired.payloads("refusal")}, seconds=400)
    backfired.advance(60)
    assert repair["patch"] in backfired.system.world.ledger.facts().remembered
    assert [m["patch"] for m in backfired.payloads("merge")].count(repair["patch"]) == 1


def test_without_the_memory_it_would_be_proposed_again_and_only_the_past_outcomes_would_veto_it(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = propose.find_candidates

    def forgetful(situation: Situation, *rest: Any) -> Proposed:
        return honest(dataclasses.replace(situation, remembered=frozenset(), cooling={}), *rest)

    monkeypatch.setattr(propose, "find_candidates", forgetful)
    site.allow("scale-out")
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until(lambda: [v for v in site.payloads("verdict") if v["effect"] == "deny"], seconds=600)
    tried = [p["proposal"]["patch"] for p in site.payloads("proposal") if p["proposal"]["playbook"] == "scale-out"]
    assert tried[0] == tried[1]
    again = next(v for v in site.payloads("verdict") if v["subject"]["patch"] == tried[0] and v["effect"] == "deny")
    assert again["reason"] == "veto"
