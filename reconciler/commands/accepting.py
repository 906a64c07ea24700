"""Accepting a rewritten branch: a trusted person says by a record that the new history is meant.

Trust is read at the revision that is applied, never at the new head: whoever could rewrite the branch could have written
themselves into its Trust document. The yes is to this head over this applied revision: should the branch come back to the same
head after yet another rewrite, it has to be given again.
"""

from __future__ import annotations

from reconciler.commands.people import Person
from reconciler.converge.admit import holds
from reconciler.documents.trust import Role
from reconciler.errors import Permanent
from reconciler.model.keys import PublicKey
from reconciler.model.records import RecordKind
from reconciler.steps.world import World


def accept(world: World, person: Person, commit: str) -> str:
    """The head that may be followed from now on; it is exactly the branch's present tip."""
    head = world.head()
    if not head or len(commit) < 7 or not head.startswith(commit.lower()):
        raise Permanent(
            f"{world.branch} is at {head[:12] or 'no commit'}, not at {commit}", next_step="look at what it holds now"
        )
    applied = world.cursor.applied or world.root
    world.publish()  # what was seen last is read from the log
    if holds(world.repo, applied, head) and holds(world.repo, world.seen() or applied, head):
        raise Permanent(f"{head[:12]} follows what was seen last: there is nothing to accept", next_step="homeostat reconcile")
    people = world.rules.standing(applied).people
    owner = people.of_key(PublicKey(person.signer.public).line, world.log.size) if person.signer else None
    if owner is None or owner.name != person.name or not people.may(person.name, Role.OPERATE, ()):
        raise Permanent(
            f"at {applied[:12]}, which is applied, {person.name} has no key with the role operate",
            next_step="let somebody accept who had it before the branch was rewritten",
        )
    payload = {"accepted": head, "applied": applied, "branch": world.branch, "by": person.name}
    world.keep(world.record(RecordKind.CONFIGURED, f"accepted/{head}/{applied}/{world.log.size}", payload, subject=head))
    world.publish()
    return head
