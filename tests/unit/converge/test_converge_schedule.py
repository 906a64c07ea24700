"""Units go after what they wait for, side by side where nothing is waited for."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.render import RenderedUnit
from reconciler.converge.schedule import side_by_side, waits
from reconciler.documents.installation import Unit
from reconciler.model.revisions import DesiredObject, Rendered

CRD = "CustomResourceDefinition.apiextensions.k8s.io/things.example.com"


def unit(name: str, *depends_on: str, target: str = "cluster") -> Unit:
    return Unit(name=name, path=f"apps/{name}", target=target, depends_on=depends_on)


def rendered(name: str, *objects: tuple[str, dict[str, object]]) -> RenderedUnit:
    made = tuple(DesiredObject(i, name, spec, "f.yaml", "sha256:0") for i, spec in objects)
    return RenderedUnit(Rendered(name, "cluster", "0" * 40, made))


def test_who_brings_the_namespace_or_the_kind_comes_first_without_being_told() -> None:
    units = [unit("app"), unit("space"), unit("kinds")]
    renders = {
        "app": rendered("app", ("Thing.example.com/shop/one", {})),
        "space": rendered("space", ("Namespace/shop", {})),
        "kinds": rendered("kinds", (CRD, {"spec": {"group": "example.com", "names": {"kind": "Thing"}}})),
    }
    assert waits(units, renders)["app"] == {"space", "kinds"}


def test_a_circle_that_is_only_implied_is_not_waited_for() -> None:
    units = [unit("a"), unit("b")]
    renders = {
        "a": rendered("a", ("Namespace/one", {}), ("ConfigMap/two/x", {})),
        "b": rendered("b", ("Namespace/two", {}), ("ConfigMap/one/x", {})),
    }
    assert waits(units, renders) == {"a": frozenset(), "b": frozenset()}


def test_independent_units_of_one_target_are_worked_on_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    side_by_side([unit("a"), unit("b")], {"a": frozenset(), "b": frozenset()}, {"cluster": 2}, lambda _: both.wait() and None)


def test_a_target_for_one_at_a_time_is_asked_from_this_thread_alone() -> None:
    threads: set[int] = set()
    units = [unit("a", target="lab"), unit("b", target="lab")]
    side_by_side(units, {"a": frozenset(), "b": frozenset()}, {"lab": 1}, lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10), st.integers(1, 4))
def test_nothing_is_worked_on_before_what_it_waits_for(edges: list[set[int]], at_once: int) -> None:
    units = [unit(f"u{i}", *sorted(f"u{e}" for e in found if e < i)) for i, found in enumerate(edges)]
    before = waits(units, {u.name: rendered(u.name) for u in units})
    ended: list[str] = []

    def work(one: Unit) -> None:
        assert set(one.depends_on) <= set(ended)
        ended.append(one.name)

    side_by_side(units, before, {"cluster": at_once}, work)
    assert sorted(ended) == sorted(u.name for u in units)
