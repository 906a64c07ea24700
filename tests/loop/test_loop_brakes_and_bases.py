"""Brakes, moved bases and concurrent edits: what may change between a judgement and its landing."""

import pytest
from installation import CHECKOUT, Installation

from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.commands import reviews
from reconciler.commands.brakes import put_on, take_off
from reconciler.errors import Misconfigured
from reconciler.ports.repo import MACHINE, RefMove
from reconciler.replay import replay

GATEWAY = "apps/edge/gateway.yaml"


def waiting(site: Installation, mode: str = "review") -> None:
    site.allow("rollback-release", mode)
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)


def test_under_a_brake_the_machine_merges_nothing_and_goes_on_when_it_is_lifted(site: Installation) -> None:
    brake = put_on(site.system.world, site.person(), "we are moving the database", 3_600_000)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.advance(90)
    assert [(p.effect, p.reason) for p in site.pulls("open")] == [("wait", "braked")]
    assert site.machine_commits() == []
    take_off(site.system.world, site.person(), brake.id)
    site.until_stage("guard", seconds=60)
    assert site.live("checkout", "release") == "1.4.2"


def test_peoples_own_commits_still_apply_under_a_brake(site: Installation) -> None:
    put_on(site.system.world, site.person(), "we are moving the database", 3_600_000)
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.settle()
    assert site.live("checkout", "replicas") == 4


def test_a_brake_ends_by_itself(site: Installation) -> None:
    put_on(site.system.world, site.person(), "coffee", 60_000)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.advance(45)
    assert site.machine_commits() == []
    site.until_stage("guard", seconds=90)


def test_a_base_that_moved_elsewhere_keeps_the_review(site: Installation) -> None:
    waiting(site)
    brake = put_on(site.system.world, site.person(), "one moment", 3_600_000)
    site.review(1)
    site.settle()
    before = site.pulls()[0].head
    site.push({GATEWAY: ('release: "2.7.1"', 'release: "2.7.2"')}, "A new gateway")
    site.advance(60)
    (pull,) = site.pulls()
    assert pull.head != before
    take_off(site.system.world, site.person(), brake.id)
    site.until_stage("guard", seconds=60)
    assert site.pulls()[0].merged_by == "ada"
    assert site.live("gateway", "release") == "2.7.2"
    assert site.live("checkout", "release") == "1.4.2"


def test_a_base_that_moved_in_the_same_unit_needs_a_new_review(site: Installation) -> None:
    waiting(site)
    brake = put_on(site.system.world, site.person(), "one moment", 3_600_000)
    site.review(1)
    site.push({"apps/shop/cart.yaml": ("workers: 3 ", "workers: 9 ")}, "More workers for cart")
    site.advance(60)
    take_off(site.system.world, site.person(), brake.id)
    site.advance(45)
    assert site.machine_commits() == []  # the approval was of other trees
    site.review(1)
    site.until_stage("guard", seconds=60)


def test_a_person_who_edits_the_same_field_wins(site: Installation) -> None:
    waiting(site)
    site.push({CHECKOUT: ('release: "1.5.0"', 'release: "1.5.1"')}, "Fix it forward")
    site.advance(60)
    assert [p.state.value for p in site.pulls()] == ["closed"]
    assert site.live("checkout", "release") == "1.5.1"
    assert site.machine_commits() == []


def test_a_rewritten_branch_is_not_followed_and_told(site: Installation) -> None:
    applied = site.system.world.cursor.applied
    world = site.system.world
    from reconciler.ports.repo import Identity, RefMove

    text = site.file(CHECKOUT).replace("replicas: 3", "replicas: 9").encode()
    other = world.repo.write(world.root, {CHECKOUT: text}, "Other history\n", Identity("Eve", "eve@example.org"), 1, None)
    site.push({GATEWAY: ('release: "2.7.1"', 'release: "2.7.2"')}, "A new gateway")
    site.settle()
    applied = site.head()
    assert world.repo.move([RefMove(world.ref, applied, other)])  # file access: no hook stands in between
    site.advance(15)
    assert world.cursor.applied == applied
    assert site.live("checkout", "replicas") == 3
    assert any("rewritten" in a["why"] or "descend" in a["why"] for a in site.payloads("alarm")), site.payloads("alarm")


def test_a_persons_merge_lands_under_a_brake_and_an_approval_alone_waits(site: Installation) -> None:
    waiting(site)
    put_on(site.system.world, site.person(), "we are moving the database", 3_600_000)
    pull = site.pulls("open")[0]
    site.review(pull.number)
    site.advance(60)
    assert [(p.effect, p.reason) for p in site.pulls("open")] == [("wait", "braked")]
    reviewer = FileSigner(site.home.key("review"), "review")
    reviews.merge(site.system.world, reviewer, site.person(), pull.number, head=pull.head)
    site.until(site.machine_commits, seconds=60)
    assert site.live("checkout", "release") == "1.4.2"
    assert site.payloads("merge")[-1]["by"] == "ada"
    assert all(again.same for again in replay(site.system.world.repo, site.system.world.log, site.cases()[-1].id))


def test_asking_for_the_merge_takes_the_role_for_it(site: Installation) -> None:
    site.push({"policies/trust.yaml": ("roles: [approve, merge, policy, operate]", "roles: [approve, policy, operate]")})
    waiting(site)
    reviewer = FileSigner(site.home.key("review"), "review")
    with pytest.raises(Misconfigured, match="no role merge"):
        reviews.merge(site.system.world, reviewer, site.person(), site.pulls("open")[0].number)
    assert site.pulls("open")[0].reviews == ()


def test_nothing_lands_on_a_branch_that_is_not_followed(site: Installation) -> None:
    """Somebody with file access puts an unjudged machine commit on the branch; an approval does not land on top of it."""
    waiting(site)
    world, pull = site.system.world, site.pulls("open")[0]
    forged = world.repo.write(world.head(), {"notes/x.txt": b"x"}, "Homeostat-Incident: none\n", MACHINE, 1, None)
    assert world.repo.move([RefMove(world.ref, world.head(), forged)])
    site.settle()
    site.review(pull.number)
    site.advance(60)
    assert site.head() == forged
    assert site.pulls("open")[0].number == pull.number
    assert any("is not followed" in page["title"] for page in site.pages())


def test_a_no_that_was_said_just_before_the_base_moved_stands(site: Installation) -> None:
    waiting(site)
    site.review(1, "reject")
    site.push({"apps/shop/cart.yaml": ("workers: 3 ", "workers: 9 ")}, "More workers for cart")
    site.advance(30)
    assert [(p.number, p.state.value, p.note) for p in site.pulls()] == [(1, "closed", "denied: rejected")]
    assert "ada rejected" in site.pages()[-1]["text"]


def test_a_repair_that_cannot_be_seen_to_be_needed_waits_and_a_person_is_told(site: Installation) -> None:
    brake = put_on(site.system.world, site.person(), "we are moving the database", 3_600_000)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)
    site.muted.set()
    site.advance(120)
    take_off(site.system.world, site.person(), brake.id)
    site.until(lambda: site.cases()[0].reason == "blind", seconds=60)
    site.advance(60)
    assert [page for page in site.pages() if page["key"] == "blind/1"] == [], "one scrape may be late"
    site.advance(300)
    assert len([page for page in site.pages() if page["key"] == "blind/1"]) == 1
    assert site.machine_commits() == []
    site.muted.clear()
    site.until_stage("guard", seconds=120)
