"""Foreseeing: every few minutes the detectors look ahead, and what they foresee credibly becomes a signal, before users notice.

Such an incident is confirmed, as long as nothing has happened, by being foreseen still (`presence`). Its diagnosis is born of a
prediction: of the component that is foreseen to be short, with the factors as evidence; policy treats it as a class of its own.
What was told is not told again for hours, however often it is foreseen.
"""

from __future__ import annotations

import dataclasses
import json

from reconciler.diagnosis import Presence, still_present
from reconciler.diagnosis.presence import standing
from reconciler.documents.sensor import Rule
from reconciler.model.canonical import digest, number
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.model.wholes import Whole
from reconciler.ports.analyst import Inquiry, Limit
from reconciler.signals import catalogue, meaning
from reconciler.steps.accounting import withdrawn
from reconciler.steps.attending import focus
from reconciler.steps.maintenance import Rest, windows
from reconciler.steps.occasions import occasions
from reconciler.steps.outlook import LOOKS, Foreseen, Look, foreseen
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.telling import told_of
from reconciler.steps.world import World

STATE = "foretold"
FIRST_MS = 300_000  # after the start: what is seen of a minute is foreseen of nothing
AGAIN_MS = 6 * 3_600_000
KINDS = {"memory": CauseKind.MEMORY, "cpu": CauseKind.LOAD, "request": CauseKind.LOAD, "replicas": CauseKind.LOAD}
FACTORS = 6


def foresee(world: World) -> bool:
    """A look ahead whose time has come; True when it foresaw something new."""
    if world.analyst is None or world.cursor.applied is None:
        return False
    for look in LOOKS:
        _look(world, look)
    news = world.cursor.outlook.untold and _told(world)
    world.cursor.outlook.untold = False
    return news


def _look(world: World, look: Look) -> None:
    """Asks when it is time to, and takes the answer in when it is there."""
    now, outlook = world.clock.now(), world.cursor.outlook
    if look.name not in outlook.asked:
        if now < outlook.due.setdefault(look.name, now + FIRST_MS):
            return
        rules = world.applied_rulebook()
        outlook.asked[look.name] = dataclasses.replace(ahead(rules, look, now), components=focus(world, promised(rules)))
        outlook.due[look.name] = now + look.every_ms
    answer = world.analyst.ask(outlook.asked[look.name]) if world.analyst else None
    if answer is None:
        return
    asked = outlook.asked.pop(look.name)
    outlook.missing = answer.missing
    if answer.missing:
        world.meters.fault("foresee", answer.missing)
        return
    outlook.found[look.name] = (asked.now_ms, answer.findings)
    outlook.untold = True  # until the signals are stored


def ahead(rules: Rulebook, look: Look, now_ms: int) -> Inquiry:
    """What is asked: does anything go where sensors and objectives say that it must not? Steps begin at whole multiples of
    their length, so that what was learnt of them is known again at the next look.
    """
    start = now_ms - look.back_ms
    start -= start % look.step_ms if look.step_ms else 0
    known, worked_on = occasions(rules.calendars, start, now_ms), windows(rules, start, now_ms)
    asked = Inquiry(start, now_ms, look.step_ms, limits=limits(rules), occasions=known, maintenance=worked_on)
    return dataclasses.replace(asked, wholes=wholes(rules), detectors=look.detectors)


def limits(rules: Rulebook) -> tuple[Limit, ...]:
    """Upper bounds of sensors and of objectives; a rate is no level, and too little is no breach."""
    found = set()
    for spec in (sensor.spec for sensor in rules.sensors):
        if spec.rule is Rule.THRESHOLD and spec.above is not None:
            found |= {Limit(component, spec.metric, number(spec.above)) for component in spec.components or ("",)}
    for promise in (objective.spec for objective in rules.objectives):
        bound = promise.indicator.threshold
        if bound is not None and bound.above is not None:
            found |= {Limit(component, bound.metric, number(bound.above)) for component in promise.components}
    return tuple(sorted(found, key=lambda limit: (limit.component, limit.metric, limit.at)))


def wholes(rules: Rulebook) -> tuple[Whole, ...]:
    """What components ask for together, by the capacities, in the units that Sensors give their metrics."""
    known, found = catalogue(rules.sensors), []
    for one in rules.capacities:
        spec, said = one.spec, meaning(one.spec.metric, known)
        unit = said.spec.unit if said else ""
        found.append(Whole(one.metadata.name, spec.component, spec.metric, unit, number(spec.above), spec.parts))
    return tuple(sorted(found, key=lambda whole: whole.name))


def promised(rules: Rulebook) -> set[str]:
    """Of whom objectives and capacities speak: these are looked at whatever else stands out."""
    spoken = {component for objective in rules.objectives for component in objective.spec.components}
    return spoken | {name for capacity in rules.capacities for name in (capacity.spec.component, *capacity.spec.parts)}


