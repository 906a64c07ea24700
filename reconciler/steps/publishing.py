"""Publishing and recovering: the outbox into the signed log, and, once after a start, the log back into cases.

The store is no authority. After it was lost, every machine merge that the log knows without an outcome becomes a case
again, at the step where its effect is judged; nothing is merged or applied a second time. So does one that was found worse and is
not undone, when its case did not come to its end.
"""

from __future__ import annotations

from reconciler.audit.facts import Merge, merge_record, outcome_record
from reconciler.audit.view import Fact
from reconciler.model import canonical
from reconciler.model.cases import Case, Stage
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import PullState
from reconciler.model.reasons import Reason
from reconciler.model.records import Record, RecordKind
from reconciler.model.signals import Incident, Severity
from reconciler.policy.facts import MACHINE
from reconciler.steps.land import merge_of
from reconciler.steps.progress import Progress, data
from reconciler.steps.world import World


def publish(world: World) -> bool:
    """The outbox into the log."""
    if not world.store.outbox(1):
        return False
    world.publish()
    return True


def recover(world: World) -> bool:
    """Once per process, and after a case was set aside: merges without an outcome and without a case become cases."""
    if world.cursor.recovered:
        return False
    world.publish()  # what the last process could not
    known = {case.data.get("head") for case in world.store.cases(open_only=True)}
    known |= {case.data.get("undoing") for case in world.store.cases(open_only=True)}
    _record_landings(world, known)
    ledger = world.ledger.facts()
    unended = [*ledger.without_outcome(), *(f for f in ledger.left_worse() if not _closed(world, f))]
    orphans = [f for f in unended if f.value.commit not in known and f.value.proposal]
    for fact in orphans:
        if not world.store.open_case(_case(world, fact), (), ()):  # its case was set aside before it could tell
            world.keep(_untold(world, fact))
    world.cursor.recovered = True
    return bool(orphans)


def _record_landings(world: World, known: set[object]) -> None:
    """Landings whose record was lost with the store's outbox: the branch and the signed verdict still say all of it."""
    merges = world.ledger.facts().merges
    for pull in world.forge.list(PullState.MERGED.value):
        verdict = world.recorded_verdict(pull.head)
        if pull.author != MACHINE or pull.head in merges or pull.head in known or verdict is None:
            continue
        for judged in world.log.records(kinds=(RecordKind.BALLOTS,), subject=pull.head):
            if judged.record.payload.get("verdict") == verdict.record:
                proposal = canonical.decode(Proposal, canonical.plain(judged.record.payload["proposal"]))
                by = ", ".join(verdict.verdict.approvers) or MACHINE
                merge = merge_of(world, pull, proposal, verdict.record, by)
                world.keep(merge_record(merge, world.clock.stamp(), judged.record.incident))
    world.publish()


def _closed(world: World, fact: Fact[Merge]) -> bool:
    """Whether the case of a merge came to its end: somebody was told then, and it is not begun again."""
    names = (fact.incident, _name(fact.value.commit))
    return any(world.log.by_key(f"{RecordKind.CLOSED.value}/{name}") is not None for name in names)


def _name(commit: str) -> str:
    return f"case-{commit[:12]}"


def _untold(world: World, fact: Fact[Merge]) -> Record:
    why = "its case could not be read any more"
    outcome = Outcome(fact.value.commit, "outcome", OutcomeState.UNKNOWN, Reason.ERROR.value, (), world.clock.now(), why)
    return outcome_record(outcome, world.clock.stamp(), fact.incident)


def _case(world: World, fact: Fact[Merge]) -> Case:
    merge = fact.value
    proposal = canonical.decode(Proposal, dict(merge.proposal))
    incident = Incident(
        fact.incident or _name(merge.commit), merge.fingerprint, merge.repository, "", fact.clock_ms,
        Severity.WARNING, proposal.blast.components, (), 0,
    )  # fmt: skip
    found = Progress(
        incident, proposal=proposal, head=merge.commit, pull=merge.number, merged_ms=fact.clock_ms, undoing=merge.reverts
    )
    return Case(
        _name(merge.commit),
        merge.repository,
        "",
        merge.fingerprint,
        Stage.APPLY,
        world.clock.now(),
        fact.clock_ms,
        data(found),
    )
