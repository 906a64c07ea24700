"""Gates about how sure and how big: autonomy, confidence, level, forecast, blast radius. For machine repairs only, and not
for the fast lane. A person's approval stands in for all of them except shadow: in shadow there is nothing to approve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

from reconciler.documents.autonomy import Mode
from reconciler.documents.guardrails import GuardrailsSpec, Level
from reconciler.model.judging import Effect
from reconciler.model.proposals import Impact, Proposal
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench, Finding, Rule
from reconciler.policy.facts import Forecast
from reconciler.policy.rules import BUILT_IN, CONFIDENCE_FLOOR, MANY_OBJECTS, MANY_SERVICES, Grant, any_fits

_MODES = (Mode.SHADOW, Mode.REVIEW, Mode.AUTONOMOUS)
_LEVELS = (Level.TIGHT, Level.MAINTAIN, Level.LOOSE)
_IMPACTS = (Impact.LOW, Impact.MEDIUM, Impact.HIGH)


@dataclass(frozen=True, slots=True)
class InForce:
    """The guardrails that hold here: the strictest of every matching document and run-time tightening."""

    level: Level
    min_confidence: Decimal
    max_services: int
    max_impact: Impact
    prediction_confidence: Decimal
    place: str


def in_force(bench: Bench) -> InForce:
    """Per field the strictest value of all matching Guardrails; tight when none matches."""
    found = [(spec, place) for spec, place in bench.rules.guardrails if any_fits(spec.units, bench.units or ("",))]
    found = found or [(GuardrailsSpec(), BUILT_IN)]
    levels = [_tightened(bench, spec.level) for spec, _ in found]
    bounds = [spec.bounds(level) for (spec, _), level in zip(found, levels, strict=True)]
    strictest = min(range(len(found)), key=lambda at: (_LEVELS.index(levels[at]), -bounds[at].min_confidence))
    return InForce(
        level=levels[strictest],
        min_confidence=max(bound.min_confidence for bound in bounds),
        max_services=min(bound.max_services for bound in bounds),
        max_impact=min((Impact(bound.max_impact) for bound in bounds), key=_IMPACTS.index),
        prediction_confidence=max(spec.prediction_confidence for spec, _ in found),
        place=found[strictest][1],
    )


def _tightened(bench: Bench, level: Level) -> Level:
    """The stricter of document and run-time records. A word that is no level means tight."""
    asked = [t.level for t in bench.facts.tightenings if t.level and _reaches(bench, t.playbook, t.unit)]
    words = {item.value for item in Level}
    return min((level, *(Level(word) if word in words else Level.TIGHT for word in asked)), key=_LEVELS.index)


def _reaches(bench: Bench, playbook: str, unit: str) -> bool:
    return fnmatchcase(bench.playbook, playbook) and any(fnmatchcase(name, unit) for name in bench.units or ("",))


def grants(bench: Bench) -> tuple[Grant, ...]:
    """What Autonomy says about this playbook on every touched unit, run-time tightening included."""
    return tuple(_tight_grant(bench, bench.rules.grant(bench.playbook, unit)) for unit in bench.units or ("",))


def _tight_grant(bench: Bench, grant: Grant) -> Grant:
    words = {item.value for item in Mode}
    for item in bench.facts.tightenings:
        if item.autonomy and fnmatchcase(bench.playbook, item.playbook) and fnmatchcase(grant.unit, item.unit):
            asked = Mode(item.autonomy) if item.autonomy in words else Mode.SHADOW
            if _MODES.index(asked) < _MODES.index(grant.mode):
                grant = Grant(grant.unit, asked, grant.names_playbook, f"record {item.record}")
    return grant


def danger(bench: Bench) -> Iterator[Finding]:
    """All of this module's gates, in the order of the judge's steps."""
    proposal = bench.proposal
    if proposal is None:
        return
    if bench.fast_lane:
        rule = Rule(
            "fast-lane",
            "autonomy, levels, budgets, rate and freezes do not bind the inverse of the machine's own commit",
            Reason.OK,
            "",
        )
        yield bench.not_applicable(rule, f"exact inverse of {proposal.is_revert_of}")
        return
    force = in_force(bench)
    confidence = share(proposal.confidence)
    yield autonomy(bench)
    yield high_impact(bench, proposal)
    yield from _confidence(bench, proposal, confidence, force)
    yield from _spread(bench, force, proposal)


def autonomy(bench: Bench) -> Finding:
    """The strictest mode of all touched units decides."""
    strictest = min(grants(bench), key=lambda grant: _MODES.index(grant.mode))
    values = (("playbook", bench.playbook), ("unit", strictest.unit), ("mode", strictest.mode.value))
    shadow = strictest.mode is Mode.SHADOW
    rule = Rule(
        "autonomy",
        "Autonomy lets this playbook merge by itself on every touched unit",
        Reason.AUTONOMY,
        "an Autonomy rule that opens this up" if shadow else "an approval by a person",
        Effect.SHADOW if shadow else Effect.REVIEW,
        command="edit policies/autonomy.yaml" if shadow else "",
        document=strictest.place,
        person=not shadow,
    )
    return bench.finding(rule, ok=strictest.mode is Mode.AUTONOMOUS, values=values)


def high_impact(bench: Bench, proposal: Proposal) -> Finding:
    """High-impact repairs merge by themselves only where Autonomy names their playbook, no pattern."""
    blast = proposal.blast
    many = ("many-services",) if blast.services > MANY_SERVICES else ()
    tags = (*proposal.high_impact, *many, *(("many-objects",) if blast.objects > MANY_OBJECTS else ()))
    rule = Rule(
        "high-impact",
        "a high-impact repair is named in Autonomy or approved by a person",
        Reason.NEEDS_PERSON,
        "an approval by a person",
        document=grants(bench)[0].place,
        person=True,
    )
    if not tags:
        return bench.not_applicable(rule, "the repair is not of high impact")
    named = all(grant.names_playbook and grant.mode is Mode.AUTONOMOUS for grant in grants(bench))
    return bench.finding(rule, ok=named, values=(("tags", ", ".join(tags)), ("named", "yes" if named else "no")))


def _confidence(bench: Bench, proposal: Proposal, confidence: Decimal, force: InForce) -> Iterator[Finding]:
    said = ("confidence", proposal.confidence)
    yield bench.finding(
        _sure("confidence-floor", f"confidence in the cause is at least {CONFIDENCE_FLOOR} at any level", BUILT_IN),
        ok=confidence >= CONFIDENCE_FLOOR,
        values=(said,),
    )
    yield bench.finding(
        _sure("confidence-level", f"confidence is at least {force.min_confidence} at level {force.level}", force.place),
        ok=confidence >= force.min_confidence,
        values=(said, ("level", force.level.value)),
    )
    rule = _sure("prediction", f"a repair born of a forecast alone has confidence {force.prediction_confidence}", force.place)
    if proposal.prediction_only:
        yield bench.finding(rule, ok=confidence >= force.prediction_confidence, values=(said,))
    else:
        yield bench.not_applicable(rule, "the trouble is already there")


def _sure(name: str, expression: str, place: str) -> Rule:
    return Rule(name, expression, Reason.LOW_CONFIDENCE, "an approval by a person", document=place, person=True)


def _spread(bench: Bench, force: InForce, proposal: Proposal) -> Iterator[Finding]:
    facts, blast = bench.facts, proposal.blast
    yield bench.finding(
        Rule(
            "cascading", "no pattern is spreading through the system", Reason.NEEDS_PERSON, "an approval by a person", person=True
        ),
        ok=not facts.cascading,
        values=(("cascading", "yes" if facts.cascading else "no"),),
    )
    rule = Rule(
        "forecast", "the forecast does not speak against the repair", Reason.NEEDS_PERSON, "an approval by a person", person=True
    )
    if facts.forecast is Forecast.NONE:
        yield bench.not_applicable(rule, "there is no forecast")
    else:
        yield bench.finding(rule, ok=facts.forecast is Forecast.ALIGNED, values=(("forecast", facts.forecast.value),))
    yield bench.finding(
        _small("blast-radius", f"at most {force.max_services} services are touched at level {force.level}", force.place),
        ok=1 <= blast.services <= force.max_services,
        values=(("services", ", ".join(blast.components) or "unknown"),),
    )
    yield bench.finding(
        _small("impact", f"impact is at most {force.max_impact} at level {force.level}", force.place),
        ok=_IMPACTS.index(blast.impact) <= _IMPACTS.index(force.max_impact),
        values=(("impact", blast.impact.value),),
    )


def _small(name: str, expression: str, place: str) -> Rule:
    return Rule(name, expression, Reason.BLAST_RADIUS, "an approval by a person", document=place, person=True)


def share(text: str) -> Decimal:
    """A confidence as a number; what is none, or no share, is no confidence at all."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() and 0 <= value <= 1 else Decimal(0)
