"""From a candidate to one commit and its policy decision: shared by propose, judge and undo.

The commit time is the case's own `decided_ms`, so a step that runs twice makes the same commit again.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.changes.building import Author, Built, build, subject_of
from reconciler.model.judging import Decision, Subject
from reconciler.model.proposals import Proposal
from reconciler.policy.judging import judge as policy_judge
from reconciler.steps.gather import Gathered, gather
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World

Files = Mapping[str, bytes | None]


def author(world: World, decided_ms: int) -> Author:
    """The machine's signature, with the last checkpoint seen as a trailer."""
    checkpoint = world.log.checkpoint
    return Author(world.author, decided_ms, checkpoint.trailer if checkpoint else "")


def commit_of(world: World, rules: Rulebook, base: str, proposal: Proposal, files: Files, decided_ms: int) -> Built:
    """The signed commit; moves no ref."""
    return build(world.repo, base, proposal, files, rules.units, author(world, decided_ms))


def files_of(world: World, base: str, head: str) -> Files:
    """The bytes that a commit changes, read back from Git."""
    return {path: world.repo.blob(after) if after else None for path, (_, after) in world.repo.changed(base, head).items()}


def decide(
    world: World, rules: Rulebook, built: Built, proposal: Proposal, gathered: Gathered | None = None
) -> tuple[Subject, Gathered, Decision]:
    """What policy says about exactly this commit now."""
    subject = subject_of(world.repository, world.branch, built, rules.policy.digest)
    seen = gathered or gather(world, rules, built, proposal)
    after = world.rules.after(built.head, seen.facts)
    return subject, seen, policy_judge(subject, proposal, seen.facts, rules.policy, after)
