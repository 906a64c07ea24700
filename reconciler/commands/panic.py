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
from reconciler.steps.world import World

ATTEMPTS = 20
BRAKE_MS = 3_600_000  # an hour: people are awake now, and say themselves how long it stays
BY, UNDOES = "Homeostat-Panic", "Homeostat-Undoes"
LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Panicked:
    panic: Panic
    brake: Brake
    untouched: str = ""  # why converge does not follow the branch: then no target changes


def plan(world: World, since_ms: int) -> PanicPlan:
    """Steps 2 and 3; writes nothing."""
    return planned(world.repo, world.ledger, world.head(), since_ms, world.clock.now())


def panic(world: World, person: Person, since_ms: int) -> Panicked:
    """All five steps; running it again undoes nothing twice."""
    require(world, person, Role.OPERATE)  # 1
    world.publish()
    _finish_interrupted(world)
    untouched = _untouched(world)
    commit, wanted = "", plan(world, since_ms)
    for _ in range(ATTEMPTS):
        if not wanted.files:
            break
        commit = _land(world, person, wanted)
        if commit:
            break
        wanted = plan(world, since_ms)
    else:
        _brake(world, person)  # whatever keeps merging stops now
        raise Retryable(f"{world.branch} kept moving under the panic; the brake is on", next_step="run it again")
    done = Panic(person.name, since_ms, commit, wanted.reverted if commit else (), wanted.skipped)
    merged = _merge_records(world, commit, person.name)
    brake = _brake(world, person, *merged, panic_record(done, world.clock.stamp()))  # 5
    return Panicked(done, brake, untouched)


def _untouched(world: World) -> str:
    """What the log says against following the branch's tip, as whoever looks from outside the loop can know it."""
    head = world.head()
    alarms = list(world.log.records(kinds=(RecordKind.ALARM,), subject=head))
    accepted = world.log.by_key(f"{RecordKind.CONFIGURED.value}/accepted/{head}")
    if not alarms or head in world.ledger.facts().applied or (accepted and accepted.index > alarms[-1].index):
        return ""
    return str(alarms[-1].record.payload.get("why", "homeostat why tells"))


def _brake(world: World, person: Person, *before: Record) -> Brake:
    """On record, together with and behind what happened before."""
    now = world.clock.now()
    brake = Brake(f"brake-{digest([person.name, 'panic', now])[7:15]}", person.name, "panic", now + BRAKE_MS)
    world.keep(*before, brake_record(brake, world.clock.stamp()))
    world.publish()
    return brake


def _land(world: World, person: Person, wanted: PanicPlan) -> str:
    """Step 4; "" when the branch moved meanwhile."""
    now = world.clock.now()
    undoes = "".join(f"{UNDOES}: {commit}\n" for commit in wanted.reverted)
    message = f"Panic: undo {counted(len(wanted.reverted), 'machine-made commit')}\n\n{BY}: {person.name}\n{undoes}"
    commit = world.repo.write(wanted.base, wanted.files, message, MACHINE, now, world.author)
    units = world.rules.standing(wanted.base).units
    trees = affected_trees(world.repo, commit, wanted.files, units)
    subject = Subject(
        world.repository, world.branch, wanted.base, commit, digest(sorted(wanted.reverted)), trees, _policy(world, wanted.base)
    )
    row = Requirement(
        "panic", Status.SATISFIED, Reason.OK.value, "a person with the role operate asks to undo machine-made commits",
        (("person", person.name), ("commits", str(len(wanted.reverted)))), person=True,
    )  # fmt: skip
    decision = Decision(Judge.POLICY, Effect.MERGE, Reason.ALLOWED.value, (row,), "panic")
    verdict = compose(subject, (decision, not_applicable("panic")), now, (person.name,))
    world.keep(verdict_record(verdict, world.clock.stamp()))
    world.publish()
    return commit if world.repo.move([RefMove(world.ref, wanted.base, commit)]) else ""


def _merge_records(world: World, commit: str, by: str) -> tuple[Record, ...]:
    """The merge of the panic's commit. It carries no proposal, so no case waits for its outcome."""
    info = world.repo.commit(commit) if commit else None
    verdict = world.recorded_verdict(commit) if commit else None
    if info is None or verdict is None:
        return ()
    merge = Merge(world.repository, world.branch, commit, info.parents[0], verdict.record, by, machine=True, playbook="panic")
    return (merge_record(merge, world.clock.stamp()),)


def _policy(world: World, base: str) -> str:
    try:
        return world.rules.at(base).policy.digest
    except Misconfigured:
        return ""  # broken rules must not stand between people and the way back


def _finish_interrupted(world: World) -> None:
    """A panic commit on the branch without its record gets it now. Only a signed verdict makes it one: marks in a message
    would let anybody who can write the branch exempt commits from being undone.
    """
    known = {fact.value.commit for fact in world.ledger.facts().panics}
    for info in world.repo.history(world.head(), limit=LOOK_BACK):
        by = info.trailer(BY)
        if by and info.id not in known and _let_panic(world, info.id):
            lines = [line.removeprefix(f"{UNDOES}: ") for line in info.message.splitlines() if line.startswith(f"{UNDOES}: ")]
            done = Panic(by, 0, info.id, tuple(lines))
            world.keep(*_merge_records(world, info.id, by), panic_record(done, world.clock.stamp()))
    world.publish()


def _let_panic(world: World, commit: str) -> bool:
    found = world.recorded_verdict(commit)
    return found is not None and any(row.name == "panic" for row in found.verdict.requirements)
