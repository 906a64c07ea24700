"""What is kept of a unit beside its objects says the same as the objects, whatever happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.live import DIGEST, UNIT, LiveStore
from reconciler.model.revisions import HealthState

KIND = Kind("", "v1", "ConfigMap", "configmaps", True)
UNITS, NAMES = ("shop", "edge"), ("a", "b", "c")


def judge(_: Mapping[str, Any]) -> tuple[HealthState, str]:
    return HealthState.HEALTHY, ""


def config(version: int, what: tuple[str, str, str, bool]) -> dict[str, Any]:
    name, unit, color, leaving = what
    metadata: dict[str, Any] = {
        "name": name, "namespace": "x", "uid": name, "resourceVersion": str(version), "labels": {UNIT: unit},
        "annotations": {DIGEST: "d"}, **({"deletionTimestamp": "now"} if leaving else {}),
        "managedFields": [{"manager": "homeostat", "operation": "Apply", "fieldsV1": {"f:data": {"f:color": {}}}}],
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"color": color}}


WHAT = st.tuples(st.sampled_from(NAMES), st.sampled_from(UNITS), st.sampled_from(("blue", "red")), st.booleans())
EVENTS = st.lists(st.tuples(st.sampled_from(("seen", "applied", "compared", "deleted", "gone")), WHAT), max_size=25)


@given(events=EVENTS)
def test_digests_and_the_restless_are_those_of_the_objects(events: list[tuple[str, tuple[str, str, str, bool]]]) -> None:
    store = LiveStore(judge)
    for version, (event, what) in enumerate(events):
        at = f"ConfigMap/x/{what[0]}"
        held = store.get(at)
        if event == "seen":
            store.seen(KIND, config(version, what))
        elif event == "applied":
            store.applied(KIND, config(version, what))
        elif event == "gone":
            store.gone(at)
        elif held and event == "deleted":
            store.deleted(held)
        elif held:
            store.compared(held, ("/data/color",) if what[3] else (), frozenset())
        for unit in UNITS:
            objects = store.unit(unit)
            assert store.digests(unit) == {i: o.digest for i, o in objects.items()}
            assert store.restless(unit) == {i: o for i, o in objects.items() if not o.settled or o.deleting}


def test_what_may_not_be_watched_is_in_neither() -> None:
    store = LiveStore(judge)
    store.seen(KIND, config(1, ("a", "shop", "blue", True)))
    store.unwatched["ConfigMap"] = "denied"
    assert not store.digests("shop")
    assert not store.restless("shop")
