"""Revisiting: while a person has to look at an incident, the analysis is asked once more, and people hear what it says now.

In: cases whose pull request waits for a person, and cases that ended lately without a cause. Out: a `second-look` record, the
same in words on the pull request, and one page where it knows better. Never an input of anything: not the proposal, nor a judge.

1. A case is due `AFTER_MS` after its diagnosis. Of six kinds of trouble in the lab the analysis named somebody clearly in none
   a minute after the alarm, in five after two minutes, in all after three, and the same from then on.
2. It is asked about the time when it was due, whenever that is asked: the same after a restart, and not about the repair.
3. Once a case: the row remembers it, in one transaction with the record.
4. One case at a time, while the analysis has nothing else to do: first looks go first. The loop never waits.
5. A case that waits for nobody any more when the answer comes is left alone, and so is one that is diagnosed anew meanwhile.
6. No answer within `PATIENCE_MS` is on record as that, and nobody hears of it.
7. It is said to name another cause only where that is sure, clear and apart, as when a first look speaks against a repair.
8. People are paged where it does so with more confidence than the diagnosis had, and the first look did not say it already. Not
   where a target itself said what is wrong: no metric knows better.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.changes.wording import line
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.findings import Finding
from reconciler.model.judging import Effect
from reconciler.model.looks import Says, SecondLook
from reconciler.model.pulls import PullState, Since
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.ports.analyst import Answer
from reconciler.steps.diagnose import RECENT_MS, applied_since
from reconciler.steps.examining import NAMED, SURE, apart, clear, inquiry, worth_asking
from reconciler.steps.hindsight import Asked
from reconciler.steps.progress import Progress, data, progress, readable
from reconciler.steps.world import World

AFTER_MS = 240_000
EVERY_MS = 30_000  # between two looks for a case that is due
PATIENCE_MS = 60_000  # the analysis may be busy with others
FRESH_MS = 3_600_000  # since a case ended: what is older waits for nobody
ENDED = 30  # of the newest cases, those that ended are looked through


def revisit(world: World) -> bool:
    """True when something new is on record."""
    if world.cursor.applied is None:
        return False
    held = world.cursor.hindsight
    if held.asked is None:
        held.asked = _next(world)
    return held.asked is not None and _heard(world, held.asked)


def _next(world: World) -> Asked | None:
    """The next case that is due, with what to ask."""
    now, held = world.clock.now(), world.cursor.hindsight
    busy = world.analyst is None or world.analyst.working  # 4.
    if busy or now < held.due_ms:
        return None
    held.due_ms = now + EVERY_MS
    cases = {case.id: case for case in (*world.store.cases(open_only=True), *world.store.cases(limit=ENDED))}
    for case in cases.values():
        made_ms = _diagnosed_ms(case)
        if not _may_wait(case, now) or not made_ms or now < made_ms + AFTER_MS or not readable(case):  # 1.
            continue  # most are: what is in a row takes milliseconds to read
        found, at = progress(case), made_ms + AFTER_MS
        if worth_asking(found.incident) and _waits(world, case, found):
            return Asked(case.id, inquiry(world, found.incident, applied_since(world, at - RECENT_MS), at), now)  # 2.
    return None


def _diagnosed_ms(case: Case) -> int:
    """When it was, 0 where it was not or has been looked at twice. Of the plain row."""
    diagnosis = case.data.get("diagnosis")
    made_ms = diagnosis.get("made_ms") if isinstance(diagnosis, Mapping) else None
    return made_ms if isinstance(made_ms, int) and not case.data.get("second_ms") else 0  # 3.


def _may_wait(case: Case, now_ms: int) -> bool:
    """Whether its stage lets a person decide about a repair, or about what to do where no cause was found."""
    lately = case.stage is Stage.DONE and now_ms <= case.due_ms + FRESH_MS
    return case.stage is Stage.JUDGE or (lately and case.reason == Reason.NO_CAUSE.value)


def _waits(world: World, case: Case, found: Progress) -> bool:
    """Whether a person has to look now."""
    if not _may_wait(case, world.clock.now()) or found.undoing:
        return False
    if case.stage is Stage.DONE:
        return True
    pull = world.forge.get(found.pull)
    return pull is not None and pull.state is PullState.OPEN and pull.effect == Effect.REVIEW.value


def _heard(world: World, asked: Asked) -> bool:
    """Takes the answer in when it is there."""
    answer = world.analyst.ask(asked.inquiry) if world.analyst else None
    if answer is None:
        if world.clock.now() < asked.since_ms + PATIENCE_MS:
            return False
        answer = Answer(missing=f"the analysis did not answer within {PATIENCE_MS // 1_000} s")  # 6.
    case = world.store.case(asked.case)
    found = progress(case) if case is not None and readable(case) else None
    first = found.diagnosis if found else None
    unchanged = first is not None and first.made_ms + AFTER_MS == asked.inquiry.now_ms
    if case is None or found is None or first is None or not unchanged or found.second_ms or not _waits(world, case, found):  # 5.
        world.cursor.hindsight.asked = None
        return False
    look = seen_since(first, answer, asked.inquiry.now_ms)
    _tell(world, found, look)
    record = world.record(RecordKind.SECOND_LOOK, case.id, {"look": look}, subject=case.id, incident=case.id)
    kept = dataclasses.replace(case, data=data(dataclasses.replace(found, second_ms=look.made_ms)))
    if not world.store.commit(kept, (record,)):  # the case moved just now: the next turn looks whether it still waits
        return False
    world.cursor.hindsight.asked = None
    return True


def _tell(world: World, found: Progress, look: SecondLook) -> None:
    """Before it is on record: twice is better than never, and each is the same when it is done again."""
    if look.told:  # 8.
        title = f"a second look names {line(look.named, 80)}" + (f", not {line(look.chosen, 80)}" if look.chosen else "")
        path = f"/pr/{found.pull}" if found.pull else f"/incidents/{look.incident}"
        world.notifier.page(f"{look.incident}/second-look", f"{look.incident}: {title}", look.summary, world.url(path))
    if found.pull and look.says is not Says.SILENT:
        world.forge.show_since(found.pull, Since(look.summary, look.doubts))


def seen_since(first: Diagnosis, answer: Answer, made_ms: int) -> SecondLook:
    """What the answer says to the cause of the first diagnosis."""
    top, causes = first.top, [finding for finding in answer.findings if finding.kind == "cause"]
    chosen = top.component if top else ""
    says, named = _says(chosen, causes, answer), causes[0] if causes else None
    new = says in (Says.ANOTHER, Says.FOUND) and named is not None and not (top and top.told)
    known = _surely([finding for finding in first.findings if finding.kind == "cause"])
    return SecondLook(
        incident=first.incident,
        first_ms=first.made_ms,
        made_ms=made_ms,
        says=says,
        chosen=chosen,
        named=named.component if named else "",
        confidence=named.confidence if named else "0",
        doubts=new and says is Says.ANOTHER,
        told=new and named is not None and _surer(named, first) and named.component != known,
        summary=_summary(says, chosen, causes, answer, made_ms - first.made_ms),
        findings=answer.findings,
        explanation=answer.explanation,
    )


def _surer(named: Finding, first: Diagnosis) -> bool:
    return float(named.confidence) > (float(first.top.confidence) if first.top else 0.0)


def _surely(causes: Sequence[Finding]) -> str:
    """Whom they name beyond doubt, "" for nobody."""
    sure = bool(causes) and float(causes[0].confidence) >= SURE and clear(causes[0]) and apart(causes)
    return causes[0].component if sure else ""


def _says(chosen: str, causes: Sequence[Finding], answer: Answer) -> Says:
    if not causes:
        return Says.SILENT if answer.missing else Says.NOTHING
    if causes[0].component == chosen:
        return Says.AGREES
    if _surely(causes):  # 7.
        return Says.ANOTHER if chosen else Says.FOUND
    return Says.AGREES if any(cause.component == chosen for cause in causes[:NAMED]) else Says.UNSURE


def _summary(says: Says, chosen: str, causes: Sequence[Finding], answer: Answer, after_ms: int) -> str:
    when = f"{after_ms // 1_000} s after the diagnosis the analysis of all metrics"
    if not causes:
        return line(f"{when} was asked again and said nothing: {answer.missing}" if answer.missing else f"{when} names no cause")
    first, own = f"{line(causes[0].component, 80)}, confidence {causes[0].confidence}", line(chosen, 80)
    told = {
        Says.FOUND: f"names {first}; no cause was known before",
        Says.ANOTHER: f"names {first}, and not {own}, the cause by which the repair was chosen",
        Says.UNSURE: f"is not sure: it puts {first}, first" + (f", and not {own}" if own else ""),
        Says.AGREES: f"names {first}: the cause by which the repair was chosen",
    }
    second = next((cause for cause in causes if cause.component == chosen), causes[0])
    if says is Says.AGREES and second is not causes[0]:
        return f"{when} puts {first}, first, and {own} among the likeliest, confidence {second.confidence}"
    return f"{when} {told[says]}"
