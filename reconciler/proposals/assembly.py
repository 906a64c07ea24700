"""From edits to a Proposal: identity, blast radius, expectation and words, all made of typed fields.

Invariant: two candidates with the same bytes have the same `patch`, whoever proposed them and when.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.documents.playbook_parts import Expect, ExpectedCheck
from reconciler.model.canonical import digest, number
from reconciler.model.diagnosis import Cause
from reconciler.model.proposals import BlastRadius, Check, Edit, EditKind, Expectation, FileEdit, Proposal
from reconciler.model.telemetry import Topology
from reconciler.ports.telemetry import Telemetry
from reconciler.proposals.ready import Ready
from reconciler.proposals.situation import Candidate, Situation
from reconciler.proposals.steps import Made
from reconciler.proposals.triggers import confidence, median

MAX_SYMPTOMS = 5  # components of an incident that an expectation names


def assemble(situation: Situation, ready: Ready, cause: Cause, made: Sequence[Made], telemetry: Telemetry) -> Candidate:
    """One candidate out of its edits."""
    before: dict[str, bytes | None] = {}
    after: dict[str, bytes | None] = {}
    for item in made:
        before.setdefault(item.edited.edit.path, item.edited.before)
        after[item.edited.edit.path] = item.edited.after
    files = tuple(FileEdit(path, _digest(before[path]), _digest(after[path])) for path in sorted(after))
    edits = tuple(item.edited.edit for item in made)
    patch = digest(list(files))
    blast = _blast(situation.topology, ready, made)
    expectation = expect(ready.spec.expect, situation, cause, blast, telemetry)
    proposal = Proposal(
        id=digest([situation.incident.id, ready.name, patch]).removeprefix("sha256:")[:16],
        incident=situation.incident.id,
        fingerprint=fingerprint(situation.incident.fingerprint, ready.name),
        playbook=ready.name,
        title=_title(ready.name, cause.component, edits),
        cause=cause.kind.value,
        component=cause.component,
        confidence=_sure(situation, cause),
        edits=edits,
        files=files,
        patch=patch,
        base=situation.revision,
        blast=blast,
        irreversibility=ready.spec.irreversibility,
        expectation=expectation,
        predicted=_predicted(expectation),
        high_impact=_high_impact(situation.topology, ready, blast),
        prediction_only=situation.diagnosis.prediction_only,
    )
    return Candidate(proposal, after, before)


def _sure(situation: Situation, cause: Cause) -> str:
    """A later cause is never surer than the first: what lowered that one, or had a person say no to it, raises no other."""
    return min((cause, situation.diagnosis.top or cause), key=confidence).confidence


def memory(proposal: Proposal) -> tuple[str, ...]:
    """What to remember of a reverted repair: its exact patch, and the same move on a file that has otherwise moved on."""
    return (proposal.patch, *([digest([_move(edit) for edit in proposal.edits])] if proposal.edits else []))


def fingerprint(group: str, playbook: str) -> str:
    """One open pull request for each trouble and playbook."""
    return digest([group, playbook])


def _move(edit: Edit) -> list[object]:
    return [edit.kind.value, edit.path, edit.document, list(edit.pointer), edit.before, edit.after]


def _digest(data: bytes | None) -> str:
    return "" if data is None else digest(data)


def reach(calls: Sequence[tuple[str, str]], start: Sequence[str]) -> tuple[str, ...]:
    """Everything reached from `start` along (from, to) pairs, without `start`."""
    seen, frontier = set(start), set(start)
    while frontier:
        frontier = {b for a, b in calls if a in frontier} - seen
        seen |= frontier
    return tuple(sorted(seen - set(start)))


def callers_of(topology: Topology, components: Sequence[str]) -> tuple[str, ...]:
    """Who depends on these, however many calls away."""
    return reach([(callee, caller) for caller, callee in topology.calls], components)


def _blast(topology: Topology, ready: Ready, made: Sequence[Made]) -> BlastRadius:
    components = tuple(sorted({item.component for item in made}))
    units = tuple(sorted({item.unit for item in made}))
    return BlastRadius(components, callers_of(topology, components), units, len(components), ready.spec.impact)


def _high_impact(topology: Topology, ready: Ready, blast: BlastRadius) -> tuple[str, ...]:
    """The playbook's own reasons, and those that only the tree and the call graph show."""
    reasons = list(ready.spec.high_impact)
    if blast.services > 1:
        reasons.append("several-services")
    if not set(blast.components) <= set(topology.components):
        reasons.append("unknown-topology")
    return tuple(dict.fromkeys(reasons))