def _told(world: World) -> bool:
    """Signals are stored before it is noted that they were."""
    now = world.clock.now()
    before: dict[str, int] = json.loads(world.store.noted(STATE) or "{}")
    known = {key: at for key, at in before.items() if abs(now - at) < AGAIN_MS}
    resting = Rest(world).now
    credible = foreseen(world.cursor.outlook.findings(now)).items()
    new = [one for key, one in credible if key not in known and not resting(one.finding.component)]
    if new:
        world.store.accept([_signal(one, now) for one in new])
    state = known | {one.fingerprint: now for one in new}
    if state != before:
        world.store.note(STATE, json.dumps(state, sort_keys=True))
    return bool(new)


def _signal(one: Foreseen, now_ms: int) -> Signal:
    finding = one.finding
    values = dict(finding.values)
    said = (
        ("probability", finding.confidence),
        ("lead_minutes", number(round(one.lead_s / 60))),
        ("limit", values.get("limit", "")),
    )
    return Signal(
        id=digest({"source": "predicted", "fingerprint": one.fingerprint, "at": now_ms}),
        source=f"predicted/{finding.detector}",
        name=f"{finding.metric}-foreseen",
        component=finding.component,
        fingerprint=one.fingerprint,
        status=SignalStatus.FIRING,
        severity=Severity.WARNING,
        started_ms=now_ms,
        received_ms=now_ms,
        labels=tuple((name, value) for name, value in said if value),
        metric=finding.metric,
        value=values.get("level", ""),
    )


def present(world: World, incident: Incident) -> Presence:
    """Is it still true? What is foreseen is true while it is foreseen; everything else while the present shows it. Of what a
    withdrawn objective or sensor claimed nothing is asked any more.
    """
    firing = standing(incident)
    if told := abandoned(world, incident):
        return Presence(Reason.STALE, told)
    if gone := withdrawn(world, firing):
        firing = tuple(signal for signal in firing if signal not in gone)
        incident = dataclasses.replace(incident, signals=firing)
    predicted = [signal for signal in firing if signal.foretold]
    others = tuple(signal for signal in firing if not signal.foretold)
    now = world.clock.now()
    if not predicted or others:
        seen = dataclasses.replace(incident, signals=others) if predicted else incident
        presence = still_present(seen, world.telemetry, now, told_of(world, seen))
        if presence.present or not predicted:
            return presence
    still = foreseen(world.cursor.outlook.findings(now), opened=True)
    for signal in predicted:
        if one := still.get(signal.fingerprint):
            return Presence(Reason.OK, f"still foreseen: {one.finding.text}")
    if not world.cursor.outlook.current(now):
        return Presence(Reason.UNKNOWN, "no look ahead is recent enough")
    return Presence(Reason.STALE, "it is foreseen no longer")


def abandoned(world: World, incident: Incident) -> str:
    """Why nobody stands by the incident any more, "" where somebody does: all that still fires in it are alarms of objectives
    and sensors that were withdrawn.
    """
    firing = standing(incident)
    gone = withdrawn(world, firing)
    names = ", ".join(sorted({signal.name for signal in gone}))
    return f"what alarmed was withdrawn: {names}" if gone and len(gone) == len(firing) else ""


def foretold(world: World, incident: Incident, diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis of an incident in which nothing has happened yet; any other comes back as it is, with what is foreseen
    of the component that it blames.
    """
    now = world.clock.now()
    findings = world.cursor.outlook.findings(now)
    if not all(signal.foretold for signal in incident.signals):
        top = diagnosis.top
        known = tuple(f for f in findings if top and f.component == top.component)
        return dataclasses.replace(diagnosis, findings=(*diagnosis.findings, *known))
    still = foreseen(findings, opened=True)
    ones = [still[signal.fingerprint] for signal in incident.signals if signal.fingerprint in still]
    about = {one.finding.component for one in ones}
    known = tuple(f for f in findings if f.component in about)
    found = dataclasses.replace(diagnosis, prediction_only=True, findings=(*diagnosis.findings, *known))
    return _blamed(found, ones[0]) if ones else found


def _blamed(diagnosis: Diagnosis, one: Foreseen) -> Diagnosis:
    """The loop's own cause where it sees one there already, else what is foreseen, with its factors."""
    component, top = one.finding.component, diagnosis.top
    if top is not None and top.component == component:
        cause = dataclasses.replace(top, evidence=(*top.evidence, _evidence(one)))
        return dataclasses.replace(diagnosis, causes=(cause, *diagnosis.causes[1:]))
    kind = next((kind for word, kind in KINDS.items() if word in one.finding.metric), CauseKind.SATURATION)
    cause = Cause(kind, component, one.finding.confidence, "", (_evidence(one),))
    others = tuple(c for c in diagnosis.causes if c.kind is not CauseKind.UNKNOWN)
    summary = f"foreseen: {kind.value} on {component}, confidence {cause.confidence}: {one.finding.text}"
    return dataclasses.replace(diagnosis, causes=(cause, *others), summary=summary)


def _evidence(one: Foreseen) -> Evidence:
    finding, values = one.finding, dict(one.finding.values)
    why = ", ".join(f"{name} {value}" for name, value in one.factors[:FACTORS])
    text = f"{finding.text}; what speaks for it: {why}"
    return Evidence(
        "forecast", finding.component, finding.metric, values.get("level", ""), values.get("limit", ""), finding.confidence, text
    )
