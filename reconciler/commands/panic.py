"""Panic: every machine-made commit of a window undone in one signed commit, and the brake on.

1. Who asks may operate. A panic that died between its commit and its record is finished first.
2. and 3. `panic_plan`: what is undone, and what is left alone.
4. One commit, signed by the machine, with a verdict on record that names the person. It lands by compare-and-swap.
5. The panic and the brake are on record. The panic's own commit precedes its brake.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.audit.facts import Brake, Merge, Panic, brake_record, merge_record, panic_record, verdict_record
from reconciler.changes.building import affected_trees
from reconciler.changes.verdict import verdict as compose
from reconciler.changes.wording import counted
from reconciler.commands.panic_plan import PanicPlan, planned
from reconciler.commands.people import Person, require
from reconciler.consensus.decision import not_applicable
from reconciler.documents.trust import Role
from reconciler.errors import Misconfigured, Retryable
from reconciler.model.canonical import digest
from reconciler.model.judging import Decision, Effect, Judge, Requirement, Status, Subject
from reconciler.model.reasons import Reason
from reconciler.model.records import Record, RecordKind
from reconciler.ports.repo import MACHINE, RefMove
from reconciler.steps.office import Office

ATTEMPTS = 20
BRAKE_MS = 3_600_000  # an hour: people are awake now, and say themselves how long it stays
BY, UNDOES = "Homeostat-Panic", "Homeostat-Undoes"
LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Panicked:
    panic: Panic
    brake: Brake
    untouched: str = ""  # why converge does not follow the branch: then no target changes


def plan(office: Office, since_ms: int) -> PanicPlan:
    """Steps 2 and 3; writes nothing."""
    return planned(office.repo, office.ledger, office.head(), since_ms, office.clock.now())


def panic(office: Office, person: Person, since_ms: int) -> Panicked:
    """All five steps; running it again undoes nothing twice."""
    require(office, person, Role.OPERATE)  # 1
    office.publish()
    _finish_interrupted(office)
    untouched = _untouched(office)
    commit, wanted = "", plan(office, since_ms)
    for _ in range(ATTEMPTS):
        if not wanted.files:
            break
        commit = _land(office, person, wanted)
        if commit:
            break
        wanted = plan(office, since_ms)
    else:
        _brake(office, person)  # whatever keeps merging stops now
        raise Retryable(f"{office.branch} kept moving under the panic; the brake is on", next_step="run it again")
    done = Panic(person.name, since_ms, commit, wanted.reverted if commit else (), wanted.skipped)
    merged = _merge_records(office, commit, person.name)
    brake = _brake(office, person, *merged, panic_record(done, office.clock.stamp()))  # 5
    return Panicked(done, brake, untouched)


def _untouched(office: Office) -> str:
    """What the log says against following the branch's tip, as whoever looks from outside the loop can know it."""
    head = office.head()
    alarms = list(office.log.records(kinds=(RecordKind.ALARM,), subject=head))
    accepted = office.log.by_key(f"{RecordKind.CONFIGURED.value}/accepted/{head}")
    if not alarms or head in office.ledger.facts().applied or (accepted and accepted.index > alarms[-1].index):
        return ""
    return str(alarms[-1].record.payload.get("why", "homeostat why tells"))


def _brake(office: Office, person: Person, *before: Record) -> Brake:
    """On record, together with and behind what happened before."""
    now = office.clock.now()
    brake = Brake(f"brake-{digest([person.name, 'panic', now])[7:15]}", person.name, "panic", now + BRAKE_MS)
    office.keep(*before, brake_record(brake, office.clock.stamp()))
    office.publish()
    return brake


def _land(office: Office, person: Person, wanted: PanicPlan) -> str:
    """Step 4; "" when the branch moved meanwhile."""
    now = office.clock.now()
    undoes = "".join(f"{UNDOES}: {commit}\n" for commit in wanted.reverted)
    message = f"Panic: undo {counted(len(wanted.reverted), 'machine-made commit')}\n\n{BY}: {person.name}\n{undoes}"
    commit = office.repo.write(wanted.base, wanted.files, message, MACHINE, now, office.author)
    units = office.rules.standing(wanted.base).units
    trees = affected_trees(office.repo, commit, wanted.files, units)
    subject = Subject(
        office.repository,
        office.branch,
        wanted.base,
        commit,
        digest(sorted(wanted.reverted)),
        trees,
        _policy(office, wanted.base),
    )
    row = Requirement(
        "panic", Status.SATISFIED, Reason.OK.value, "a person with the role operate asks to undo machine-made commits",
        (("person", person.name), ("commits", str(len(wanted.reverted)))), person=True,
    )  # fmt: skip
    decision = Decision(Judge.POLICY, Effect.MERGE, Reason.ALLOWED.value, (row,), "panic")
    verdict = compose(subject, (decision, not_applicable("panic")), now, (person.name,))
    office.keep(verdict_record(verdict, office.clock.stamp()))
    office.publish()
    return commit if office.repo.move([RefMove(office.ref, wanted.base, commit)]) else ""


def _merge_records(office: Office, commit: str, by: str) -> tuple[Record, ...]:
    """The merge of the panic's commit. It carries no proposal, so no case waits for its outcome."""
    info = office.repo.commit(commit) if commit else None
    verdict = office.recorded_verdict(commit) if commit else None
    if info is None or verdict is None:
        return ()
    merge = Merge(office.repository, office.branch, commit, info.parents[0], verdict.record, by, machine=True, playbook="panic")
    return (merge_record(merge, office.clock.stamp()),)


def _policy(office: Office, base: str) -> str:
    try:
        return office.rules.at(base).policy.digest
    except Misconfigured:
        return ""  # broken rules must not stand between people and the way back


def _finish_interrupted(office: Office) -> None:
    """A panic commit on the branch without its record gets it now. Only a signed verdict makes it one: marks in a message
    would let anybody who can write the branch exempt commits from being undone.
    """
    known = {fact.value.commit for fact in office.ledger.facts().panics}
    for info in office.repo.history(office.head(), limit=LOOK_BACK):
        by = info.trailer(BY)
        if by and info.id not in known and _let_panic(office, info.id):
            lines = [line.removeprefix(f"{UNDOES}: ") for line in info.message.splitlines() if line.startswith(f"{UNDOES}: ")]
            done = Panic(by, 0, info.id, tuple(lines))
            office.keep(*_merge_records(office, info.id, by), panic_record(done, office.clock.stamp()))
    office.publish()


def _let_panic(office: Office, commit: str) -> bool:
    found = office.recorded_verdict(commit)
    return found is not None and any(row.name == "panic" for row in found.verdict.requirements)
