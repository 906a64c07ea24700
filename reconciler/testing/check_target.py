"""The conformance kit for targets: what every Target promises, built-in or third-party.

`CHECKS` holds one function for each promise; each gets a fresh `TargetRig`. `check_target(make)` runs them all. A failed
promise raises AssertionError with a sentence. A rig says how to write a valid and an invalid object for this target and
how to change a live object behind Homeostat's back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, DesiredObject, Plan, Rendered, Step, Verb
from reconciler.ports.target import Target, Telling

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


class TargetRig(Protocol):
    """One fresh, empty target and what a check may do to it."""

    @property
    def target(self) -> Target: ...

    def desired(self, unit: str, name: str, variant: int) -> DesiredObject:
        """A valid object; another `variant` has the same id and another body."""
        ...

    def invalid(self, unit: str, name: str) -> DesiredObject | None:
        """An object that this target cannot accept; None when it accepts everything."""
        ...

    def disturb(self, object_id: str) -> None:
        """Changes the live object, as a person with access to the target would."""
        ...


def rendered(rig: TargetRig, unit: str, *objects: DesiredObject) -> Rendered:
    return Rendered(unit, rig.target.name, "0" * 40, tuple(sorted(objects, key=lambda o: o.id)))


def put(rig: TargetRig, unit: str, generation: int, *objects: DesiredObject, revision: str = ONE) -> ChangeSet:
    """Plan and apply a unit's whole desired set."""
    return rig.target.apply(rig.target.plan(rendered(rig, unit, *objects), revision, generation))


def expect(fact: bool, sentence: str) -> None:
    if not fact:
        raise AssertionError(sentence)


def an_unknown_unit_is_empty_and_has_generation_zero(rig: TargetRig) -> None:
    seen = rig.target.observe("nobody")
    expect((seen.generation, seen.revision, dict(seen.objects), dict(seen.inventory)) == (0, "", {}, {}), f"not empty: {seen}")
    expect(list(rig.target.health("nobody")) == [], "an unknown unit has health")


def a_plan_touches_nothing(rig: TargetRig) -> None:
    plan = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "one", 1)), ONE, 1)
    expect([s.verb for s in plan.steps] == [Verb.CREATE], f"expected one creation, found {plan.steps}")
    expect(not rig.target.observe("shop").objects, "planning made an object")
    expect(rig.target.observe("shop").generation == 0, "planning moved the generation")


def what_is_applied_is_observed_with_its_digest(rig: TargetRig) -> None:
    one, two = rig.desired("shop", "one", 1), rig.desired("shop", "two", 1)
    expect(put(rig, "shop", 4, one, two).ok, "a valid plan was not applied")
    seen = rig.target.observe("shop")
    digests = {one.id: one.digest, two.id: two.digest}
    expect(dict(seen.objects) == digests, f"live digests differ: {seen.objects}")
    expect(dict(seen.inventory) == digests, f"inventory differs: {seen.inventory}")
    expect((seen.generation, seen.revision) == (4, ONE), "generation or revision was not kept")
    expect(dict(rig.target.inventory()) == {one.id: "shop", two.id: "shop"}, "the inventory does not name the owner")


def applying_the_same_plan_twice_is_the_same_as_once(rig: TargetRig) -> None:
    plan = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "one", 1)), ONE, 1)
    rig.target.apply(plan)
    before = rig.target.observe("shop")
    expect(rig.target.apply(plan).ok, "the repetition was refused")
    expect(rig.target.observe("shop") == before, "the repetition changed something")


def a_settled_unit_has_an_empty_plan(rig: TargetRig) -> None:
    one = rig.desired("shop", "one", 1)
    put(rig, "shop", 1, one)
    expect(rig.target.plan(rendered(rig, "shop", one), TWO, 2).is_empty, "something is to be done to a settled unit")


def only_the_object_that_changed_is_updated_and_its_fields_are_named(rig: TargetRig) -> None:
    put(rig, "shop", 1, rig.desired("shop", "one", 1), rig.desired("shop", "two", 1))
    changed = rig.desired("shop", "two", 2)
    plan = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "one", 1), changed), TWO, 2)
    expect([(s.verb, s.id) for s in plan.steps] == [(Verb.UPDATE, changed.id)], f"expected one update, found {plan.steps}")
    expect(bool(plan.steps[0].fields), "the update does not name a field")
    expect(rig.target.apply(plan).ok, "the update was not applied")
    expect(rig.target.observe("shop").objects[changed.id] == changed.digest, "the update is not live")


