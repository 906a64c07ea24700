"""S10, Facebook 2021: the audit tool had a bug, so the command passed. A judge that breaks says no here."""

import pytest
from installation import Installation

from reconciler.consensus import decision as consensus

BROKEN = """\
apiVersion: homeostat/v1
kind: MergePolicy
metadata:
  name: seeded-violation
  description: An expression that type-checks and then fails.
spec:
  require:
    conditions:
      - name: breaks
        expression: 1 / (mergesLastHour - mergesLastHour) > 0
        message: nobody can satisfy this
"""


def with_policy(site: Installation, text: str) -> None:
    site.pull()
    (site.clone / "policies" / "seeded.yaml").write_text(text)
    site.git("add", "policies/seeded.yaml")
    site.git("commit", "-qm", "Seed a violation")
    site.git("push", "-q")
    site.settle()


def nothing_merged(site: Installation) -> bool:
    return site.machine_commits() == [] and site.payloads("merge") == [] and site.live("checkout", "release") == "1.5.0"


def break_down(*_: object, **__: object) -> object:
    raise RuntimeError("the judge has a bug")


def test_a_condition_that_fails_at_run_time_denies(site: Installation) -> None:
    site.allow("rollback-release")
    with_policy(site, BROKEN)
    site.bad_release("failing")
    site.advance(90)
    assert nothing_merged(site)
    assert {(p["effect"], p["reason"]) for p in site.payloads("proposal")} == {("deny", "policy-error")}


def test_the_same_condition_without_the_mistake_lets_it_pass(site: Installation) -> None:
    site.allow("rollback-release")
    with_policy(site, BROKEN.replace("1 / (mergesLastHour - mergesLastHour) > 0", "mergesLastHour - mergesLastHour == 0"))
    site.bad_release("failing")
    site.until_stage("guard", seconds=90)
    assert site.live("checkout", "release") == "1.4.2"


@pytest.mark.parametrize(
    "judge",
    ["reconciler.steps.candidates.policy_judge", "reconciler.steps.judge.consensus_decide", "reconciler.steps.judge.compose"],
)
def test_a_judge_that_throws_merges_nothing_and_pages(site: Installation, monkeypatch: pytest.MonkeyPatch, judge: str) -> None:
    site.allow("rollback-release")
    monkeypatch.setattr(judge, break_down)
    site.bad_release("failing")
    site.advance(60)
    assert nothing_merged(site)
    assert any(page["key"].endswith("/error") for page in site.pages())


def test_voters_that_throw_merge_nothing(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    site.allow("rollback-release")
    for voter in site.system.world.voters:
        monkeypatch.setattr(type(voter), "vote", break_down)
    site.bad_release("failing")
    site.advance(60)
    assert nothing_merged(site)


def test_a_verdict_that_nobody_signed_is_not_applied(site: Installation) -> None:
    """Last line: whatever lands in the machine's name without its verdict on record stays away from the target."""
    world = site.system.world
    from reconciler.ports.repo import MACHINE, RefMove

    text = site.file("apps/shop/checkout.yaml").replace("replicas: 3", "replicas: 1").encode()
    forged = world.repo.write(
        world.head(), {"apps/shop/checkout.yaml": text}, "checkout: replicas 3 -> 1\n", MACHINE, world.clock.now(), world.author
    )
    assert world.repo.move([RefMove(world.ref, world.head(), forged)])
    site.advance(15)
    assert site.live("checkout", "replicas") == 3
    assert world.cursor.refused[0] == forged
    assert any(forged in a["why"] or forged[:12] in a["why"] for a in site.payloads("alarm"))


def test_the_judges_in_these_tests_are_those_of_the_product() -> None:
    from reconciler.steps import judge

    assert judge.consensus_decide is consensus.decide
