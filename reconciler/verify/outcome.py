"""The outcome of one applied repair: better, worse, or unknown.

In: the expectation named beforehand, Telemetry, the two windows. Out: an Outcome with every number it looked at.
"Alert gone" is no input. The steps, in this order:

0. What the target says (`told`): worse is worse. Anything else but better stands unless the metrics say worse; where none
   was named the target's word is the outcome.
1. Telemetry old, failing, or without enough samples of every check: unknown, BLIND. Never good or bad (S6, S12).
2. A checked object is missing from the target: worse. A degraded one may have been so before: it is never called better
   and left to the numbers. A health we cannot see proves nothing, and other objects' health is not this repair's.
3. A check's metric more than `worse_by` worse than before, beyond what untouched neighbours did and beyond noise: worse.
4. An untouched neighbour that became that much worse while the repaired component did not: worse, it paid for it.
5. At the guard, everything became that much worse than it was in the half minute before the apply, neighbours too, and
   each of them beyond noise: worse. They may share something that nobody drew; in doubt the machine takes its edit back.
6. Every check held: better; unless the neighbours improved as much, then it was not the repair: unknown.
7. Otherwise unknown: not worse, and not what was promised. At the guard that is all it has to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.errors import Retryable
from reconciler.model.canonical import number
from reconciler.model.outcomes import Comparison, Outcome, OutcomeState
from reconciler.model.proposals import Check, Expectation
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Health, HealthState
from reconciler.ports.telemetry import Telemetry
from reconciler.verify.expectations import Windows
from reconciler.verify.reading import Measured, counterfactual, measure, steady
from reconciler.verify.told import Seen, judge_told

BLIND_AFTER_MS = 60_000
JUST_BEFORE_MS = 30_000
OWN_PART = 0.05  # a ratio this close to the neighbours' is theirs
NOTHING_SEEN = Seen()


@dataclass(frozen=True, slots=True)
class Compared:
    """One check with its measurement, the same metric of the controls, and what those did on their own."""

    check: Check
    own: Measured
    controls: tuple[Measured, ...]
    drift: float  # the controls' median ratio, above 1 is worse

    @property
    def worsening(self) -> float:
        """Beyond what happened to everybody; neighbours that improved do not make us worse than we measured."""
        return self.own.worsening(self.check.direction) / max(self.drift, 1.0)


def verify(
    expectation: Expectation,
    telemetry: Telemetry,
    span: Windows,
    stage: str,
    commit: str,
    now_ms: int,
    seen: Seen = NOTHING_SEEN,
) -> Outcome:
    """Judges one stage ("guard" or "outcome") of one commit."""
    if not expectation.told:
        return _verify(expectation, telemetry, span, stage, commit, now_ms, seen.health)
    told = judge_told(expectation, seen)
    if told.state is OutcomeState.WORSE or not expectation.checks:  # 0.
        return _outcome(commit, stage, told.state, told.reason, (), now_ms, told.why)
    measured = _verify(expectation, telemetry, span, stage, commit, now_ms, seen.health)
    if told.state is OutcomeState.BETTER or measured.state is OutcomeState.WORSE:
        return measured
    return replace(measured, state=told.state, reason=told.reason.value, summary=f"{told.state.value}: {told.why}")


def _verify(
    expectation: Expectation, telemetry: Telemetry, span: Windows, stage: str, commit: str, now_ms: int, health: Sequence[Health]
) -> Outcome:
    compared, blind = _compare(expectation, telemetry, span, now_ms)
    if blind:  # 1.
        return _outcome(commit, stage, OutcomeState.UNKNOWN, Reason.BLIND, compared, now_ms, blind)
    if gone := _in_state(expectation, health, HealthState.MISSING):  # 2.
        return _outcome(commit, stage, OutcomeState.WORSE, Reason.UNHEALTHY, compared, now_ms, f"{gone} is missing")
    bad = _worse(compared, float(expectation.worse_by)) or _paid(compared, float(expectation.worse_by))  # 3. and 4.
    if stage == "guard" and not bad:
        bad = _everything(expectation, telemetry, span)  # 5.
    if bad:
        return _outcome(commit, stage, OutcomeState.WORSE, Reason.WORSE, compared, now_ms, bad)
    good = _good(compared, stage, commit, now_ms)
    sick = _in_state(expectation, health, HealthState.DEGRADED)
    if sick and good.state is OutcomeState.BETTER:
        return _outcome(commit, stage, OutcomeState.UNKNOWN, Reason.UNHEALTHY, compared, now_ms, f"{sick} is degraded")
    return good


def _in_state(expectation: Expectation, health: Sequence[Health], state: HealthState) -> str:
    """The first checked object in this state, "" when none is. Ids are "Kind/name"."""
    checked = {c.component for c in expectation.checks}
    return next((h.id for h in health if h.state is state and h.id.rpartition("/")[2] in checked), "")


def _good(compared: Sequence[Compared], stage: str, commit: str, now_ms: int) -> Outcome:
    missed = [c for c in compared if not held(c)]
    if missed:  # 7.
        first = missed[0].check
        why = f"not worse, but {first.metric} of {first.component} is not {first.direction} {_bound(missed[0])}"
        return _outcome(commit, stage, OutcomeState.UNKNOWN, Reason.UNKNOWN, compared, now_ms, why)
    if all(_everybodys(c) for c in compared):  # 6.
        why = "every check held, but untouched neighbours improved as much: not the repair's doing"
        return _outcome(commit, stage, OutcomeState.UNKNOWN, Reason.UNKNOWN, compared, now_ms, why)
    why = f"all {len(compared)} checks held"
    return _outcome(commit, stage, OutcomeState.BETTER, Reason.BETTER, compared, now_ms, why)


def _compare(expectation: Expectation, telemetry: Telemetry, span: Windows, now_ms: int) -> tuple[list[Compared], str]:
    """Everything measured, and why we are blind ("" when we are not)."""
    compared: list[Compared] = []
    try:
        newest = telemetry.newest_ms()
        if newest < min(span.due_ms, now_ms) - BLIND_AFTER_MS or newest < span.after[0]:
            return [], "telemetry is older than the repair's effect"
        controls = [c for c in expectation.controls if steady(telemetry, c, span.before, span.after)]
        for check in expectation.checks:
            own = measure(telemetry, check.component, check.metric, span.before, span.after)
            near = (measure(telemetry, c, check.metric, span.before, span.after) for c in controls if c != check.component)
            known = tuple(m for m in near if m.known)
            compared.append(Compared(check, own, known, counterfactual(known, check.direction)))
    except Retryable:
        return compared, "telemetry did not answer"
    lost = [c.check for c in compared if not c.own.known]
    if lost:
        return compared, f"{lost[0].metric} of {lost[0].component} was not measured often enough"
    return compared, "" if compared else "nothing was named to be measured"


def _worse(compared: Sequence[Compared], worse_by: float) -> str:
    for found in compared:
        if found.own.beyond(found.check.direction) and found.worsening > 1 + worse_by:
            share = f"{100 * (found.worsening - 1):.0f} %"
            return f"{found.check.metric} of {found.check.component} is {share} worse than before, beyond its neighbours"
    return ""


def _paid(compared: Sequence[Compared], worse_by: float) -> str:
    for found in compared:
        if found.own.worsening(found.check.direction) > 1:
            continue
        for control in found.controls:
            if control.beyond(found.check.direction) and control.worsening(found.check.direction) > 1 + worse_by:
                return f"{control.metric} of the untouched {control.component} became worse while the repaired one did not"
    return ""


def _everything(expectation: Expectation, telemetry: Telemetry, span: Windows) -> str:
    """Numbered step 5. Compared with the trouble just before the apply, not with the calm before the trouble."""
    worse_by, recent = 1 + float(expectation.worse_by), (span.before[1] - JUST_BEFORE_MS, span.before[1])

    def suffers(component: str, check: Check) -> bool:
        found = measure(telemetry, component, check.metric, recent, span.after)
        return found.beyond(check.direction) and found.worsening(check.direction) > worse_by

    for check in expectation.checks:
        near = [c for c in expectation.controls if c != check.component]
        if near and all(suffers(c, check) for c in (check.component, *near)):
            return f"{check.metric} of {check.component} and of every neighbour became worse as soon as it was applied"
    return ""


def held(found: Compared) -> bool:
    """Whether the check's own condition is met."""
    limit = _limit(found)
    after = found.own.shift.after
    return found.own.known and math.isfinite(limit) and (after <= limit if found.check.direction == "below" else after >= limit)