def what_nobody_is_shown_is_planned_alike(rig: TargetRig) -> None:
    put(rig, "shop", 1, rig.desired("shop", "one", 1))
    wanted = rendered(rig, "shop", rig.desired("shop", "one", 2), rig.desired("shop", "two", 1))
    told, quiet = rig.target.plan(wanted, TWO, 2), rig.target.plan(wanted, TWO, 2, shown=False)
    expect([(s.verb, s.id) for s in quiet.steps] == [(s.verb, s.id) for s in told.steps], "the same steps either way")
    expect(not any(s.fields for s in quiet.steps), "nobody reads the fields of its steps")


def what_is_no_longer_desired_is_pruned(rig: TargetRig) -> None:
    one, two = rig.desired("shop", "one", 1), rig.desired("shop", "two", 1)
    put(rig, "shop", 1, one, two)
    expect(put(rig, "shop", 2, one, revision=TWO).ok, "the deletion failed")
    expect(set(rig.target.observe("shop").objects) == {one.id}, "the object is still live")
    expect(set(rig.target.inventory()) == {one.id}, "the object is still in the inventory")


def another_units_objects_are_left_alone(rig: TargetRig) -> None:
    put(rig, "shop", 1, rig.desired("shop", "one", 1))
    other = rig.desired("edge", "two", 1)
    put(rig, "edge", 1, other)
    put(rig, "shop", 2, rig.desired("shop", "one", 2), revision=TWO)
    expect(dict(rig.target.observe("edge").objects) == {other.id: other.digest}, "another unit's object was touched")


def an_older_plan_is_refused_and_nothing_is_done(rig: TargetRig) -> None:
    old = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "one", 1)), ONE, 1)
    put(rig, "shop", 2, rig.desired("shop", "one", 2), revision=TWO)
    before = rig.target.observe("shop")
    refused = rig.target.apply(old)
    expect(refused.reason == Reason.STALE_PLAN.value and not refused.ok, f"an older plan was not refused: {refused}")
    expect(rig.target.observe("shop") == before, "a stale plan changed something")
    expect(rig.target.dry_run(old).reason == Reason.STALE_PLAN.value, "the dry run of a stale plan does not say so")


def the_same_generation_of_another_revision_is_refused(rig: TargetRig) -> None:
    put(rig, "shop", 3, rig.desired("shop", "one", 1))
    refused = put(rig, "shop", 3, rig.desired("shop", "one", 2), revision=TWO)
    expect(refused.reason == Reason.STALE_PLAN.value, "two revisions share one generation")


def an_empty_plan_moves_the_generation(rig: TargetRig) -> None:
    """Otherwise a delayed plan of a revision in between lands after the revision that took it back."""
    one = rig.desired("shop", "one", 1)
    put(rig, "shop", 1, one)
    between = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "one", 2)), TWO, 2)
    expect(put(rig, "shop", 3, one, revision=THREE).ok, "an empty plan was refused")
    expect(rig.target.observe("shop").generation == 3, "an empty plan did not move the generation")
    expect(rig.target.apply(between).reason == Reason.STALE_PLAN.value, "a delayed plan landed on a newer state")


def a_dry_run_touches_nothing(rig: TargetRig) -> None:
    put(rig, "shop", 1, rig.desired("shop", "one", 1))
    before = rig.target.observe("shop")
    plan = rig.target.plan(rendered(rig, "shop", rig.desired("shop", "two", 1)), TWO, 2)
    told = rig.target.dry_run(plan)
    expect({r.id for r in told.results} == {s.id for s in plan.steps}, "the dry run does not answer for every step")
    expect(told.ok, f"the dry run of a valid plan fails: {told}")
    expect(rig.target.observe("shop") == before, "the dry run changed something")


