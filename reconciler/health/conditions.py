"""What the conditions of a status say about health, one by one and together.

In: conditions as `facts` read them. Out: evidence, a tone and the words for it. A type that must not be True (Degraded, Failed,
Stalled) and is, or one that must be and is False for a reason that tells of failure, is bad; False otherwise, or Unknown, is
busy. While Ready is True a lesser condition that is Unknown does not count, and of those that are False only a switch
(ScalerActive, AutoscalingEnabled) does not.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from reconciler.health.facts import MAX_LOOKED_AT, Condition, ShapeError, conditions_in, of_the_past
from reconciler.health.words import MAX_WORD, Tone, last_token, prose, tone

MAIN: Final = frozenset(
    {"Ready", "Available", "Healthy", "Synced", "Installed", "Reconciled", "Succeeded", "Complete", "Completed"}
)
# While one of these is True, lesser conditions count for less.
SETTLING: Final = frozenset({"Ready", "Available", "Succeeded", "Complete", "Completed"})
OVER: Final = frozenset({"Succeeded", "Complete", "Completed"})
# Heads of conditions that are a step on the way: True proves nothing about the end of it.
_STEPS: Final = frozenset({
    "launched", "registered", "scheduled", "created", "started", "initialized", "validated", "valid", "attached", "discovered",
    "published", "allocated", "loaded", "approved", "present", "exists", "ensured",
})  # fmt: skip
_ERRORS: Final = frozenset({"error", "errors", "failed", "failure"})  # ends of reasons why it is Unknown and not just late
_SWITCHES: Final = frozenset({"active", "enabled"})  # heads of conditions that may be False of what is well
# First words of conditions such as RollingDeployment.
_VERBS: Final = (
    "Rolling", "Migrating", "Updating", "Upgrading", "Creating", "Deleting", "Installing", "Deploying", "Scaling", "Pending",
)  # fmt: skip
_AT_REST: Final = frozenset({("Reconciling", "False"), ("Stalled", "False")})
# What contradicts "healthy" whoever says it.
SHOULD_BE_TRUE: Final = frozenset({"Ready", "Available", "Healthy"})
SHOULD_NOT_BE_TRUE: Final = frozenset({"Degraded", "Failed", "Stalled"})
MAX_OF_PARTS: Final = 2_000  # conditions in the lists of a status


class Evidence(NamedTuple):
    """One thing that an object says. `source` is the condition that says it, or the top field of the status as
    `status.NAME`, else "".
    """

    tone: Tone
    text: str
    source: str = ""


def settled(conditions: Sequence[Condition]) -> bool:
    """Whether a condition that sums up the others is True."""
    return any(item.type in SETTLING and item.status == "True" and not item.stale for item in conditions)


def spoken(conditions: Sequence[Condition], *, ends: bool) -> Iterator[Evidence]:
    """What they say together. `ends`: of a kind that runs to an end, which is not well while it runs."""
    if not conditions:
        return
    hold = {(item.type, item.status) for item in conditions}
    runs = ends and hold.isdisjoint((name, "True") for name in OVER)
    all_well = settled(conditions)
    for item in conditions:
        sort = judge_condition(item, settled=all_well)
        if runs and sort is Tone.NONE and item.type == "Running" and item.status == "True":
            sort = Tone.BUSY
        if sort is Tone.GOOD and last_token(item.type) in _STEPS:
            yield Evidence(Tone.NONE, f"{item.type} is True, and nothing says that it has arrived", item.type)
        elif sort is not Tone.NONE:
            yield Evidence(sort, item.says, item.type)
    if hold >= _AT_REST:
        yield Evidence(Tone.GOOD, "it is neither reconciling nor stalled")


def contradiction(conditions: Sequence[Condition], despite: Collection[str]) -> Evidence | None:
    """The condition that forbids to call an object healthy, whoever says it."""
    for item in conditions:
        if item.type in despite:
            continue
        if judge_condition(item, settled=True) is Tone.BAD or (item.type in SHOULD_NOT_BE_TRUE and item.status == "True"):
            return Evidence(Tone.BAD, item.says, item.type)
        if item.type in SHOULD_BE_TRUE and item.status != "True":
            return Evidence(Tone.BUSY, item.says, item.type)
    return None


def judge_condition(item: Condition, *, settled: bool = False) -> Tone:
    """What one condition says. NONE: nothing that counts."""
    if item.stale:
        return Tone.BUSY
    if item.status not in ("True", "False", "Unknown") and (word := tone(item.status)) is not Tone.NONE:
        return word
    return _judged(item, settled=settled)


def unclear(item: Condition) -> bool:
    """Whether it holds and nobody can tell what that means, as of a type that is not known, with a reason that says nothing.
    What an object is able to (Upgradeable) is no health.
    """
    if last_token(item.type).endswith("able"):
        return False
    return item.status == "True" and _polarity(item.type) is Tone.NONE and judge_condition(item) is Tone.NONE


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
    if item.reason.startswith(f"No{item.type}"):
        return Tone.NONE  # NoFallbackFound says of Fallback that it is False, and no more
    hint = _hint(item)
    if hint is Tone.BAD and kind is not Tone.BAD and (kind is Tone.NONE or tone(item.reason) is Tone.BAD):
        return Tone.BAD
    return Tone.BUSY if hint is Tone.BUSY and kind is Tone.NONE and not settled else Tone.NONE


def _positive(item: Condition, *, settled: bool) -> Tone:
    if item.status == "True":
        if tone(item.reason) is Tone.BAD:
            return Tone.BAD
        return Tone.BUSY if prose(item.message) is Tone.BAD else Tone.GOOD
    if item.status == "False" and (hint := _hint(item)) in (Tone.BAD, Tone.PAUSED):
        return hint
    if item.status != "False" and item.type in MAIN and last_token(item.reason) in _ERRORS:
        return Tone.BAD
    passes = item.status != "False" or last_token(item.type) in _SWITCHES
    return Tone.NONE if settled and passes else Tone.BUSY


def _polarity(name: str) -> Tone:
    """BAD for a type that must not be True, GOOD for one that must, BUSY and PAUSED for what passes, NONE when not known."""
    head = last_token(name)
    found = tone(head)
    whole_name = tone(name)
    if found is Tone.NONE and name.startswith(_VERBS):
        return Tone.BUSY
    if found is Tone.NONE or whole_name is Tone.BAD:
        return whole_name if whole_name in (Tone.BAD, Tone.PAUSED, Tone.GOOD) else Tone.NONE
    if found is Tone.BAD and whole_name is Tone.GOOD:
        return Tone.GOOD  # NoErrors
    if head == "running":
        return Tone.NONE  # Running is False of a transfer that has completed, and True of a loop that idles
    negated = whole_name is Tone.BUSY and found is Tone.GOOD and name.startswith(("Not", "No"))
    return Tone.BAD if negated else found


_known_polarity = functools.lru_cache(maxsize=4_096)(_polarity)


def _hint(item: Condition) -> Tone:
    by_reason = tone(item.reason)
    return Tone.BAD if by_reason is Tone.BAD or prose(item.message) is Tone.BAD else by_reason


def of_parts(status: Mapping[str, Any], generation: object) -> Iterator[Condition]:
    """Conditions in the lists of a status, as routes keep them for each parent. Of too many nobody knows what the others say."""
    left = MAX_OF_PARTS
    for name, part in list(status.items())[:MAX_LOOKED_AT]:
        if isinstance(part, (list, tuple)) and name != "conditions" and not of_the_past(name):
            for found in itertools.chain.from_iterable(_conditions_of(item, generation, name) for item in part):
                left -= 1
                if left < 0:
                    yield Condition("Healthy", "Unknown", "", f"status.{name} has more conditions than are read", "", stale=False)
                    return
                yield found


def of_maps(status: Mapping[str, Any], generation: object) -> Iterator[Evidence]:
    """Conditions in a map of the status: of a part, or of what stands behind the object, so good ones do not count."""
    for name, part in list(status.items())[:MAX_LOOKED_AT]:
        if isinstance(part, Mapping) and name != "conditionedStatus" and not of_the_past(name):
            found = list(_conditions_of(part, generation, name))
            said = [(judge_condition(item, settled=settled(found)), item.says) for item in found]
            yield from (Evidence(sort, text, f"status.{name}") for sort, text in said if sort in (Tone.BAD, Tone.BUSY))


def _conditions_of(item: object, generation: object, name: object) -> Iterator[Condition]:
    if isinstance(item, Mapping) and isinstance(item.get("conditions"), (list, tuple)):
        try:
            yield from conditions_in(item["conditions"], generation, str(name))
        except ShapeError as error:
            yield Condition(str(name), "Unknown", "", str(error), "", stale=False)
