"""One diagnosis: look, find the roots, weigh the causes, and say "unknown" unless one of them stands out.

1. Blind (telemetry old, failing, too short): unknown. A telemetry error is never evidence of anything.
2. Nothing moved on the named components, or what moved is going away by itself, no memory grows, no load has gone: unknown.
3. Roots by the call graph; candidate causes at each root (`causes.candidates`). Nothing at all, but requests fell:
   the load may have gone (`falls.fall`), or why that is not said.
4. Below the least confidence, or two different causes too close together: unknown first, the candidates behind it.
5. What a target itself says (`workloads`) needs none of this. Beside metrics it is ranked with what they show, and no two
   causes are too close when the target names one of them.
6. How sure: the first cause that metrics show says how often such a sum was right (`calibration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.diagnosis import causes, evidence
from reconciler.diagnosis.calibration import calibrated
from reconciler.diagnosis.commits import Applied, Touch, touches
from reconciler.diagnosis.falls import fall
from reconciler.diagnosis.roots import Root, roots
from reconciler.diagnosis.sight import REFERENCE_MS, Blind, Sight, fired_ms, look
from reconciler.model.canonical import number
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from reconciler.model.signals import Incident
from reconciler.ports.repo import Repo
from reconciler.ports.telemetry import Telemetry

LEAST_SURE = 0.4
TIE = 0.04
MAX_CAUSES = 5
PASSING = "what alarmed is going away by itself"
NOTHING_MOVED = "no symptom moved and no memory grows"


def diagnose(
    incident: Incident,
    telemetry: Telemetry,
    repo: Repo,
    revision: str,
    applied: Sequence[Applied],
    now_ms: int,
    told: Sequence[Cause] = (),
) -> Diagnosis:
    """What most likely broke. `applied` is what was applied when, in any order; `told` the causes of what targets say."""
    if incident.signals and all(signal.told for signal in incident.signals):  # 5.
        fired = fired_ms(incident, now_ms)
        nowhere = Blind("the target does not say it any more", (fired - REFERENCE_MS, fired), (fired, now_ms))
        return _diagnosis(incident, revision, now_ms, nowhere, _with_told(told, [_unknown(incident, nowhere.why)]))
    sight = look(incident, telemetry, now_ms)
    if isinstance(sight, Blind):  # 1.
        return _diagnosis(incident, revision, now_ms, sight, _with_told(told, [_unknown(incident, sight.why)]))
    commits = touches(repo, applied, now_ms)
    named = [c for c in incident.components if c in sight.topology.components] or list(sight.topology.components)
    passing = sight.passing(named, [(signal.component, signal.metric) for signal in incident.signals if signal.metric])
    found = () if passing else roots(sight, named)
    ranked = _rank(sight, found, commits, named)  # 2. and 3.
    falls = [] if ranked else [fall(sight, component, commits) for component in named]
    gone = sorted((f for f in falls if isinstance(f, Cause)), key=_order)[:MAX_CAUSES]
    why = PASSING if passing else next((f for f in falls if isinstance(f, str) and f), NOTHING_MOVED)
    ordered = _with_told(told, _honest(incident, ranked or gone, why))  # 4.
    return _diagnosis(incident, revision, now_ms, sight, _sure(ordered) if ranked else ordered)  # 6.


def _with_told(told: Sequence[Cause], found: list[Cause]) -> list[Cause]:
    """The same cause from both sides is one, with the evidence of both."""
    if not told:
        return found
    measured = {(c.kind.value, c.component, c.commit): c for c in found if c.kind is not CauseKind.UNKNOWN}
    both = []
    for cause in told:
        same = measured.pop((cause.kind.value, cause.component, cause.commit), None)
        both.append(replace(cause, evidence=(*cause.evidence, *same.evidence)) if same else cause)
    if found[0].kind is CauseKind.UNKNOWN:  # the metrics do not decide: what they suspect comes after
        return [*sorted(both, key=_order), *measured.values()][:MAX_CAUSES]
    return sorted((*both, *measured.values()), key=_order)[:MAX_CAUSES]


def _sure(found: list[Cause]) -> list[Cause]:
    top = found[0]
    if top.kind is CauseKind.UNKNOWN or top.trouble:
        return found
    second = max((float(cause.confidence) for cause in _others(found)), default=0.0)
    return [replace(top, confidence=number(round(calibrated(float(top.confidence), second), 2))), *found[1:]]


def _others(found: Sequence[Cause]) -> list[Cause]:
    """What speaks against the first cause. One surge fills several places at once: those agree with each other."""
    return [cause for cause in found[1:] if not (cause.kind is found[0].kind is CauseKind.LOAD)]


def _rank(sight: Sight, found: Sequence[Root], commits: Sequence[Touch], named: Sequence[str]) -> list[Cause]:
    rootless = [c for c in named if c not in {r.component for r in found}]  # can be a cause by what grows in itself only
    ranked = [cause for place in found for cause in causes.candidates(sight, place, commits, named)]
    ranked += [cause for component in rootless for cause in causes.filling(sight, component, commits)]
    best: dict[tuple[str, str, str], Cause] = {}
    for cause in sorted(ranked, key=_order):
        best.setdefault((cause.kind.value, cause.component, cause.commit), cause)
    return list(best.values())[:MAX_CAUSES]


def _order(cause: Cause) -> tuple[float, str, str, str]:
    return (-float(cause.confidence), cause.component, cause.kind.value, cause.commit)


def _honest(incident: Incident, ranked: list[Cause], why: str) -> list[Cause]:
    if not ranked:
        return [_unknown(incident, why)]
    top = float(ranked[0].confidence)
    if top < LEAST_SURE:
        return [_unknown(incident, "no cause is likely enough"), *ranked]
    others = _others(ranked)
    if others and top - float(others[0].confidence) < TIE:
        return [_unknown(incident, "two causes are equally likely"), *ranked]
    return ranked


def _unknown(incident: Incident, why: str) -> Cause:
    component = incident.components[0] if incident.components else ""
    facts: tuple[Evidence, ...] = (evidence.of_absence("", why),)
    return Cause(CauseKind.UNKNOWN, component, number(0.0), "", facts)


def _diagnosis(incident: Incident, revision: str, now_ms: int, sight: Sight | Blind, found: list[Cause]) -> Diagnosis:
    top = found[0]
    if top.kind is CauseKind.UNKNOWN:
        summary = f"unknown: {top.evidence[0].text}"
    else:
        commit = f" since commit {top.commit[:10]}" if top.commit else ""
        said = f" ({top.trouble})" if top.trouble else ""
        summary = f"{top.kind.value} on {top.component}{said}{commit}, confidence {top.confidence}"
    return Diagnosis(incident.id, now_ms, revision, tuple(found), sight.before, sight.after, summary)
