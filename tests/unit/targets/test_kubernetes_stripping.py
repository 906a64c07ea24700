"""Stripping: which fields of a live object a person would have written."""

from typing import Any

import pytest

from reconciler.adapters.targets.kubernetes.stripping import stripped

OWN = {"f:spec": {"f:size": {}}}


def live(kind: str = "Thing", spec: Any = None, fields: Any = (), **metadata: Any) -> dict[str, Any]:
    known = [{"manager": m, "subresource": sub, "operation": "Update", "fieldsV1": tree} for m, sub, tree in fields]
    made = {"resourceVersion": "7", "uid": "u", "generation": 2, "creationTimestamp": "t", "managedFields": known}
    return {
        "status": {"ok": True}, "spec": spec or {}, "metadata": {**made, "name": "one", "namespace": "shop", **metadata},
        "kind": kind, "apiVersion": "example.com/v1",
    }  # fmt: skip


def test_who_it_is_comes_first_and_the_rest_by_name() -> None:
    found = stripped("Thing.example.com", live(spec={"z": 1, "a": [{"value": 2, "name": "n"}]}), scaled=False)
    assert list(found) == ["apiVersion", "kind", "metadata", "spec"]
    assert list(found["spec"]) == ["a", "z"]
    assert list(found["spec"]["a"][0]) == ["name", "value"]
    assert found["metadata"] == {"name": "one", "namespace": "shop"}


@pytest.mark.parametrize(
    ("manager", "sub", "kept"), [("kubectl", "", True), ("kube-controller-manager", "", False), ("any", "scale", False)]
)
def test_fields_that_only_controllers_or_subresources_write_are_theirs(manager: str, sub: str, kept: bool) -> None:
    found = stripped("Thing.example.com", live(spec={"size": 3}, fields=[(manager, sub, OWN)]), scaled=False)
    assert ("spec" in found) is kept


def test_a_field_that_a_person_writes_as_well_stays() -> None:
    fields = [("kubectl", "", OWN), ("kube-controller-manager", "", OWN)]
    assert stripped("Thing.example.com", live(spec={"size": 3}, fields=fields), scaled=False)["spec"] == {"size": 3}


def test_what_tools_note_down_for_themselves_goes_and_what_people_say_to_us_stays() -> None:
    notes = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "homeostat.dev/digest": "d",
        "homeostat.dev/prune": "never",
    }
    found = stripped(
        "Thing.example.com", live(annotations=notes, labels={"homeostat.dev/unit": "x"}, finalizers=["f"]), scaled=False
    )
    assert found["metadata"] == {"name": "one", "namespace": "shop", "annotations": {"homeostat.dev/prune": "never"}}


@pytest.mark.parametrize(
    ("image", "policy", "kept"),
    [
        ("nginx", "Always", False), ("nginx:latest", "Always", False), ("nginx:1", "IfNotPresent", False),
        ("host:5000/nginx", "Always", False), ("nginx@sha256:0", "IfNotPresent", False), ("nginx:1", "Always", True),
    ],
)  # fmt: skip
def test_a_pull_policy_stays_only_where_the_server_would_choose_another(image: str, policy: str, kept: bool) -> None:
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": image, "imagePullPolicy": policy}]}}}
    found = stripped("Deployment.apps", live("Deployment", spec), scaled=False)
    assert ("imagePullPolicy" in found["spec"]["template"]["spec"]["containers"][0]) is kept
