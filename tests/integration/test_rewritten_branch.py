"""A rewritten branch, behind the hook's back: also a tip that was never followed is missed, and each acceptance ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from installation import CHECKOUT, Installation

from reconciler.audit.view import Tip
from reconciler.commands.accepting import accept
from reconciler.errors import Permanent
from reconciler.ports.repo import MACHINE, Identity, RefMove

AUTONOMY = "policies/autonomy.yaml"
MALLORY = Identity("Mallory", "mallory@example.org")


def on_top(site: Installation, base: str, replicas: int, who: Identity = MALLORY) -> str:
    world, text = site.system.world, site.file(CHECKOUT, base)
    old = next(line for line in text.splitlines() if "replicas:" in line)
    edited = text.replace(old, f"  replicas: {replicas}").encode()
    return world.repo.write(base, {CHECKOUT: edited}, f"{replicas} replicas\n", who, world.clock.now(), None)


def move(site: Installation, to: str) -> None:
    """Straight in the repository: no hook stands in between."""
    world = site.system.world
    assert world.repo.move([RefMove(world.ref, site.head(), to)])
    site.settle()


def frozen(site: Installation) -> bool:
    return "no longer descends" in site.system.world.not_followed()


def alarms(site: Installation, head: str) -> int:
    return len([r for r in site.records("alarm") if r.record.subject == head and "no longer descends" in r.record.payload["why"]])


def broken_policy(site: Installation) -> str:
    return site.push({AUTONOMY: ("  rules:\n", "  rulez:\n")}, "A slip")


def forged_commit(site: Installation) -> str:
    made = on_top(site, site.head(), 9, MACHINE)
    move(site, made)
    return made


@pytest.mark.parametrize("never_followed", [broken_policy, forged_commit])
@pytest.mark.parametrize("then", [Installation.settle, Installation.restart, Installation.lose_store])
def test_a_tip_that_was_never_followed_is_missed_when_the_branch_is_rewritten_without_it(
    site: Installation, never_followed: Callable[[Installation], str], then: Callable[[Installation], None]
) -> None:
    applied = site.head()
    refused = never_followed(site)
    site.settle()
    assert (site.system.world.cursor.applied, site.system.world.seen()) == (applied, refused)
    site.records()
    then(site)
    other = on_top(site, applied, 4)
    move(site, other)
    site.advance(10)
    assert frozen(site)
    assert alarms(site, other) == 1
    assert other[:12] in site.pages()[-1]["text"]
    assert site.live("checkout", "replicas") == 3
    move(site, applied)  # nor may it be taken back to what is applied
    assert frozen(site)
    move(site, other)
    accept(site.system.world, site.person(), other)
    site.settle()
    assert not frozen(site)
    assert site.live("checkout", "replicas") == 4


def test_the_branch_is_followed_again_once_the_tip_that_was_seen_is_below_it(site: Installation) -> None:
    applied = site.head()
    refused = broken_policy(site)
    site.settle()
    move(site, on_top(site, applied, 4))
    assert frozen(site)
    move(site, refused)
    site.push({AUTONOMY: ("  rulez:\n", "  rules:\n")}, "Mend it")
    site.settle()
    assert site.system.world.cursor.applied == site.head()
    with pytest.raises(Permanent, match="nothing to accept"):
        accept(site.system.world, site.person(), site.head())


@pytest.mark.parametrize("then", [Installation.settle, Installation.restart, Installation.lose_store])
def test_an_acceptance_ends_when_the_branch_is_rewritten_again(site: Installation, then: Callable[[Installation], None]) -> None:
    base = site.head()
    one = site.push({CHECKOUT: ("replicas: 3", "replicas: 5")})
    site.settle()
    other = on_top(site, base, 4)
    for count, (head, replicas) in enumerate([(other, 4), (one, 5), (other, 4), (one, 5)]):
        move(site, head)
        site.advance(10)
        assert frozen(site), f"accepted by an acceptance that was given before: {count}"
        assert alarms(site, head) == count // 2 + 1
        accept(site.system.world, site.person(), head)
        site.settle()
        assert (frozen(site), site.live("checkout", "replicas")) == (False, replicas)
        site.records()
        then(site)
        site.advance(10)
        assert (frozen(site), site.live("checkout", "replicas")) == (False, replicas)
        assert site.system.world.cursor.pending == frozenset()  # no target holds a newer generation than the branch now has


def test_an_accepted_way_back_to_an_older_commit_is_applied_and_may_go_forward_and_not_back_again(site: Installation) -> None:
    old = site.head()
    new = site.push({CHECKOUT: ("replicas: 3", "replicas: 4")})
    site.settle()
    move(site, old)
    assert frozen(site)
    accept(site.system.world, site.person(), old)
    site.settle()
    assert site.live("checkout", "replicas") == 3
    move(site, new)  # a fast-forward
    assert site.live("checkout", "replicas") == 4
    site.records()
    site.lose_store()
    site.settle()
    move(site, old)
    assert frozen(site)
    assert site.live("checkout", "replicas") == 4


def test_an_acceptance_over_another_revision_lets_nothing_go_that_is_applied_even_if_the_tip_was_forgotten(
    site: Installation,
) -> None:
    old = site.head()
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")})
    site.settle()
    move(site, old)
    accept(site.system.world, site.person(), old)
    site.settle()
    move(site, on_top(site, old, 5))
    assert site.live("checkout", "replicas") == 5
    site.system.world.cursor.tip = Tip(site.system.world.log.size, old)
    move(site, old)
    assert frozen(site)
    assert site.live("checkout", "replicas") == 5