def _limit(found: Compared) -> float:
    check, before = found.check, found.own.shift.before
    if check.bound:
        return _number(check.bound)
    share = _number(check.improve or "0")
    return before * (1 - share) if check.direction == "below" else before * (1 + share)


def _everybodys(found: Compared) -> bool:
    """The neighbours improved as much (a ratio below 1 is better): the repair added nothing of its own."""
    own = found.own.worsening(found.check.direction)
    return bool(found.controls) and found.drift < 1 - OWN_PART and own >= found.drift - OWN_PART


def _bound(found: Compared) -> str:
    return number(_limit(found))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _outcome(
    commit: str, stage: str, state: OutcomeState, reason: Reason, compared: Sequence[Compared], now_ms: int, why: str
) -> Outcome:
    rows = tuple(row for found in compared for row in _rows(found))
    return Outcome(commit, stage, state, reason.value, rows, now_ms, f"{state.value}: {why}")


def _rows(found: Compared) -> list[Comparison]:
    own = _comparison(found.own, _bound(found), ok=held(found), control=False)
    return [own, *(_comparison(m, "", ok=True, control=True) for m in found.controls)]


def _comparison(measured: Measured, bound: str, *, ok: bool, control: bool) -> Comparison:
    before, after = number(measured.shift.before), number(measured.shift.after)
    return Comparison(measured.component, measured.metric, before, after, bound, ok, control)
