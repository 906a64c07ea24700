"""What a unit's plan may contain: the guards between what a target would do and what it is allowed to do.

In: the unit, the target's plan, ownership, what the target holds. Out: a Trimmed plan, or the Reason of a refusal.

The guards, numbered as in the code:
0. A confined unit declares nothing outside of its namespaces; one such object refuses the unit.
1. An empty result is refused unless the unit says allowEmpty: an empty set never means "delete everything".
2. A deletion of what another unit takes over, or of anything while a unit of the target does not render, is held back.
3. More deletions than the unit's budget refuse the whole plan: everything is kept.
4. Drift is put back only under `correct`, without a brake, and not in a fight; changes from Git are applied regardless.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reconciler.converge.claims import Claims
from reconciler.documents.installation import Unit
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Observed, Plan, Rendered, Step, Verb


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The plan that may be applied. `corrections` are drift, `held` says in words what is held back."""

    plan: Plan
    corrections: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    waits_for: frozenset[str] = frozenset()  # units whose success makes the held deletions unnecessary
    again: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether drift may be corrected now: `braked` by a person, `fighting` asks for one object."""

    braked: bool
    fighting: Callable[[str], bool]


def refuse_empty(unit: Unit, rendered: Rendered) -> Refused | None:
    """Guard 1."""
    if rendered.objects or unit.allow_empty:
        return None
    where = f"{unit.path} holds no manifest" if rendered.tree else f"there is no folder {unit.path}"
    return Refused(
        Reason.EMPTY_RESULT,
        f"unit {unit.name} renders to nothing ({where}); everything is kept. To delete it all, set allowEmpty on the unit",
    )


def refuse_outside(unit: Unit, object_id: str) -> str:
    """Guard 0: why a unit that is confined to some namespaces may not declare an object; "" when it may."""
    allowed = unit.apply.confined_to
    _, *inside, _ = object_id.split("/")
    if not allowed or (inside and inside[0] in allowed):
        return ""
    where = f"is in namespace {inside[0]}" if inside else "lives in no namespace"
    return (
        f"{object_id} {where}, and unit {unit.name} may only declare objects in {', '.join(allowed)} (apply.namespaces); "
        "move it to a unit that may"
    )


def trim(unit: Unit, plan: Plan, claims: Claims, observed: Observed, leave: Leave) -> Trimmed | Refused:
    """Guards 2-4."""
    if plan.is_empty:
        return Trimmed(plan)
    gone = [s.id for s in plan.steps if s.verb is Verb.PRUNE]
    taken = {i: claims.wanted[i] for i in gone if claims.wanted.get(i, unit.name) != unit.name}
    prunes = [i for i in gone if i not in taken]
    blind = claims.blind if prunes else ""
    if len(prunes) > unit.prune_budget and not blind:  # 3
        return Refused(
            Reason.PRUNE_BUDGET,
            f"unit {unit.name} would delete {len(prunes)} objects ({', '.join(prunes[:5])}), its pruneBudget is "
            f"{unit.prune_budget}; everything is kept. Raise pruneBudget if this is meant",
        )
    desired = {o.id: o.digest for o in plan.objects}
    drift = {s.id: _leave_drift(unit, s, leave) for s in plan.steps if _is_drift(s, desired, observed)}
    dropped = {*taken, *(prunes if blind else ()), *(i for i, why in drift.items() if why)}
    return Trimmed(
        replace(plan, steps=tuple(s for s in plan.steps if s.id not in dropped)),
        corrections=tuple(i for i, why in drift.items() if not why),
        held=(*_held(taken, prunes if blind else [], blind), *(f"{i} stays as it is: {why}" for i, why in drift.items() if why)),
        waits_for=frozenset(taken.values()),
        again=bool(blind),
    )


def _held(taken: dict[str, str], prunes: list[str], blind: str) -> tuple[str, ...]:  # 2
    moved = tuple(f"{object_id} is not deleted: unit {unit} takes it over" for object_id, unit in taken.items())
    return moved + tuple(f"{object_id} is not deleted while unit {blind} does not render" for object_id in prunes)


def _is_drift(step: Step, desired: Mapping[str, str], observed: Observed) -> bool:
    """Git wants what was applied last; only the live object is different or gone."""
    return step.verb is not Verb.PRUNE and step.id in desired and observed.inventory.get(step.id) == desired[step.id]


def _leave_drift(unit: Unit, step: Step, leave: Leave) -> str:  # 4
    """Why a drifted object is left alone; "" when it may be corrected."""
    if unit.drift != "correct":
        return f"the unit's drift policy is {unit.drift}"
    if leave.braked:
        return "a brake stops drift correction"
    return "something else changes it again and again" if leave.fighting(step.id) else ""
