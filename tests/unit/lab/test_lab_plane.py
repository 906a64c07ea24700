"""Desired state: generations, ownership, and objects that fail alone."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.lab.faults import HandEdit
from reconciler.lab.plane import Plane, RequestError, UnitPlan, load_plane, read_plan
from reconciler.lab.specs import SpecError

DB = {"connections": 80, "cpuMillis": 4000}


def plan(generation: int = 1, revision: str = "r1", unit: str = "data", verb: str = "create", **specs: Any) -> UnitPlan:
    specs = specs or {"a": DB}
    steps = tuple((verb, f"Database/{name}") for name in specs)
    return UnitPlan(unit, revision, generation, steps, {f"Database/{n}": (s, f"sha256:{n}") for n, s in specs.items()})


def body(**changed: Any) -> dict[str, Any]:
    step = {"verb": "create", "id": "Database/a"}
    return {"unit": "data", "revision": "r1", "generation": 1, "steps": [step],
            "objects": [{"id": "Database/a", "spec": DB, "digest": "sha256:a"}], **changed}  # fmt: skip


def test_an_applied_object_is_live_and_owned() -> None:
    plane, applied = Plane().apply(plan())
    assert applied.shown()["reason"] == "applied"
    assert plane.observe("data") == {
        "unit": "data", "generation": 1, "revision": "r1", "objects": {"Database/a": DB}, "inventory": {"Database/a": "sha256:a"},
    }  # fmt: skip


def test_an_unknown_unit_is_empty_at_generation_zero() -> None:
    assert Plane().observe("data") == {"unit": "data", "generation": 0, "revision": "", "objects": {}, "inventory": {}}


@pytest.mark.parametrize(("generation", "revision"), [(4, "r5"), (4, "r4"), (5, "other")])
def test_an_older_plan_or_another_of_the_same_generation_is_stale(generation: int, revision: str) -> None:
    plane, _ = Plane().apply(plan(5, "r5"))
    after, applied = plane.apply(plan(generation, revision, a={**DB, "connections": 1}))
    assert after is plane
    assert applied.shown() == {"reason": "stale-plan", "generation": 5, "revision": "r5", "results": []}


def test_generations_are_per_unit() -> None:
    plane, _ = Plane().apply(plan(5, "r5"))
    _, applied = plane.apply(plan(1, "r1", unit="other", b=DB))
    assert applied.stale is None


def test_the_same_plan_twice_is_the_same_as_once() -> None:
    once, first = Plane().apply(plan())
    twice, second = once.apply(plan())
    assert twice == once
    assert second.shown() == first.shown()


def test_a_wrong_object_fails_alone() -> None:
    plane, applied = Plane().apply(plan(a={"connections": 0, "cpuMillis": 1000}, b=DB))
    assert [r["ok"] for r in applied.results] == [False, True]
    assert "connections" in applied.results[0]["detail"]
    assert applied.shown()["reason"] == "invalid"
    assert list(plane.live) == ["Database/b"]


def test_a_step_without_its_object_fails_alone() -> None:
    _, applied = Plane().apply(UnitPlan("data", "r1", 1, (("create", "Database/a"),), {}))
    assert applied.results[0]["detail"] == "the plan holds no such object"


def test_a_service_cannot_take_a_databases_name() -> None:
    spec = {"release": "1", "replicas": 1, "cpuMillis": 100, "memoryMiB": 64, "workers": 1, "queue": {"limit": 1, "timeoutMs": 1}}
    plane, _ = Plane().apply(plan())
    _, applied = plane.apply(UnitPlan("x", "r1", 1, (("create", "Service/a"),), {"Service/a": (spec, "d")}))
    assert not applied.results[0]["ok"]


def test_a_pruned_object_is_gone() -> None:
    plane, _ = Plane().apply(plan())
    plane, applied = plane.apply(plan(2, "r2", verb="prune"))
    assert applied.results[0]["reason"] == "applied"
    assert (dict(plane.live), dict(plane.inventory)) == ({}, {})


def test_pruning_what_is_gone_is_fine() -> None:
    _, applied = Plane().apply(plan(verb="prune"))
    assert applied.results[0]["ok"]


def test_a_unit_never_prunes_what_another_owns_by_now() -> None:
    plane, _ = Plane().apply(plan())
    plane, _ = plane.apply(plan(unit="new-home"))
    plane, applied = plane.apply(plan(2, "r2", verb="prune"))
    assert "owned by unit new-home" in applied.results[0]["detail"]
    assert "Database/a" in plane.live


def test_a_hand_edit_shows_as_drift() -> None:
    plane, _ = Plane().apply(plan())
    edited = plane.edit(HandEdit("Database/a", {"connections": 9}))
    assert edited.observe("data")["objects"]["Database/a"]["connections"] == 9
    assert edited.observe("data")["inventory"] == {"Database/a": "sha256:a"}


def test_an_object_deleted_by_hand_stays_in_the_inventory() -> None:
    plane, _ = Plane().apply(plan())
    edited = plane.edit(HandEdit("Database/a", None))
    assert edited.observe("data")["objects"] == {}
    assert edited.of_unit("data") == ["Database/a"]


@pytest.mark.parametrize("edit", [HandEdit("Database/a", {"connections": 0}), HandEdit("Database/b", None)])
def test_a_hand_edit_that_cannot_be_is_refused(edit: HandEdit) -> None:
    plane, _ = Plane().apply(plan())
    with pytest.raises(SpecError):
        plane.edit(edit)


def test_a_plane_survives_its_dump() -> None:
    plane, _ = Plane().apply(plan())
    assert load_plane(plane.dump()) == plane


def test_a_body_becomes_a_plan() -> None:
    assert read_plan(body()) == plan()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "body"),
        (body(more=1), "body"),
        (body(unit="../x"), "unit"),
        (body(unit=None), "unit"),
        (body(revision=""), "revision"),
        (body(generation=0), "generation"),
        (body(generation=True), "generation"),
        (body(generation=2**53), "generation"),
        (body(steps=None), "steps"),
        (body(steps=[{"verb": "delete", "id": "Database/a"}]), "steps[0]"),
        (body(steps=[{"verb": ["create"], "id": "Database/a"}]), "steps[0]"),
        (body(steps=[{"verb": "create", "id": 3}]), "steps[0]"),
        (body(steps=body()["steps"] * 2), "steps"),
        (body(objects=[{"id": "Database/a"}]), "objects[0]"),
        (body(objects=body()["objects"] * 2), "objects[1]"),
        (body(objects=body()["objects"] * 501), "objects"),
        (body(objects=[{"id": "Database/a", "spec": DB, "digest": "\n"}]), "objects[0].digest"),
    ],
)
def test_a_body_that_is_no_plan_is_refused_with_its_place(data: object, where: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_plan(data)
    assert refused.value.where == where
