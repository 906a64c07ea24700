"""Who owns which field of a live object, read from what the server wrote down."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.targets.kubernetes.fields import apart, owned, owners, steps, value_at, without


def deployment(replicas: int = 3, image: str = "shop:1") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "web", "image": image, "args": ["-v", "-q"]}]}},
        },
    }


FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}, "f:homeostat.dev/unit": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}}}},
    },
}
IMAGE = "/spec/template/spec/containers[name=web]/image"


def live(desired: dict[str, Any], *more: dict[str, Any], fields: Any = FIELDS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(desired))
    mine = {"manager": "homeostat", "operation": "Apply", "fieldsV1": fields}
    found["metadata"]["managedFields"] = [mine, *more]
    found["status"] = {"readyReplicas": 1}
    return found


def test_what_we_own_is_named_by_path_and_our_own_labels_are_not_part_of_it() -> None:
    assert owned(live(deployment())).paths == (
        "/metadata/labels/app",
        "/spec/replicas",
        "/spec/template/spec/containers[name=web]/args",
        IMAGE,
        "/spec/template/spec/containers[name=web]/name",
    )


def test_another_value_of_an_owned_field_is_a_change_and_a_status_is_none() -> None:
    before = owned(live(deployment()))
    assert owned(live(deployment())).changed(before) == ()
    assert owned(live(deployment(image="shop:2"))).changed(before) == (IMAGE,)


def test_a_field_that_somebody_took_over_is_a_change_although_the_rest_is_ours() -> None:
    without_replicas = {**FIELDS, "f:spec": {"f:template": FIELDS["f:spec"]["f:template"]}}  # type: ignore[dict-item]
    assert owned(live(deployment(5), fields=without_replicas)).changed(owned(live(deployment()))) == ("/spec/replicas",)


def test_the_others_who_own_a_field_are_told_with_their_subresource() -> None:
    scaler = {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "subresource": "scale",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    assert owners(live(deployment(), scaler), "/spec/replicas") == (("kube-controller-manager", "scale"),)
    assert owners(live(deployment(), scaler), IMAGE) == ()


def test_nothing_is_apart_when_every_desired_leaf_is_ours_and_as_desired() -> None:
    assert apart(deployment(), live(deployment())) == ()


def test_what_differs_is_not_ours_or_no_longer_desired_is_apart() -> None:
    assert apart(deployment(image="shop:2"), live(deployment())) == (IMAGE,)
    more = deployment()
    more["spec"]["paused"] = True
    assert apart(more, live(deployment())) == ("/spec/paused",)
    fewer = deployment()
    fewer["spec"]["template"]["spec"]["containers"] = [{"name": "sidecar", "image": "x"}]
    assert "/spec/template/spec/containers[name=web]" in apart(fewer, live(deployment()))


def test_a_value_is_found_and_dropped_by_its_path() -> None:
    assert value_at(deployment(), IMAGE) == "shop:1"
    assert value_at(deployment(), "/spec/template/spec/containers[name=other]/image") is None
    assert "replicas" not in without(deployment(), ["/spec/replicas"])["spec"]
    assert deployment()["spec"]["replicas"] == 3


def test_ports_are_matched_with_their_protocol_left_out() -> None:
    desired = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    held = json.loads(json.dumps(desired))
    held["spec"]["ports"][0]["protocol"] = "TCP"
    fields = {
        "f:metadata": {"f:labels": {"f:homeostat.dev/unit": {}}},
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
    }
    assert apart(desired, live(held, fields=fields)) == ()


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_any_key_survives_its_way_through_a_path(keys: list[str]) -> None:
    tree: dict[str, Any] = {}
    value: Any = "leaf"
    for key in reversed(keys):
        tree, value = {"f:" + key: tree}, {key: value}
    found = owned({**value, "metadata": {"managedFields": [{"manager": "homeostat", "operation": "Apply", "fieldsV1": tree}]}})
    if keys[0] != "metadata":
        assert [list(steps(path)) for path in found.paths] == [keys]


def test_objects_of_one_shape_are_read_by_the_same_paths_and_another_shape_by_its_own() -> None:
    first, second = owned(live(deployment())), owned(live(deployment(replicas=9, image="x")))
    assert first.paths is second.paths
    assert owned(live(deployment(), fields={"f:spec": {"f:replicas": {}}})).paths == ("/spec/replicas",)


def test_a_shape_too_long_to_keep_is_read_all_the_same() -> None:
    data = {f"key-{n}": str(n) for n in range(2_000)}
    obj = live({"metadata": {}, "data": data}, fields={"f:data": {f"f:{key}": {} for key in data}})
    found = owned(obj)
    assert len(found.paths) == 2_000
    assert owned({**obj, "data": {**data, "key-7": "x"}}).changed(found) == ("/data/key-7",)
