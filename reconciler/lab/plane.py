"""Desired state as the lab holds it: live specs, who owns them, and the generation of each unit.

A `Plane` is a value: applying a plan gives a new one and the results, object by object, and the world stores it before it acts.
An older generation than the unit's is refused whole; so is an equal one under another revision. Wrong objects fail alone.
An object belongs to the unit that applied it last: another unit's prune leaves it alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.lab.faults import HandEdit
from reconciler.lab.specs import NAME, SpecError, read_spec, split_id

REVISION = re.compile(r"[-._/:0-9A-Za-z]{1,100}")
DIGEST = re.compile(r"[-:0-9A-Za-z]{1,100}")
VERBS = ("create", "update", "prune")
MAX_OBJECTS = 500


class RequestError(ValueError):
    """A body that is no such request; `where` names the place."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True, slots=True)
class UnitPlan:
    unit: str
    revision: str
    generation: int
    steps: tuple[tuple[str, str], ...]  # (verb, id)
    objects: Mapping[str, tuple[Any, str]]  # id -> (spec, digest)


@dataclass(frozen=True, slots=True)
class Held:
    generation: int = 0
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to a plan. `stale` means that nothing was done."""

    plan: UnitPlan
    results: tuple[dict[str, Any], ...]
    stale: Held | None = None

    def shown(self) -> dict[str, Any]:
        if self.stale is not None:
            return {"reason": "stale-plan", "generation": self.stale.generation, "revision": self.stale.revision, "results": []}
        reason = "applied" if all(r["ok"] for r in self.results) else "invalid"
        head = {"unit": self.plan.unit, "revision": self.plan.revision, "generation": self.plan.generation}
        return {**head, "reason": reason, "results": list(self.results)}


@dataclass(frozen=True, slots=True)
class Plane:
    units: Mapping[str, Held] = field(default_factory=dict)
    live: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # id -> spec
    inventory: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # id -> (unit, digest)

    def held(self, unit: str) -> Held:
        return self.units.get(unit, Held())

    def of_unit(self, unit: str) -> list[str]:
        return sorted(i for i, (owner, _) in self.inventory.items() if owner == unit)

    def observe(self, unit: str) -> dict[str, Any]:
        held, ids = self.held(unit), self.of_unit(unit)
        objects = {i: self.live[i] for i in ids if i in self.live}
        digests = {i: self.inventory[i][1] for i in ids}
        return {"unit": unit, "generation": held.generation, "revision": held.revision, "objects": objects, "inventory": digests}

    def apply(self, plan: UnitPlan) -> tuple[Plane, Applied]:
        """The plane after this plan; this plane when the plan is stale."""
        held = self.held(plan.unit)
        if plan.generation < held.generation or (plan.generation == held.generation and plan.revision != held.revision):
            return self, Applied(plan, (), stale=held)
        live, inventory, results = dict(self.live), dict(self.inventory), []
        for verb, object_id in plan.steps:
            act = _prune if verb == "prune" else _write
            results.append(act(plan, verb, object_id, live, inventory))
        units = {**self.units, plan.unit: Held(plan.generation, plan.revision)}
        return Plane(units, live, inventory), Applied(plan, tuple(results))

    def edit(self, edit: HandEdit) -> Plane:
        """Somebody changes the live object by hand; ownership and digests stay, so it shows as drift."""
        if edit.object_id not in self.live:
            raise SpecError(f"id: {edit.object_id} is not live")
        live = dict(self.live)
        if edit.fields is None:
            del live[edit.object_id]
        else:
            live[edit.object_id] = {**live[edit.object_id], **edit.fields}
            read_spec(edit.object_id, live[edit.object_id])
        return replace(self, live=live)

    def dump(self) -> dict[str, Any]:
        units = {u: [h.generation, h.revision] for u, h in self.units.items()}
        return {"units": units, "live": dict(self.live), "inventory": {i: list(v) for i, v in self.inventory.items()}}


def load_plane(data: Mapping[str, Any]) -> Plane:
    units = {u: Held(*v) for u, v in data["units"].items()}
    return Plane(units, data["live"], {i: (v[0], v[1]) for i, v in data["inventory"].items()})


def _result(object_id: str, verb: str, reason: str, detail: str = "", *, ok: bool = True) -> dict[str, Any]:
    return {"id": object_id, "verb": verb, "ok": ok, "reason": reason, "detail": detail}


def _write(plan: UnitPlan, verb: str, object_id: str, live: dict[str, Any], inventory: dict[str, Any]) -> dict[str, Any]:
    if object_id not in plan.objects:
        return _result(object_id, verb, "invalid", "the plan holds no such object", ok=False)
    spec, digest = plan.objects[object_id]
    try:
        read_spec(object_id, spec)
        _refuse_twin(object_id, live)
    except SpecError as error:
        return _result(object_id, verb, "invalid", str(error), ok=False)
    live[object_id], inventory[object_id] = spec, (plan.unit, digest)
    return _result(object_id, verb, "applied")


def _refuse_twin(object_id: str, live: Mapping[str, Any]) -> None:
    """A service and a database of one name would answer the same calls."""
    kind, name = split_id(object_id)
    twin = f"{'Database' if kind == 'Service' else 'Service'}/{name}"
    if twin in live:
        raise SpecError(f"id: {twin} has this name already")


def _prune(plan: UnitPlan, verb: str, object_id: str, live: dict[str, Any], inventory: dict[str, Any]) -> dict[str, Any]:
    owner = inventory.get(object_id, ("", ""))[0]
    if owner != plan.unit:
        return _result(object_id, verb, "ok", f"owned by unit {owner}, left alone" if owner else "already gone")
    live.pop(object_id, None)
    del inventory[object_id]
    return _result(object_id, verb, "applied")


def read_plan(data: Any) -> UnitPlan:
    """A plan from the body of /apply, or a RequestError that names the place. Specs are judged later, one by one."""
    if not isinstance(data, dict):
        raise RequestError("expected an object", "body")
    if unknown := sorted(str(k) for k in data if k not in {"unit", "revision", "generation", "steps", "objects"}):
        raise RequestError(f"unknown key {unknown[0][:40]!r}", "body")
    generation = data.get("generation")
    if isinstance(generation, bool) or not isinstance(generation, int) or not 1 <= generation < 2**53:
        raise RequestError("expected a whole number of at least 1", "generation")
    unit, revision = _text(data, "unit", NAME, "unit"), _text(data, "revision", REVISION, "revision")
    return UnitPlan(unit, revision, generation, _steps(data.get("steps")), _objects(data.get("objects")))


def _steps(steps: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for i, step in enumerate(_list(steps, "steps")):
        at = f"steps[{i}]"
        if not isinstance(step, dict) or set(step) != {"verb", "id"} or step["verb"] not in VERBS:
            raise RequestError(f'expected {{"verb": {"|".join(VERBS)}, "id": ...}}', at)
        found.append((step["verb"], _object_id(step["id"], at)))
    if len({object_id for _, object_id in found}) != len(found):
        raise RequestError("the same object twice", "steps")
    return tuple(found)


def _objects(objects: Any) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for i, item in enumerate(_list(objects, "objects")):
        at = f"objects[{i}]"
        if not isinstance(item, dict) or set(item) != {"id", "spec", "digest"}:
            raise RequestError("expected id, spec and digest", at)
        object_id = _object_id(item["id"], at)
        if object_id in found:
            raise RequestError("the same object twice", at)
        found[object_id] = (item["spec"], _text(item, "digest", DIGEST, f"{at}.digest"))
    return found


def _list(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_OBJECTS:
        raise RequestError(f"expected a list of at most {MAX_OBJECTS}", at)
    return value


def _object_id(value: Any, at: str) -> str:
    try:
        split_id(value if isinstance(value, str) else "")
    except SpecError as error:
        raise RequestError(str(error), at) from error
    return str(value)


def _text(data: Mapping[str, Any], key: str, pattern: re.Pattern[str], at: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise RequestError(f"expected text of the form {pattern.pattern}", at)
    return value
