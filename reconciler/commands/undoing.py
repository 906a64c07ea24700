"""Undoing by a person: `pr revert` makes the commit that `git revert` would make, signed with their own key."""

from __future__ import annotations

from reconciler.commands.people import Person, require
from reconciler.commands.reviews import find
from reconciler.documents.trust import Role
from reconciler.errors import Permanent, Retryable
from reconciler.ports.repo import RefMove
from reconciler.steps.world import World

ATTEMPTS = 5


def revert(world: World, person: Person, number: int) -> str:
    """The reverting commit on the protected branch. Admitting it places the hold, as for any person's revert."""
    pull = find(world, number)
    if not pull.merged:
        raise Permanent(f"pull request {number} has not landed", next_step=f"homeostat pr reject {number}")
    require(world, person, Role.MERGE, tuple(name for name, _ in pull.trees))
    if person.signer is None and world.rulebook().people.enforce:
        raise Permanent(
            "Trust enforces signed commits, and the page has no key of yours",
            next_step=f"homeostat pr revert {number} --as {person.name} --key YOUR_KEY",
        )
    for _ in range(ATTEMPTS):
        head = world.head()
        files = world.repo.revert(pull.merged, head)
        if files is None:
            raise Permanent(f"{pull.merged[:12]} does not revert cleanly any more", next_step="git revert, resolve, git push")
        if not files:
            raise Permanent(f"{pull.merged[:12]} is undone already", next_step=f"homeostat why {number}")
        message = f'Revert "{pull.narrative.title}"\n\nThis reverts commit {pull.merged}.\n'
        commit = world.repo.write(head, files, message, person.identity, world.clock.now(), person.signer)
        if world.repo.move([RefMove(world.ref, head, commit)]):
            return commit
    raise Retryable(f"{world.branch} kept moving", next_step="try again")
