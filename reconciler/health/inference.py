"""The health of an object of which nothing is known but its shape: conditions, phases, counts, generation.

Evidence is gathered first and weighed after, worst first, so that one good word never hides a bad one:
1. conditions: a negative type (Degraded, Failed, Stalled) that is True, or a positive one that is False for a reason that
   tells of failure, is bad; a positive one that is False or Unknown otherwise is busy, as is Reconciling or Progressing
   that is True;
2. words: phase, state, health and their kin, in the status and (only what is bad) some levels below it, and in labels; of
   what runs to an end, such as a Backup, `Running` is busy;
3. numbers: fewer ready than wanted, something unavailable; a flag `ready: false`; a text that is an error;
4. a suspended spec, or one that its operator was told to leave alone.
Bad is degraded; suspended; busy is progressing; then good is healthy. Without evidence an object that has no spec has
nothing to become and is healthy, one without a status has not been seen by its controller and is progressing, and
everything else is unknown.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.health.facts import Condition, Facts, ShapeError, conditions_in, said, whole
from reconciler.health.judgement import Judgement
from reconciler.health.words import MAX_WORD, Tone, last_token, prose, tone
from reconciler.model.revisions import HealthState

# While one of SETTLING is True, lesser conditions that are False count only when they tell of failure.
MAIN: Final = frozenset(
    {"Ready", "Available", "Healthy", "Synced", "Installed", "Reconciled", "Succeeded", "Complete", "Completed"}
)
SETTLING: Final = frozenset({"Ready", "Available", "Succeeded"})
# Heads of conditions that are a step on the way: True proves nothing about the end of it.
_STEPS: Final = frozenset({
    "launched", "registered", "scheduled", "created", "started", "initialized", "validated", "valid", "attached", "discovered",
    "published", "allocated", "loaded", "approved", "present", "exists", "ensured",
})  # fmt: skip
# Heads of kinds that run to an end, and what such a one is called before it.
_TO_AN_END: Final = frozenset({
    "run", "job", "task", "backup", "restore", "migration", "operation", "promotion", "build", "scan", "execution", "upload",
    "download", "export", "import", "clone", "transfer", "upgrade", "request", "workflow", "maintenance", "repair", "test",
    "check", "rollback", "suite", "action", "ops", "session",
})  # fmt: skip
_DOINGS: Final = ("build", "backup", "restore", "scan", "test", "upgrade", "migration")
_ON_THE_WAY: Final = frozenset({"running", "active", "started", "scheduled", "created", "accepted", "launched"})
# First words of conditions such as RollingDeployment.
_VERBS: Final = (
    "Rolling",
    "Migrating",
    "Updating",
    "Upgrading",
    "Creating",
    "Deleting",
    "Installing",
    "Deploying",
    "Scaling",
    "Pending",
)
_OVER: Final = ("Succeeded", "Complete", "Completed")
_AT_REST: Final = frozenset({("Reconciling", "False"), ("Stalled", "False")})
# What contradicts "healthy" whoever says it.
SHOULD_BE_TRUE: Final = frozenset({"Ready", "Available", "Healthy"})
SHOULD_NOT_BE_TRUE: Final = frozenset({"Degraded", "Failed", "Stalled"})
MAX_LOOKED_AT: Final = 200  # fields of a status, items of a list in it, and fields below each

_WORDS: Final = ("phase", "state", "status", "health")  # ends of the names of fields that hold a word
_NO_ERROR: Final = frozenset({"none", "null", "nil", "no error", "noerror", "n/a", "ok"})
_RESULTS: Final = ("result", "verdict")  # and of those that tell how something ended
_PAST: Final = ("history", "previous", "past", "old", "last", "backup", "snapshot")  # lists that tell of what was
_ERRORS: Final = frozenset(
    {"error", "errorMessage", "errMsg", "failureMessage", "failureReason", "failure", "errors", "problems"}
)
_FLAGS: Final = frozenset(
    {
        "ready",
        "readyToUse",
        "healthy",
        "available",
        "valid",
        "synced",
        "deployed",
        "applied",
        "provisioned",
        "connected",
        "complete",
        "completed",
        "success",
        "succeeded",
        "successful",
        "isReady",
        "isConnected",
        "pass",
        "passed",
    }
)
_PAUSES: Final = ("suspend", "paused", "suspended", "hibernate")
_WANTED: Final = (
    ("spec", "replicas"),
    ("spec", "instances"),
    ("spec", "size"),
    ("status", "desiredReplicas"),
    ("status", "pods"),
    ("status", "matchedPods"),
    ("status", "desiredNumberScheduled"),
)
_PRESENT: Final = (
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "readyInstances",
    "readyNodes",
    "readyPods",
    "currentPods",
    "updatedPods",
    "upToDateNodes",
    "numberReady",
)
Evidence = tuple[Tone, str]


def infer(facts: Facts) -> Judgement:
    """The judgement without any rule. The object is readable, not being deleted, and its status is current."""
    found = tuple(evidence(facts))
    for looked_for, state in (
        (Tone.BAD, HealthState.DEGRADED),
        (Tone.PAUSED, HealthState.SUSPENDED),
        (Tone.BUSY, HealthState.PROGRESSING),
        (Tone.GOOD, HealthState.HEALTHY),
    ):
        if message := next((text for sort, text in found if sort is looked_for), None):
            return Judgement(state, said(message), "inference")
    if found:
        return Judgement(HealthState.UNKNOWN, said(found[0][1]), "inference")
    return _without_evidence(facts)


def contradiction(facts: Facts, despite: Sequence[str]) -> tuple[HealthState, str] | None:
    """What forbids to call this object healthy, whoever says it: the state instead, and the condition in words."""
    for item in facts.conditions:
        if item.type in despite:
            continue
        if judge_condition(item, settled=True) is Tone.BAD or (item.type in SHOULD_NOT_BE_TRUE and item.status == "True"):
            return HealthState.DEGRADED, item.says
        if item.type in SHOULD_BE_TRUE and item.status != "True":
            return HealthState.PROGRESSING, item.says
    return None


def evidence(facts: Facts) -> Iterator[Evidence]:
    """Everything the object says about its health."""
    generation = facts.metadata.get("generation")
    conditions = [*facts.conditions, *_deeper(facts.status, generation)]
    ends = last_token(facts.kind) in _TO_AN_END
    settled = any(item.type in SETTLING and item.status == "True" and not item.stale for item in conditions)
    yield from _conditions_say(conditions, settled=settled, ends=ends)
    yield from _spoken(facts.status, "status", settled=settled, ends=ends)
    yield from _labelled(facts.metadata)
    yield from _counted(facts)
    for name in _PAUSES:
        if facts.spec.get(name) is True:
            yield Tone.PAUSED, f"spec.{name} is true"
    managed = facts.spec.get("managementState")
    if isinstance(managed, str) and managed.lower() == "unmanaged":
        yield Tone.PAUSED, f"spec.managementState is {managed}"


def _conditions_say(conditions: Sequence[Condition], *, settled: bool, ends: bool) -> Iterator[Evidence]:
    hold = {(item.type, item.status) for item in conditions}
    runs = ends and hold.isdisjoint((name, "True") for name in _OVER)
    for item in conditions:
        sort = judge_condition(item, settled=settled)
        if runs and sort is Tone.NONE and item.type == "Running" and item.status == "True":
            sort = Tone.BUSY
        if sort is Tone.GOOD and last_token(item.type) in _STEPS:
            yield Tone.NONE, f"{item.type} is True, and nothing says that it has arrived"
        elif sort is not Tone.NONE:
            yield sort, item.says
    if hold >= _AT_REST:
        yield Tone.GOOD, "it is neither reconciling nor stalled"


def judge_condition(item: Condition, *, settled: bool = False) -> Tone:
    """What one condition says. NONE: nothing that counts."""
    if item.stale:
        return Tone.BUSY
    if item.status not in ("True", "False", "Unknown") and (word := tone(item.status)) is not Tone.NONE:
        return word
    return _judged(item, settled=settled)


def _judged(item: Condition, *, settled: bool) -> Tone:
    kind = (_known_polarity if len(item.type) <= MAX_WORD else _polarity)(item.type)
    if item.severity == "Info":
        return Tone.GOOD if item.status == "True" and kind is Tone.GOOD else Tone.NONE
    if kind is Tone.GOOD:
        return _positive(item, settled=settled and item.type not in MAIN)
    if item.status == "True":
        return _holds(item, kind)
    if item.status == "False":
        return _does_not_hold(item, kind, settled=settled)
    return Tone.NONE if settled else Tone.BUSY


def _holds(item: Condition, kind: Tone) -> Tone:
    """A condition that is not one of the good ones, and is True: Degraded, Paused, Reconciling, or a name we do not know."""
    hint = _hint(item)
    if kind in (Tone.BAD, Tone.PAUSED):
        return kind
    if hint is Tone.BAD:
        return Tone.BAD
    arrived = hint is Tone.GOOD and last_token(item.reason) not in _STEPS
    return Tone.BUSY if kind is Tone.BUSY and not arrived else Tone.NONE


def _does_not_hold(item: Condition, kind: Tone, *, settled: bool) -> Tone:
    """One that is False: Progressing may be False because it failed; of a name we do not know the reason has to tell."""
    hint = _hint(item)
    if hint is Tone.BAD and kind is not Tone.BAD and (kind is Tone.NONE or tone(item.reason) is Tone.BAD):
        return Tone.BAD
    return Tone.BUSY if hint is Tone.BUSY and kind is Tone.NONE and not settled else Tone.NONE


def _positive(item: Condition, *, settled: bool) -> Tone:
    if item.status == "True":
        return Tone.BAD if tone(item.reason) is Tone.BAD else Tone.GOOD
    if item.status == "False" and (hint := _hint(item)) in (Tone.BAD, Tone.PAUSED):
        return hint
    return Tone.NONE if settled else Tone.BUSY


def _polarity(name: str) -> Tone:
    """BAD for a type that must not be True, GOOD for one that must, BUSY and PAUSED for what passes, NONE when not known."""
    head = last_token(name)
    found = tone(head)
    whole_name = tone(name)
    if found is Tone.NONE and name.startswith(_VERBS):
        return Tone.BUSY
    if found is Tone.NONE or whole_name is Tone.BAD:
        return whole_name if whole_name in (Tone.BAD, Tone.PAUSED, Tone.GOOD) else Tone.NONE
    if head == "running":
        return Tone.NONE  # Running is False of a transfer that has completed, and True of a loop that idles
    negated = whole_name is Tone.BUSY and found is Tone.GOOD and name.startswith(("Not", "No"))
    return Tone.BAD if negated else found


_known_polarity = functools.lru_cache(maxsize=4_096)(_polarity)


def _hint(item: Condition) -> Tone:
    by_reason = tone(item.reason)
    return Tone.BAD if by_reason is Tone.BAD or prose(item.message) is Tone.BAD else by_reason


def _deeper(status: Mapping[str, Any], generation: object) -> Iterator[Condition]:
    """Conditions in the lists of a status, as routes keep them for each parent."""
    for name, part in list(status.items())[:MAX_LOOKED_AT]:
        if not isinstance(part, (list, tuple)) or name == "conditions" or _of_the_past(name):
            continue
        for item in part[:MAX_LOOKED_AT]:
            if isinstance(item, Mapping) and isinstance(item.get("conditions"), (list, tuple)):
                try:
                    yield from conditions_in(item["conditions"], generation, name)
                except ShapeError as error:
                    yield Condition(str(name), "Unknown", "", str(error), "", stale=False)


def _spoken(status: Mapping[str, Any], where: str, *, settled: bool, ends: bool) -> Iterator[Evidence]:
    for name, value in list(status.items())[:MAX_LOOKED_AT]:
        if not isinstance(name, str):
            continue
        if isinstance(value, str) and value and name.lower().endswith(_WORDS):
            on = ends or name.lower().startswith(_DOINGS)
            sort = Tone.BUSY if on and value.lower() in _ON_THE_WAY else tone(value)
            yield _said(sort, f"{where}.{name} is {value}", settled=settled)
        elif isinstance(value, Mapping) and name in _WORDS and where == "status":
            yield from _spoken(value, f"{where}.{name}", settled=settled, ends=ends)
        elif name != "conditions" and not (isinstance(value, (list, tuple)) and _of_the_past(name)):
            yield from _below(value, f"{where}.{name}", [MAX_LOOKED_AT], 1)
            if isinstance(value, str):
                yield from _ended(name, value, f"{where}.{name}")
        if name in _ERRORS and _tells(value):
            yield Tone.BAD, f"{where}.{name}: {value}" if isinstance(value, str) else f"{where}.{name} is not empty"
        if name in _FLAGS and isinstance(value, bool):
            yield Tone.GOOD if value else Tone.BUSY, f"{where}.{name} is {str(value).lower()}"


def _ended(name: str, value: str, where: str) -> Iterator[Evidence]:
    """A result that tells of failure; a good one may be of anything."""
    if name.lower().endswith(_RESULTS) and not _of_the_past(name) and tone(value) is Tone.BAD:
        yield Tone.BAD, f"{where} is {value}"


def _tells(error: object) -> bool:
    """Whether the field for an error holds one: some controllers write that there is none."""
    if isinstance(error, Mapping):
        return any(error.values())
    return bool(error) and not (isinstance(error, str) and error.strip().lower() in _NO_ERROR)


def _labelled(metadata: Mapping[str, Any]) -> Iterator[Evidence]:
    """A label such as example.org/state that tells of failure; a good one proves nothing."""
    labels = metadata.get("labels")
    if isinstance(labels, Mapping):
        for name, value in list(labels.items())[:MAX_LOOKED_AT]:
            if isinstance(name, str) and isinstance(value, str) and name.lower().endswith(_WORDS) and tone(value) is Tone.BAD:
                yield Tone.BAD, f"its label {name} is {value}"


def _said(sort: Tone, message: str, *, settled: bool) -> Evidence:
    """An unknown word is no evidence while conditions say that all is well, and a doubt otherwise."""
    return (Tone.GOOD, message) if sort is Tone.NONE and settled else (sort, message)


def _below(part: object, where: str, left: list[int], depth: int) -> Iterator[Evidence]:
    """Words below the first level tell of trouble; a good one there does not speak for the whole. `left` bounds the walk."""
    if isinstance(part, (list, tuple)):
        for item in part[:MAX_LOOKED_AT]:
            if isinstance(item, Mapping):
                yield from _below(item, where, left, depth)
    if not isinstance(part, Mapping):
        return
    for key, value in list(part.items())[:MAX_LOOKED_AT]:
        left[0] -= 1
        if left[0] < 0 or not isinstance(key, str):
            return
        if isinstance(value, str):
            yield from _word_below(key, value, f"{where}.{key}", depth)
        elif value is False and key == "success":
            yield Tone.BAD, f"{where}.success is false"
        elif key != "conditions" and not _of_the_past(key):
            yield from _below(value, f"{where}.{key}", left, depth + 1)


def _word_below(key: str, value: str, where: str, depth: int) -> Iterator[Evidence]:
    if key in _ERRORS and _tells(value):
        yield Tone.BAD, f"{where}: {value}"
    elif key.lower().endswith(_WORDS):
        sort = tone(value)
        if sort is Tone.BAD or depth == 1:
            yield (sort if sort is not Tone.GOOD else Tone.NONE), f"{where} is {value}"
    else:
        yield from _ended(key, value, where)


def _of_the_past(name: object) -> bool:
    return isinstance(name, str) and any(word in name.lower() for word in _PAST)


def _counted(facts: Facts) -> Iterator[Evidence]:
    holders = {"spec": facts.spec, "status": facts.status}
    wanted = next((n for where, name in _WANTED if whole(n := holders[where].get(name))), None)
    if wanted is not None:
        for name in _PRESENT:
            found = facts.status.get(name)
            if whole(found):
                yield (Tone.BUSY if found < wanted else Tone.GOOD), f"{found} of {wanted} {name}"
    missing = facts.status.get("unavailableReplicas")
    if whole(missing) and missing > 0:
        yield Tone.BUSY, f"{missing} unavailableReplicas"


def _without_evidence(facts: Facts) -> Judgement:
    has_spec = isinstance(facts.object.get("spec"), Mapping)
    if not has_spec and not isinstance(facts.object.get("status"), Mapping):
        return Judgement(HealthState.HEALTHY, "it exists, and has no spec to become", "inference")
    if not facts.status:
        return Judgement(HealthState.PROGRESSING, "its controller has not reported a status yet", "inference")
    if not has_spec:
        return Judgement(HealthState.HEALTHY, "it has no spec to become, and its status tells of nothing bad", "inference")
    return Judgement(HealthState.UNKNOWN, "its status says nothing about health that is understood", "inference")
