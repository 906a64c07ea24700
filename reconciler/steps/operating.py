"""Operating: one-shot acts that were merged as files are done, at most once each, or it is said why not.

In: the Operations that the log has accepted and not ended. Out: events in the log, a page where a person has to know.

1. The log decides: unreadable refuses; started without an end is unknown and never repeated; ended is over.
2. The document as its commit brought it; what does not load or has expired ends here.
3. Its file is still there, unedited.
4. Its commit is admitted; an irreversible act was brought by a person, or a person approved its merge.
5. Its unit's target can do it, under the target's own idea of its danger.
6. No brake; the unit is not still being applied.
7. Dry run.
8. Claim: "started" is in the signed log, and ours, before anything happens. A brake that came before it still counts.
9. Act, and say what became of it. Whatever breaks in between is unknown.

What has begun and lasts is gone on with in later turns (`underway`), so that nothing else waits for it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from reconciler.audit.facts import OperationEvent, operation_record
from reconciler.converge.operations import OperationHistory, eligible, operation_path, stricter
from reconciler.documents.operation import OperationSpec
from reconciler.errors import HomeostatError, Permanent, Retryable
from reconciler.model.operations import ENDS, EXPIRED, FINISHED, REFUSED, STARTED, UNKNOWN, WITHDRAWN
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.model.revisions import AdmissionKind
from reconciler.ports.target import Act, Operator
from reconciler.steps.enlisting import begin, enlist, read_operation
from reconciler.steps.underway import Ended, Held, act_of, became, brake, go_on, operator_of, recall, say, tell
from reconciler.steps.world import World


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything allows it."""

    act: Act
    operator: Operator


def operate(world: World) -> bool:
    """Everything that is due."""
    applied = world.cursor.applied
    if not applied:
        return False
    if world.cursor.operations is None:
        world.cursor.operations = begin(world)
        recall(world)
    waiting = world.cursor.operations
    busy = enlist(world, waiting, applied)
    now = world.clock.now()
    for name in sorted(n for n, due in waiting.items() if now >= due):
        busy = _advance(world, waiting, name) or busy
    tell(world)
    return busy


def _advance(world: World, waiting: dict[str, int], name: str) -> bool:
    """One look at one Operation."""
    commit = world.ledger.facts().operations[name][0].value.commit
    loaded = read_operation(world, name, commit)
    spec = loaded if isinstance(loaded, str) else loaded.document.spec
    past = history(world, name)
    found = _consider(world, name, commit, spec, past)
    acts = isinstance(found, Ready)
    if isinstance(found, Ready):
        found = _act(world, commit, found)
    if isinstance(found, Held):
        if found.reason not in (Reason.BLOCKED, Reason.WAITING):
            world.meters.blocked(found.reason.value)
        waiting[name] = world.clock.now() + found.after_ms
        say(world, name, spec, found, begun=acts or past.started)
        return acts
    _end(world, name, commit, found)
    del waiting[name]
    return True


def _consider(world: World, name: str, commit: str, spec: OperationSpec | str, past: OperationHistory) -> Held | Ended | Ready:
    """Steps 1 to 7; or on with what has begun. `spec` is a sentence where the document does not load."""
    expires = 0 if isinstance(spec, str) else spec.expires_ms
    reason = eligible(expires, world.clock.now(), past)
    if reason is Reason.ERROR:  # 1
        return Held(reason, "the log cannot be read, so nobody knows whether it ran")
    if reason is Reason.DUPLICATE:
        return Ended("", reason, "")
    if reason is Reason.UNKNOWN:
        return go_on(world, name, spec)
    if isinstance(spec, str):  # 2
        return Ended(REFUSED, Reason.INVALID, spec)
    if reason is Reason.STALE:
        return Ended(EXPIRED, reason, f"it was not to be started after {expires} ms under the Clock")
    return _gone(world, name, commit) or _allowed(world, name, commit, spec)


def history(world: World, name: str) -> OperationHistory:
    """What the log itself says, not the facts folded from it: an entry whose payload was dropped is not readable."""
    try:
        world.log.publish(())  # "started" that was appended, and whose process died before it was signed, counts
        started, *ends = [world.log.by_key(f"{RecordKind.OPERATION.value}/{name}/{event}") for event in (STARTED, *ENDS)]
    except HomeostatError:
        return OperationHistory(readable=False, started=False, finished=False)
    return OperationHistory(readable=True, started=started is not None, finished=any(ends))


