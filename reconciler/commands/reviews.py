"""Reviews: one person's word about exactly the head they saw. Approving, rejecting and merging are all this one thing.

A merge is an approval: the machine lands what is approved as soon as both judges let it. What a person may not override
(limits, vetoes) stays, and the pull request says so.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.audit.facts import Reviewed
from reconciler.changes.reviews import review_payload, sign_review
from reconciler.commands.people import Person, require
from reconciler.documents.trust import Role
from reconciler.errors import Permanent
from reconciler.model.pulls import PullRequest, PullState, Review, ReviewChoice
from reconciler.model.records import RecordKind
from reconciler.ports.signing import Signer
from reconciler.steps.world import World

MAX_TEXT = 2_000


def find(world: World, number: int) -> PullRequest:
    """The pull request, or a sentence about where to look."""
    pull = world.forge.get(number)
    if pull is None:
        raise Permanent(f"there is no pull request {number}", next_step="homeostat pr list")
    return pull


def review(
    world: World, reviewer: Signer, person: Person, number: int, choice: ReviewChoice, *, head: str = "", text: str = ""
) -> PullRequest:
    """Adds the review and its record. `reviewer` is the review role's key; `head` is what the person saw."""
    return _add(world, reviewer, person, number, _word(world, person, number, choice, head, text))


def merge(world: World, reviewer: Signer, person: Person, number: int, *, head: str = "", text: str = "") -> PullRequest:
    """An approval by somebody who may merge. It is a person's merge: a brake does not stop it, limits and vetoes do."""
    made = _word(world, person, number, ReviewChoice.APPROVE, head, text)
    require(world, person, Role.MERGE, tuple(name for name, _ in made.trees))
    return _add(world, reviewer, person, number, replace(made, landing=True))


def _word(world: World, person: Person, number: int, choice: ReviewChoice, head: str, text: str) -> Review:
    """What the person says about exactly the head that is there now, which has to be the one they saw."""
    pull = find(world, number)
    if pull.state is not PullState.OPEN:
        raise Permanent(f"pull request {number} is {pull.state.value}", next_step="homeostat pr list --state open")
    if head and not pull.head.startswith(head):
        raise Permanent(
            f"pull request {number} is at {pull.head[:12]} now, not at {head[:12]}", next_step=f"homeostat pr show {number}"
        )
    require(world, person, Role.APPROVE, tuple(name for name, _ in pull.trees))
    now = world.clock.now()
    return Review(person.name, choice, pull.head, pull.patch, pull.trees, person.channel, now, text[:MAX_TEXT])


def _add(world: World, reviewer: Signer, person: Person, number: int, made: Review) -> PullRequest:
    done = world.forge.review(number, made, sign_review(world.repository, number, made, reviewer))
    said = review_payload(world.repository, number, made)
    proof = person.signer.sign_ssh(said, "homeostat-review").decode() if person.signer else ""
    key = f"{world.repository}/{number}/{person.name}/{made.made_ms}/{made.choice.value}"
    world.keep(world.record(RecordKind.REVIEW, key, Reviewed(number, made, proof), subject=made.head))
    world.publish()
    return done