def expect(wanted: Expect, situation: Situation, cause: Cause, blast: BlastRadius, telemetry: Telemetry) -> Expectation:
    """The checks on concrete components, and neighbours that the repair cannot reach as controls."""
    component = cause.component
    symptoms = situation.incident.components[:MAX_SYMPTOMS] or (component,)
    named = [(check, name) for check in wanted.checks for name in ((component,) if check.on == "component" else symptoms)]
    checks = [_check(check, name, _bound(check, name, situation, telemetry)) for check, name in named]
    return Expectation(
        checks=tuple(dict.fromkeys(checks)),
        controls=controls(situation.topology, (*blast.components, *symptoms), wanted.controls),
        guard_after_ms=wanted.guard_after_seconds * 1_000,
        outcome_after_ms=wanted.outcome_after_seconds * 1_000,
        worse_by=wanted.worse_by,
        told=wanted.healthy or bool(cause.told),
        gone=(cause.told,) if cause.told else (),
        healthy=wanted.healthy,
    )


def _bound(check: ExpectedCheck, component: str, situation: Situation, telemetry: Telemetry) -> str:
    """The bound as text; with `recover`, what the metric was before the trouble when that is the wider one."""
    fixed = check.below or check.above or ""
    if check.recover is None:
        return fixed
    usual = median(telemetry, component, check.metric, situation.diagnosis.window_before)
    return fixed if usual is None else number(max(float(fixed), usual * float(check.recover)))


def _check(check: ExpectedCheck, component: str, bound: str) -> Check:
    return Check(component, check.metric, "above" if check.above else "below", bound, check.improve or "")


def controls(topology: Topology, touched: Sequence[str], count: int) -> tuple[str, ...]:
    """Components that neither call nor are called by what is touched, at any distance; callees only when no other is left."""
    above, below = callers_of(topology, touched), reach(topology.calls, touched)
    others = [c for c in topology.components if c not in touched and c not in above]
    return tuple(sorted(others, key=lambda c: (c in below, c))[:count])


def _title(playbook: str, component: str, edits: Sequence[Edit]) -> str:
    if not edits:
        return f"{component}: page a person"
    edit = edits[0]
    if edit.kind is EditKind.REVERT:
        return f"{component}: revert {edit.commit[:12]}"
    if edit.kind is EditKind.OPERATION:
        return f"{component}: {playbook}"
    names = [str(step) for step in edit.pointer if isinstance(step, str)]
    if edit.kind is EditKind.APPEND:
        return f"{component}: {len(edits)} more of {'.'.join(names[-2:])}"
    more = f" and {len(edits) - 1} more" if len(edits) > 1 else ""
    return f"{component}: {names[-1]} {_short(edit.before)} -> {_short(edit.after)}{more}"


def _short(value: object) -> str:
    text = "unset" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.isprintable() and len(text) <= 40 else text.encode("unicode_escape").decode()[:40] + "..."


def _predicted(expectation: Expectation) -> str:
    told = [f"the target no longer says {fingerprint}" for fingerprint in expectation.gone]
    well = ["every object of the edited units is healthy"] if expectation.healthy else []
    return "; ".join((*told, *well, *(_predict(check) for check in expectation.checks))) or "nothing is touched"


def _predict(check: Check) -> str:
    what = f"{check.metric} of {check.component}"
    if check.improve:
        return f"{what} falls by a share of {check.improve} or more"
    return f"{what} at {'least' if check.direction == 'above' else 'most'} {check.bound}"
