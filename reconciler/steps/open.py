"""Open: one pull request for one trouble and playbook. Opening twice, or after losing the store, finds the open one."""

from __future__ import annotations

import dataclasses

from reconciler.changes.building import affected_trees, branch_name
from reconciler.changes.narrative import describe
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.reasons import Reason
from reconciler.policy.facts import MACHINE
from reconciler.ports.forge import Draft
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.world import Advance, World


def open_pull_request(world: World, case: Case) -> Advance:
    """OPEN: to JUDGE with a pull request, or back to PROPOSE when the commit is gone or the base moved."""
    found = progress(case)
    now = world.clock.now()
    proposal = found.proposal
    commit = world.repo.commit(found.head)
    if proposal is None or commit is None:
        again = dataclasses.replace(found, proposal=None, head="")
        return Advance(step(case, Stage.UNDO if found.undoing else Stage.PROPOSE, again, now, Reason.BASE_MOVED, "made again"))
    base = commit.parents[0]
    paths = [file.path for file in proposal.files]
    draft = Draft(
        repository=world.repository,
        branch=world.branch,
        source=branch_name(proposal),
        base=base,
        head=found.head,
        patch=proposal.patch,
        trees=affected_trees(world.repo, found.head, paths, world.rules.at(base).units),
        author=MACHINE,
        narrative=describe(found.incident, found.diagnosis or _undiagnosed(found, now), proposal),
    )
    pull = world.forge.open(draft, now)
    if pull.patch != proposal.patch:
        world.forge.close(pull.number, "superseded by another edit for the same trouble")
        pull = world.forge.open(draft, now)
    found = dataclasses.replace(found, pull=pull.number, head=pull.head)
    return Advance(step(case, Stage.JUDGE, found, now, Reason.OK, f"pull request {pull.number}: {pull.narrative.title}"))


def _undiagnosed(found: Progress, now: int) -> Diagnosis:
    """A case rebuilt from the log has no diagnosis any more; the record has it."""
    return Diagnosis(found.incident.id, now, "", (), (now, now), (now, now), "see the record of the incident")
