"""Examining: the detectors' findings beside the loop's own diagnosis, and the one rule by which they change it.

1. The analysis is asked when a case is diagnosed and has `PATIENCE_MS`; then the case goes on without it, and says so.
2. Every finding is kept with the diagnosis: who found it, in which version, with which settings.
3. A pattern that spreads (a cascade, a retry storm, a metastable state) makes the diagnosis cascading: policy wants a person.
4. The analysis names the loop's own cause among its likeliest: that is evidence, and the confidence stays as it is.
5. It is at least `SURE` of another component, of which it says that it departed at least `CLEAR` deviations, tells it from the
   next (`LEAD`), and does not name the loop's own: the confidence falls below what any repair needs to merge by itself. Not where
   a target itself said what is wrong: no metric knows better. Nor for less than that: the noise of a minute before speaks against
   no surge of now, and where everything moved alike, as when a site has just begun, whoever comes first does by chance.
6. Nothing raises a confidence, and nothing makes a cause of "unknown": findings without a cause are for people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reconciler.diagnosis.commits import Applied, touches
from reconciler.diagnosis.sight import fired_ms
from reconciler.model.diagnosis import Cause, Diagnosis, Evidence
from reconciler.model.findings import Finding
from reconciler.model.signals import Incident
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.ports.detector import Change
from reconciler.steps.attending import focus
from reconciler.steps.maintenance import lately
from reconciler.steps.outlook import numeric
from reconciler.steps.world import World

PATIENCE_MS = 10_000
BACK_MS = 7_200_000  # what was normal, and two hours of it
NAMED = 3  # causes of the analysis among which the loop's own is looked for
SURE = 0.6
CLEAR = 3.0  # robust deviations from normal
LEAD = 1.05  # times the score of the second
LOWERED = "0.59"  # below the 0.60 that every merge by itself needs
SPREADING = frozenset({"cascade", "retry_storm", "metastable"})
DETECTORS = ("causes", "levels", "anomalies", "patterns")
CAPACITY = ("replicas", "cpuMillis", "memoryMiB", "workers", "connections")
SHIFTS = 3  # told beside a cause


def ask(world: World, incident: Incident, applied: Sequence[Applied], asked_ms: int) -> Answer | None:
    """What the detectors find about an incident; None while they look and there is patience left."""
    if world.analyst is None or not worth_asking(incident):
        return Answer()
    answer = world.analyst.ask(inquiry(world, incident, applied, asked_ms))
    if answer is None and world.clock.now() >= asked_ms + PATIENCE_MS:
        return Answer(missing=f"the analysis did not answer within {PATIENCE_MS // 1_000} s")
    return answer


def worth_asking(incident: Incident) -> bool:
    """Whether metrics say anything of it: not of what a target itself said, nor of what has not happened yet."""
    return not all(signal.told or signal.foretold for signal in incident.signals)


def inquiry(world: World, incident: Incident, applied: Sequence[Applied], asked_ms: int) -> Inquiry:
    """The same for the same incident at the same time: whoever asks again hears the answer of the first."""
    fired, measured = fired_ms(incident, asked_ms), set(world.telemetry.topology().components)
    touched = [t for t in touches(world.repo, applied, asked_ms) if t.component in measured]
    done = {Change(t.component, t.applied_ms, _what(t.fields), t.commit) for t in touched}
    return Inquiry(
        start_ms=fired - BACK_MS,
        now_ms=asked_ms,
        alarm_ms=fired,
        symptom=incident.components[0] if len(incident.components) == 1 else "",
        changes=tuple(sorted(done, key=_when)),
        components=focus(world, incident.components),
        detectors=DETECTORS,
        maintenance=lately(world, fired - BACK_MS, asked_ms),
    )


def _when(change: Change) -> tuple[int, str, str]:
    return (change.at_ms, change.component, change.commit)


def _what(fields: Sequence[tuple[str, str, str]]) -> str:
    leaves = {field.rsplit(".", 1)[-1] for field, _, _ in fields}
    if leaves & {"release", "image", "tag", "version"}:
        return "release"
    return "scaling" if leaves & set(CAPACITY) else "config"


def weighed(diagnosis: Diagnosis, answer: Answer, now_ms: int) -> Diagnosis:
    """The diagnosis with what the analysis says to it."""
    findings = answer.findings or _silence(answer, now_ms)
    spreading = any(f.kind == "pattern" and f.metric in SPREADING for f in findings)
    found = dataclasses.replace(
        diagnosis,
        findings=(*diagnosis.findings, *findings),
        cascading=diagnosis.cascading or spreading,
        explanation=answer.explanation,
    )  # 2. and 3.
    top = found.top
    causes = [f for f in findings if f.kind == "cause"]
    if top is None or not causes:  # 6.
        return found
    named = next((f for f in causes[:NAMED] if f.component == top.component), None)
    if named:  # 4.
        return _with_top(found, dataclasses.replace(top, evidence=(*top.evidence, _agreement(named), *_shifts(findings, top))))
    first = causes[0]
    sure = float(first.confidence) >= SURE and clear(first) and apart(causes)
    if not sure or top.told or float(top.confidence) < float(LOWERED):
        return found
    against = Evidence("analysis", first.component, first.metric, top.confidence, LOWERED, first.confidence, _against(first, top))
    lowered = dataclasses.replace(top, confidence=LOWERED, evidence=(*top.evidence, against))  # 5.
    summary = f"{found.summary}; lowered to {LOWERED}: the analysis names {first.component}"
    return dataclasses.replace(_with_top(found, lowered), summary=summary)


def clear(named: Finding) -> bool:
    """Whether what is named departed from normal beyond doubt, where its detector tells how far."""
    told = [abs(numeric(value)) for name, value in named.values if name.startswith("deviations ")]
    return not told or any(deviations >= CLEAR for deviations in told)


def apart(causes: Sequence[Finding]) -> bool:
    """Whether the first is told from the second, where their detector tells how much speaks against each."""
    scores = [numeric(dict(one.values).get("score", "")) for one in causes[:2]]
    return len(scores) < 2 or not scores[0] < LEAD * scores[1]  # NaN where it is not told


def _silence(answer: Answer, now_ms: int) -> tuple[Finding, ...]:
    return (Finding("analysis", "", "", "unknown", "", "", now_ms, "0", (), answer.missing),) if answer.missing else ()


def _with_top(found: Diagnosis, top: Cause) -> Diagnosis:
    return dataclasses.replace(found, causes=(top, *found.causes[1:]))


def _agreement(named: Finding) -> Evidence:
    text = f"the analysis of all metrics names {named.component} as well, confidence {named.confidence}"
    return Evidence("analysis", named.component, named.metric, "", "", named.confidence, text)


def _against(first: Finding, top: Cause) -> str:
    return (
        f"the analysis of all metrics names {first.component}, confidence {first.confidence}, and not {top.component}: "
        f"lowered from {top.confidence} to {LOWERED}"
    )


def _shifts(findings: Sequence[Finding], top: Cause) -> list[Evidence]:
    """The surest changes of level of the component that is blamed."""
    moved = [f for f in findings if f.kind == "change" and f.component == top.component]
    moved.sort(key=lambda f: (-float(f.confidence), f.at_ms, f.metric))
    return [_shift(f) for f in moved[:SHIFTS]]


def _shift(found: Finding) -> Evidence:
    values = dict(found.values)
    before, after = values.get("before", ""), values.get("after", "")
    return Evidence("analysis", found.component, found.metric, before, after, found.confidence, f"change of level: {found.text}")