def drift_is_seen_and_put_back(rig: TargetRig) -> None:
    one = rig.desired("shop", "one", 1)
    put(rig, "shop", 1, one)
    rig.disturb(one.id)
    seen = rig.target.observe("shop")
    expect(seen.objects.get(one.id) != one.digest, "a changed live object looks unchanged")
    expect(seen.inventory[one.id] == one.digest, "the inventory forgot what was applied")
    plan = rig.target.plan(rendered(rig, "shop", one), ONE, 1)
    expect([s.id for s in plan.steps] == [one.id], "drift is not in the plan")
    expect(rig.target.apply(plan).ok, "drift was not put back")
    expect(rig.target.observe("shop").objects[one.id] == one.digest, "the drift is still live")


def an_object_that_moves_between_units_is_never_pruned(rig: TargetRig) -> None:
    put(rig, "shop", 1, rig.desired("shop", "one", 1))
    leaving = rig.target.plan(rendered(rig, "shop"), TWO, 2)  # made before the other unit took it over
    moved = rig.desired("edge", "one", 1)
    expect(put(rig, "edge", 2, moved, revision=TWO).ok, "the other unit could not take the object over")
    expect(rig.target.apply(leaving).ok, "the unit that lost the object cannot go on")
    expect(dict(rig.target.inventory()) == {moved.id: "edge"}, "the object was pruned or has the wrong owner")
    expect(rig.target.observe("edge").objects == {moved.id: moved.digest}, "the moved object is gone")
    expect(rig.target.plan(rendered(rig, "shop"), THREE, 3).is_empty, "the unit that lost the object still wants to prune it")


def an_object_that_fails_does_not_stop_the_others(rig: TargetRig) -> None:
    bad = rig.invalid("shop", "bad")
    if bad is None:
        return
    good = [rig.desired("shop", "aaa", 1), rig.desired("shop", "zzz", 1)]
    changes = put(rig, "shop", 1, bad, *good)
    expect(not changes.ok, "a refused object counts as applied")
    failed = [r for r in changes.results if not r.ok]
    expect([r.id for r in failed] == [bad.id] and bool(failed[0].detail), f"the failure is not named: {failed}")
    expect(set(rig.target.observe("shop").objects) == {o.id for o in good}, "an independent object was not applied")


def every_applied_object_has_a_health(rig: TargetRig) -> None:
    one, two = rig.desired("shop", "one", 1), rig.desired("shop", "two", 1)
    put(rig, "shop", 1, one, two)
    expect({h.id for h in rig.target.health("shop")} == {one.id, two.id}, "an object has no health")


def pruning_what_is_gone_already_is_fine(rig: TargetRig) -> None:
    one = rig.desired("shop", "one", 1)
    put(rig, "shop", 1, one)
    plan = Plan("shop", rig.target.name, TWO, 2, (Step(Verb.PRUNE, "Service/never-was"),), (one,))
    expect(rig.target.apply(plan).ok, "pruning what is gone failed")


def what_is_well_is_in_no_trouble(rig: TargetRig) -> None:
    if not isinstance(rig.target, Telling):
        return
    expect(list(rig.target.troubles([])) == [], "nothing is in trouble")
    put(rig, "shop", 1, rig.desired("shop", "one", 1))
    told = rig.target.troubles(["shop", "nobody"])
    expect(list(told) == [], f"a healthy object or an unknown unit is in trouble: {told}")


CHECKS: Sequence[Callable[[TargetRig], None]] = (
    an_unknown_unit_is_empty_and_has_generation_zero,
    a_plan_touches_nothing,
    what_is_applied_is_observed_with_its_digest,
    applying_the_same_plan_twice_is_the_same_as_once,
    a_settled_unit_has_an_empty_plan,
    only_the_object_that_changed_is_updated_and_its_fields_are_named,
    what_nobody_is_shown_is_planned_alike,
    what_is_no_longer_desired_is_pruned,
    another_units_objects_are_left_alone,
    an_older_plan_is_refused_and_nothing_is_done,
    the_same_generation_of_another_revision_is_refused,
    an_empty_plan_moves_the_generation,
    a_dry_run_touches_nothing,
    drift_is_seen_and_put_back,
    an_object_that_moves_between_units_is_never_pruned,
    an_object_that_fails_does_not_stop_the_others,
    every_applied_object_has_a_health,
    pruning_what_is_gone_already_is_fine,
    what_is_well_is_in_no_trouble,
)


def check_target(make: Callable[[], AbstractContextManager[TargetRig]]) -> None:
    """Every promise, each on a fresh target."""
    for check in CHECKS:
        with make() as rig:
            check(rig)
