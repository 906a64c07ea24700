"""The health of an object of which nothing is known but its shape: conditions, phases, counts, generation.

Evidence is gathered first and weighed after, worst first, so that one good word never hides a bad one:
1. conditions (`conditions`), those of the parts too;
2. words, errors, flags and pairs of counts in the status (`fields`), and bad words in labels;
3. fewer ready than the spec wants, or something unavailable;
4. a suspended spec, or one that its operator was told to leave alone.
Bad is degraded; suspended; busy is progressing; then good is healthy. Without evidence an object that has neither spec nor
status has nothing to become and is healthy, one whose status says nothing yet is progressing, and everything else is unknown.
Of a kind that runs to an end, such as a Backup, `Running` is busy.

`contradiction` and `doubt` hold the same evidence against a rule that says healthy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.health import conditions as of_conditions
from reconciler.health.conditions import Evidence
from reconciler.health.facts import MAX_LOOKED_AT, Condition, Facts, said, whole
from reconciler.health.fields import of_status
from reconciler.health.judgement import Judgement
from reconciler.health.words import Tone, last_token, tone
from reconciler.model.revisions import HealthState

# Heads of kinds that run to an end, and what such a one is called before it.
_TO_AN_END: Final = frozenset({
    "run", "job", "task", "backup", "restore", "migration", "operation", "promotion", "build", "scan", "execution", "upload",
    "download", "export", "import", "clone", "transfer", "upgrade", "request", "workflow", "maintenance", "repair", "test",
    "check", "rollback", "suite", "action", "ops", "session",
})  # fmt: skip
_LABELS: Final = ("phase", "state", "status", "health")
_PAUSES: Final = ("suspend", "paused", "suspended", "hibernate")
_WANTED: Final = (
    ("spec", "replicas"), ("spec", "instances"), ("spec", "size"), ("status", "desiredReplicas"), ("status", "pods"),
    ("status", "matchedPods"), ("status", "desiredNumberScheduled"),
)  # fmt: skip
_PRESENT: Final = (
    "readyReplicas", "availableReplicas", "updatedReplicas", "readyInstances", "readyNodes", "readyPods", "currentPods",
    "updatedPods", "upToDateNodes", "numberReady",
)  # fmt: skip
_NO_STATUS: Final = frozenset({"apiVersion", "kind", "metadata", "data", "stringData", "spec"})
_STATES: Final = (
    (Tone.BAD, HealthState.DEGRADED),
    (Tone.PAUSED, HealthState.SUSPENDED),
    (Tone.BUSY, HealthState.PROGRESSING),
    (Tone.GOOD, HealthState.HEALTHY),
)


def infer(facts: Facts) -> Judgement:
    """The judgement without any rule. The object is readable, not being deleted, and its status is current."""
    found = tuple(evidence(facts))
    for looked_for, state in _STATES:
        if message := next((item.text for item in found if item.tone is looked_for), None):
            return Judgement(state, said(message), "inference")
    if found:
        return Judgement(HealthState.UNKNOWN, said(found[0].text), "inference")
    return _without_evidence(facts)


def contradiction(facts: Facts, despite: Collection[str]) -> tuple[HealthState, str] | None:
    """What forbids to call this object healthy, whoever says it: the state instead, and what the object says. `despite` names
    the conditions and the fields of the status that the rule knows better.
    """
    if against := of_conditions.contradiction(facts.conditions, despite):
        return (HealthState.DEGRADED if against.tone is Tone.BAD else HealthState.PROGRESSING), against.text
    for item in _of_the_status(facts, own=()):
        if item.tone is Tone.BAD and item.source not in despite:
            return HealthState.DEGRADED, item.text
    return None


def doubt(facts: Facts, known: Collection[str]) -> tuple[HealthState, str] | None:
    """What forbids to call an object healthy only because nothing speaks against it: what is on its way, a word that is not
    understood while none is good, and a condition that holds and is not understood. `known` are the conditions and fields
    that the rule knows better.
    """
    found = [item for item in _of_the_status(facts) if item.source not in known]
    if text := next((item.text for item in found if item.tone is Tone.BUSY), ""):
        return HealthState.PROGRESSING, text
    if any(item.tone is Tone.GOOD for item in found):
        return None
    not_understood = [item.text for item in found if item.tone is Tone.NONE]
    not_understood += [item.says for item in facts.conditions if item.type not in known and of_conditions.unclear(item)]
    return (HealthState.UNKNOWN, not_understood[0]) if not_understood else None


def evidence(facts: Facts) -> Iterator[Evidence]:
    """Everything the object says about its health."""
    yield from _of_the_status(facts)
    yield from _labelled(facts.metadata)
    yield from _counted(facts)
    for name in _PAUSES:
        if facts.spec.get(name) is True:
            yield Evidence(Tone.PAUSED, f"spec.{name} is true")
    managed = facts.spec.get("managementState")
    if isinstance(managed, str) and managed.lower() == "unmanaged":
        yield Evidence(Tone.PAUSED, f"spec.managementState is {managed}")


def _of_the_status(facts: Facts, own: Sequence[Condition] | None = None) -> Iterator[Evidence]:
    """What the status says; `own` are those of its own conditions that are asked too, all unless told otherwise."""
    if not facts.status:
        return
    parts = tuple(of_conditions.of_parts(facts.status, facts.metadata.get("generation")))
    conditions = (*facts.conditions, *parts)
    head = last_token(facts.kind)
    ends = head in _TO_AN_END
    over = any(item.type in of_conditions.OVER and item.status == "True" and not item.stale for item in conditions)
    asked = conditions if own is None else (*own, *parts)
    yield from of_conditions.spoken(asked, ends=ends)
    yield from of_conditions.of_maps(facts.status, facts.metadata.get("generation"))
    yield from of_status(facts.status, settled=of_conditions.settled(conditions), over=over, ends=ends, head=head)


def _labelled(metadata: Mapping[str, Any]) -> Iterator[Evidence]:
    """A label such as example.org/state that tells of failure; a good one proves nothing."""
    labels = metadata.get("labels")
    if isinstance(labels, Mapping):
        for name, value in list(labels.items())[:MAX_LOOKED_AT]:
            if isinstance(name, str) and isinstance(value, str) and name.lower().endswith(_LABELS) and tone(value) is Tone.BAD:
                yield Evidence(Tone.BAD, f"its label {name} is {value}")


def _counted(facts: Facts) -> Iterator[Evidence]:
    holders = {"spec": facts.spec, "status": facts.status}
    wanted = next((n for where, name in _WANTED if whole(n := holders[where].get(name))), None)
    if wanted is not None:
        for name in _PRESENT:
            found = facts.status.get(name)
            if whole(found):
                yield Evidence(Tone.BUSY if found < wanted else Tone.GOOD, f"{found} of {wanted} {name}")


def _without_evidence(facts: Facts) -> Judgement:
    has_spec = isinstance(facts.object.get("spec"), Mapping)
    if not has_spec and "status" not in facts.object:
        return _bare(facts)
    if not any(value for name, value in facts.status.items() if name != "observedGeneration"):
        return Judgement(HealthState.PROGRESSING, "its controller has not reported a status yet", "inference")
    told = [item for item in facts.conditions if item.status != "False" or item.reason or item.message]
    if not has_spec and facts.conditions and not told:
        return Judgement(HealthState.HEALTHY, "it has no spec to become, and no condition that holds", "inference")
    return Judgement(HealthState.UNKNOWN, "its status says nothing about health that is understood", "inference")


def _bare(facts: Facts) -> Judgement:
    """Of an object with neither spec nor status, which may still tell of itself beside its metadata, as reports do."""
    rest = {name: value for name, value in facts.object.items() if name not in _NO_STATUS}
    found = tuple(of_status(rest, settled=False, over=False, ends=False, head=""))
    for looked_for, state in _STATES:
        text = next((item.text for item in found if item.tone is looked_for), "")
        if text and state is not HealthState.HEALTHY:
            return Judgement(state, said(text.removeprefix("status.")), "inference")
    return Judgement(HealthState.HEALTHY, "it exists, and has no spec to become", "inference")