def _gone(world: World, name: str, commit: str) -> Ended | None:
    """Step 3."""
    path = operation_path(name)
    try:
        now = world.repo.read(world.cursor.applied or "", path)
    except Permanent as error:
        return Ended(REFUSED, Reason.INVALID, str(error))
    if now is None:
        return Ended(WITHDRAWN, Reason.CLOSED, "its file was removed before it began")
    if now != world.repo.read(commit, path):
        return Ended(REFUSED, Reason.INVALID, f"{path}:1:1: its file was edited; add a new file with a new name")
    return None


def _allowed(world: World, name: str, commit: str, spec: OperationSpec) -> Held | Ended | Ready:
    """Steps 4 to 7."""
    operator = operator_of(world, spec)
    if isinstance(operator, Ended):  # 5
        return operator
    act = act_of(world, name, spec)
    try:
        risks = operator.actions()
        if spec.action not in risks:
            return Ended(
                REFUSED, Reason.INVALID, f"the target of {spec.unit} can do {', '.join(sorted(risks))}; not {spec.action}"
            )
        refused = _unwanted(world, commit, stricter(spec.irreversibility, risks[spec.action]))  # 4
        return refused or _held(world, spec) or _rehearsed(operator, act)
    except Retryable as error:
        return Held(Reason.ERROR, str(error))
    except HomeostatError as error:
        return Ended(REFUSED, Reason.ERROR, str(error))


def _unwanted(world: World, commit: str, risk: Irreversibility) -> Ended | None:
    """Step 4."""
    admission = world.ledger.facts().admissions.get(commit)
    if admission is None:
        return Ended(REFUSED, Reason.NOT_ADMITTED, f"there is no admission of {commit[:12]} on record")
    if risk is not Irreversibility.IRREVERSIBLE or admission.value.kind is not AdmissionKind.VERDICT:
        return None
    verdict = world.recorded_verdict(commit)
    if verdict is not None and verdict.verdict.approvers:
        return None
    return Ended(
        REFUSED, Reason.IRREVERSIBLE, "it is irreversible and no person approved it; a person may add a file with a new name"
    )


def _held(world: World, spec: OperationSpec) -> Held | None:
    """Step 6."""
    if on := brake(world, spec.unit, spec.component):
        return Held(Reason.BRAKED, f"{on} is on")
    if spec.unit in world.cursor.pending:
        return Held(Reason.BLOCKED, f"unit {spec.unit} is still being applied", after_ms=0)
    return None


def _rehearsed(operator: Operator, act: Act) -> Ended | Ready:
    """Step 7."""
    told = operator.operate(act, dry_run=True)
    if not told.ok:
        return Ended(REFUSED, Reason.INVALID, f"the target refuses it: {told.detail}")
    if told.reason in (Reason.DUPLICATE.value, Reason.WAITING.value):
        return Ended(UNKNOWN, Reason.DUPLICATE, f"the target says it was done, and the log does not know of it: {told.detail}")
    return Ready(act, operator)


def _act(world: World, commit: str, ready: Ready) -> Held | Ended:
    """Steps 8 and 9."""
    act = ready.act
    world.publish()
    if not _claim(world, act.id, commit):
        return Ended("", Reason.DUPLICATE, "")
    if on := brake(world, act.unit, act.component):
        return Ended(REFUSED, Reason.BRAKED, f"{on} was put on in the last moment; nothing was done")
    try:
        return became(ready.operator.operate(act, dry_run=False))
    except HomeostatError as error:
        return Ended(UNKNOWN, Reason.UNKNOWN, f"nobody knows whether it was done; it is not done again: {error}")


def _claim(world: World, name: str, commit: str) -> bool:
    """Whether "started" is ours: of two workers that write it, one finds the other's words."""
    event = OperationEvent(name, STARTED, commit, f"attempt {secrets.token_hex(8)}")
    (logged,) = world.log.publish([operation_record(event, world.clock.stamp(), _incident(world, commit))])
    return logged.record.payload.get("detail") == event.detail


def _end(world: World, name: str, commit: str, ended: Ended) -> None:
    """On record; and to a person, where what they asked for was not done. The page is sent first."""
    if not ended.event:
        return
    if ended.event not in (FINISHED, WITHDRAWN):
        world.meters.blocked(ended.reason.value)
        title = f"Operation {name}: {ended.event} ({ended.reason.value})"
        world.notifier.page(f"operation/{name}/{ended.event}", title, ended.detail, world.url("/"))
    event = OperationEvent(name, ended.event, commit, ended.detail)
    world.keep(operation_record(event, world.clock.stamp(), _incident(world, commit)))
    world.publish()


def _incident(world: World, commit: str) -> str:
    merge = world.ledger.facts().merges.get(commit)
    return merge.incident if merge else ""
