"""Converging: what the protected branch holds is admitted, planned and applied; what drifted is put back.

1. Follow: only fast-forward, every commit admitted, against the Trust state before it. What stops is told once, and is seen:
   a tip that was refused may not be taken back by rewriting the branch either.
2. Load: a revision whose documents do not load is not followed; the last good one stays. Targets and sources that it names
   anew are connected.
3. Learn: a person's revert of a machine commit places a hold, so that the machine does not do it again. Kept before the
   round notes the revision: otherwise a crash in between would lose it.
4. Round: units that a commit touched, that drifted or still wait. Every result is a record.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.audit.facts import Hold, admission_record, apply_record, hold_record
from reconciler.audit.view import Tip
from reconciler.converge.admit import Admitted, BranchState, admit
from reconciler.converge.commits import Bench, claims_machine
from reconciler.converge.rounds import Round
from reconciler.converge.values import ConvergeResult
from reconciler.errors import Misconfigured
from reconciler.model import canonical
from reconciler.model.proposals import Proposal
from reconciler.model.reasons import Reason
from reconciler.model.records import Record, RecordKind
from reconciler.model.revisions import AdmissionKind, ChangeSet, CommitInfo
from reconciler.ports.target import News
from reconciler.proposals import memory
from reconciler.steps.fighting import note_fights
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.telling import note_news
from reconciler.steps.world import World

HOLD_MS = 86_400_000  # a day: long enough for a person to say what should be
DRIFT_EVERY_MS = 5_000
DRIFT_ALL_MS = 60_000  # also of targets that tell of changes: in case one was lost
RETRY_MS = 5_000  # between two looks at units that wait or failed
CURSOR = "converged"


def converge(world: World) -> bool:
    """Everything new on the protected branch, and what still waits."""
    if world.cursor.applied is None:
        return False
    head, applied = world.head(), world.cursor.applied
    now = world.clock.now()
    waiting = bool(world.cursor.pending) and now >= world.cursor.retry_ms
    if head == applied == world.cursor.tip.commit:
        world.cursor.refused = ("", "")  # a branch that is back where it was is followed again
        if not waiting:
            return False
    if (newest := world.ledger.facts().acceptance.index) != world.cursor.acceptance:
        world.cursor.acceptance, world.cursor.refused = newest, ("", "")  # what was refused before it is looked at again
    if not waiting and world.not_followed():
        return False
    admitted = _follow(world, head, applied)  # 1
    if admitted is None or (admitted.good == applied and not waiting):
        return False
    try:
        rules = world.rules.at(admitted.good)  # 2
        world.connect(rules)
    except Misconfigured as error:
        _refuse(world, head, f"{admitted.good[:12]} does not load, {applied[:12] or 'nothing'} stays: {error}", seen=head)
        return False
    if applied:
        world.keep(*_taught(world, applied, admitted.good))  # 3
    _round(world, rules, admitted, applied)  # 4
    return True


def remember(world: World) -> bool:
    """After a start: the last revision that a round was over, from the note, else from the log.

    Before anything else: sensors and grouping follow the applied revision's documents, not those that came first.
    """
    if world.cursor.applied is not None:
        return False
    noted = world.store.noted(CURSOR)
    known = world.ledger.facts().applied
    newest = max(known, key=lambda revision: known[revision], default="")
    found = noted if noted and world.repo.commit(noted) else newest
    world.cursor.applied = found if found and world.repo.is_ancestor(world.root, found) else ""
    world.cursor.pending = frozenset(world.rules.at(found).index.by_name) if world.cursor.applied else frozenset()
    return True


def _follow(world: World, head: str, applied: str) -> Admitted | None:
    acceptance = world.ledger.facts().acceptance
    accepted = acceptance.head if acceptance.applied == (applied or world.root) else ""
    state = BranchState(head or None, applied, world.root, world.seen(), accepted)
    bench = Bench(world.repository, world.branch, world.log.size, world.verifier, world.recorded_verdict)
    admitted = admit(world.repo, state, world.trust_at, bench)
    if admitted.alarm:
        _refuse(world, head, f"{admitted.alarm.message}; {admitted.alarm.next_step}")
        return None
    _see(world, head)
    world.keep(*(admission_record(world.repository, a, world.clock.stamp()) for a in admitted.admissions))
    if admitted.refusal:
        world.meters.blocked(admitted.refusal.reason.value)
        _refuse(world, head, f"{admitted.refusal.detail}; {admitted.refusal.next_step}", seen=head)
    else:
        world.cursor.refused = ("", "")
    return admitted


def _see(world: World, head: str) -> None:
    """The branch goes on from here. An admission or a refusal says so on record, unless it is there since an earlier time."""
    size, before = world.log.size, world.seen()
    if before not in ("", head) and head in world.ledger.facts().admissions:
        world.keep(
            world.record(RecordKind.CONFIGURED, f"seen/{head}/{size}", {"seen": head, "branch": world.branch}, subject=head)
        )
    world.cursor.tip = Tip(size, head)


def _refuse(world: World, head: str, why: str, *, seen: str = "") -> None:
    """Told once for each head, and again after somebody accepted another: on record, to a person, and in status."""
    if world.cursor.refused == (head, why):
        return
    world.cursor.refused = (head, why)
    told = canonical.digest([why, world.cursor.acceptance])[7:23]
    payload = {"branch": world.branch, "why": why, "seen": seen}
    world.keep(world.record(RecordKind.ALARM, f"branch/{head}/{told}", payload, subject=head))
    world.notifier.page(f"branch/{head}/{told}", f"{world.branch} is not followed", why, world.url("/"))


def _round(world: World, rules: Rulebook, admitted: Admitted, applied: str) -> None:
    generation = _generation(world, admitted.good, applied)
    now = world.clock.now()
    ask = Round(
        index=rules.index,
        revision=admitted.good,
        applied=applied,
        generation=generation,
        now_ms=now,
        pending=world.cursor.pending,
        braked=world.ledger.facts().braked(now) is not None,
        suspended=suspensions(world),
    )
    result = world.converger.converge(ask)
    world.keep(*_applies(world, result))
    _tell(world, result)
    note_news(world, (outcome.unit for outcome in result.outcomes))
    world.cursor.applied, world.cursor.generation, world.cursor.pending = admitted.good, generation, result.pending
    world.cursor.elsewhere = _elsewhere(world.cursor.elsewhere, result)
    world.cursor.retry_ms = now + RETRY_MS
    world.store.note(CURSOR, admitted.good)


def _elsewhere(before: frozenset[str], result: ConvergeResult) -> frozenset[str]:
    """The units that another process converges, as this round found them."""
    looked_at = {outcome.unit for outcome in result.outcomes}
    return before - looked_at | {o.unit for o in result.outcomes if o.reason is Reason.ELSEWHERE}


def _tell(world: World, result: ConvergeResult) -> None:
    """What a round could not reach, and units that homeostat.yaml no longer sends to a target which still holds them."""
    for fault in result.faults:
        world.meters.fault("target", fault)
    for unit in result.orphans:
        title = f"unit {unit} is still on a target that homeostat.yaml no longer sends it to"
        told = (
            f"Its objects stay as they are. `homeostat orphan {unit}` gives them up; to delete them, list the unit again first."
        )
        world.notifier.page(f"orphan/{unit}/{result.revision}", title, told, world.url("/"))


def suspensions(world: World) -> Callable[[str], str]:
    """Who suspended a unit and why, as the log says at the moment of asking."""
    return lambda unit: world.ledger.facts().suspended(world.clock.now(), unit)


def _generation(world: World, revision: str, applied: str) -> int:
    """The height of the revision: the same for every worker, and larger for every later one, on an accepted way back, too."""
    before = applied or world.root
    return _now_generation(world) + (max(1, len(world.repo.between(before, revision))) if revision != before else 0)


def _applies(world: World, result: ConvergeResult) -> list[Record]:
    """One record for each unit that was looked at; one that was refused before it was tried has no steps."""
    made = []
    for outcome in result.outcomes:
        if outcome.reason in (Reason.SUSPENDED, Reason.ELSEWHERE):
            continue  # what suspends it is on record; who converges it elsewhere puts it there
        refused = ChangeSet(outcome.unit, outcome.target, result.revision, result.generation, (), outcome.reason.value)
        made.append(apply_record(outcome.changes or refused, world.clock.stamp()))
        if not outcome.ok and outcome.reason is not Reason.WAITING:
            world.meters.blocked(outcome.reason.value)
            key = f"unit/{outcome.unit}/{result.revision}/{outcome.reason.value}"
            world.notifier.page(
                key, f"unit {outcome.unit} was not applied ({outcome.reason.value})", outcome.detail, world.url("/")
            )
    return made


def correct_drift(world: World) -> bool:
    """Live objects that differ from what was applied: put back, proposed or told, as each unit says."""
    now = world.clock.now()
    if not world.cursor.applied:
        return False
    rules = world.applied_rulebook()
    names = _to_look_at(world, rules, now)
    if not names:
        return False
    report = world.converger.drift(rules.index, world.cursor.applied, names, now)
    note_fights(world.store, report.signals, now)
    suspended = suspensions(world)
    correct = frozenset(unit for unit in report.correct if not suspended(unit))
    told = [s for s in report.signals if s.name != "Drift" or dict(s.labels)["unit"] not in correct]
    if told:
        world.store.accept(told)
    if not correct or world.ledger.facts().braked(now):
        return bool(told)
    ask = Round(
        rules.index, world.cursor.applied, world.cursor.applied, _now_generation(world), now, drifted=correct,
        suspended=suspended,
    )  # fmt: skip
    world.keep(*_applies(world, world.converger.converge(ask)))
    return True


def _to_look_at(world: World, rules: Rulebook, now: int) -> tuple[str, ...]:
    """Units that a target tells of, at once; of targets that tell nothing all units, every few seconds. Every minute all."""
    heard = {name: target.changed() for name, target in world.targets.items() if isinstance(target, News)}
    found = {unit for units in heard.values() for unit in units}
    note_news(world, found)
    if found & world.cursor.pending:
        world.cursor.retry_ms = now  # what they wait for may be there now
    if now >= world.cursor.drift_ms + DRIFT_EVERY_MS:
        world.cursor.drift_ms = now
        if whole := now >= world.cursor.all_drift_ms + DRIFT_ALL_MS:
            world.cursor.all_drift_ms = now
        found |= {name for name, unit in rules.index.by_name.items() if whole or unit.target not in heard}
    return tuple(sorted(found))


def _now_generation(world: World) -> int:
    if not world.cursor.generation:
        height = len(world.repo.between(world.root, world.cursor.applied or world.root)) + 1
        known = (fact.value.generation for fact in world.ledger.facts().applies.values())  # higher before an accepted rewrite
        world.cursor.generation = max(height, *known, 0)
    return world.cursor.generation


def _taught(world: World, old: str, new: str) -> list[Record]:
    """Holds for every machine commit that people undid between two revisions."""
    merges = world.ledger.facts().merges
    records = []
    for commit in world.repo.between(old, new):
        if claims_machine(commit):
            continue
        for undone in _undone_by(world, commit):
            merge = merges[undone].value
            proposal = canonical.decode(Proposal, dict(merge.proposal)) if merge.proposal else None
            patches = memory(proposal) if proposal else (merge.patch,)
            for path in sorted(world.repo.touched(commit.id)):
                hold = Hold(
                    path,
                    commit.author_email,
                    f"{undone[:12]} was reverted by a person",
                    world.clock.now() + HOLD_MS,
                    patches,
                    commit.id,
                )
                records.append(hold_record(hold, world.clock.stamp()))
    return records


def _undone_by(world: World, commit: CommitInfo) -> list[str]:
    """Machine merges that this commit reverts: by what it says, and by what it does to the bytes."""
    merges = {c: f for c, f in world.ledger.facts().merges.items() if f.value.machine}
    touched = dict(world.repo.touched(commit.id))
    named = (c for c in merges if f"This reverts commit {c}" in commit.message)
    said = {c for c in named if touched.keys() & world.repo.touched(c).keys()}  # words alone exempt nothing from panic
    for candidate in list(merges)[-50:]:
        inverse = {path: (after, before) for path, (before, after) in world.repo.touched(candidate).items()}
        if inverse == touched:
            said.add(candidate)
    return sorted(said)


__all__ = ["AdmissionKind", "converge", "correct_drift"]
