"""A manifest for a Kubernetes target is kept whole, under an id that names exactly one object of a cluster."""

from dataclasses import replace

import pytest

from reconciler.converge.shapes import Scopes, body_digest, builtin_scopes, flatten, shape_of
from reconciler.errors import Misconfigured
from reconciler.model.revisions import DesiredObject
from reconciler.yamltext import Reading, kubernetes, parse

KEY = b"k" * 32


def made(text: str, *, default: str = "", scopes: Scopes | None = None, key: bytes = KEY) -> list[DesiredObject]:
    places = [p for d in parse(text.encode(), "m.yaml", Reading(plain=kubernetes, depth=100)) for p in flatten(d, d.value)]
    known = replace(scopes or builtin_scopes(), default=default).with_definitions(p.value for p in places)
    return [shape_of("kubernetes", known, key).make(place, "shop") for place in places]


def one(text: str, **more: object) -> DesiredObject:
    (found,) = made(text, **more)  # type: ignore[arg-type]
    return found


def head(kind: str, api: str = "v1", **metadata: str) -> str:
    inner = ", ".join(f'{key}: "{value}"' for key, value in metadata.items())
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{{inner}}}\n"


@pytest.mark.parametrize(
    ("kind", "api", "namespace", "expected"),
    [
        ("ConfigMap", "v1", "shop", "ConfigMap/shop/web"),
        ("Deployment", "apps/v1", "shop", "Deployment.apps/shop/web"),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "", "ClusterRole.rbac.authorization.k8s.io/web"),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "shop", "ClusterRole.rbac.authorization.k8s.io/web"),
        ("Namespace", "v1", "", "Namespace/web"),
        ("Thing", "example.org/v1alpha1", "shop", "Thing.example.org/shop/web"),
        ("Thing", "example.org/v1alpha1", "", "Thing.example.org/web"),
    ],
)
def test_an_id_is_kind_group_namespace_name(kind: str, api: str, namespace: str, expected: str) -> None:
    found = one(head(kind, api, name="web", **({"namespace": namespace} if namespace else {})))
    assert found.id == expected


def test_the_whole_manifest_is_kept_and_its_digest_covers_all_of_it() -> None:
    text = head("ConfigMap", name="web", namespace="shop") + "data: {a: b}\n"
    found = one(text)
    assert found.spec == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop"},
        "data": {"a": "b"},
    }
    assert found.digest == body_digest(found.spec)
    assert found.path == "m.yaml"
    labelled = one(text.replace("metadata: {", "metadata: {labels: {a: b}, "))
    assert labelled.digest != found.digest


def test_what_only_the_server_writes_is_left_out() -> None:
    clean = one(head("ConfigMap", name="web", namespace="shop"))
    copied = one(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop, uid: x, resourceVersion: '7', generation: 2, "
        "creationTimestamp: null, managedFields: [], selfLink: x}\nstatus: {phase: fine}\n"
    )
    assert copied == clean


def test_the_units_namespace_is_for_objects_that_need_one_and_name_none() -> None:
    assert one(head("ConfigMap", name="a"), default="shop").id == "ConfigMap/shop/a"
    assert one(head("ConfigMap", name="a", namespace="other"), default="shop").id == "ConfigMap/other/a"
    assert one(head("Namespace", name="a"), default="shop").id == "Namespace/a"
    assert one(head("Thing", "example.org/v1", name="a"), default="shop").id == "Thing.example.org/shop/a"


def test_an_object_without_a_namespace_is_refused_where_nobody_gives_one() -> None:
    with pytest.raises(Misconfigured, match=r"m\.yaml:3:11: ConfigMap lives in a namespace .*adjust\.namespace"):
        one(head("ConfigMap", name="a"))


@pytest.mark.parametrize(("scope", "expected"), [("Cluster", "Thing.example.org/a"), ("Namespaced", "Thing.example.org/shop/a")])
def test_a_definition_of_the_same_unit_says_where_its_kind_lives(scope: str, expected: str) -> None:
    crd = head("CustomResourceDefinition", "apiextensions.k8s.io/v1", name="things.example.org")
    crd += f"spec: {{group: example.org, scope: {scope}, names: {{kind: Thing, plural: things}}}}\n"
    found = made(f"{crd}---\n{head('Thing', 'example.org/v1', name='a')}", default="shop")
    assert [o.id for o in found] == ["CustomResourceDefinition.apiextensions.k8s.io/things.example.org", expected]


def test_built_in_kinds_are_those_of_the_server_and_in_one_set_only() -> None:
    known = builtin_scopes()
    assert not known.cluster & known.namespaced
    assert {"Node", "ClusterRole.rbac.authorization.k8s.io", "StorageClass.storage.k8s.io"} <= known.cluster
    assert {"Pod", "Secret", "Deployment.apps", "Job.batch", "Role.rbac.authorization.k8s.io"} <= known.namespaced


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: ConfigMap\nmetadata: {name: a}\n", "apiVersion is missing"),
        ("apiVersion: v1\nmetadata: {name: a}\n", "kind is missing"),
        ("apiVersion: 1\nkind: ConfigMap\n", "m.yaml:1:13: apiVersion has to be an API version such as apps/v1, not the int 1"),
        ("apiVersion: v1\nkind: configmap\n", "m.yaml:2:7: kind has to be a kind such as Deployment"),
        ("apiVersion: v1\nkind: ConfigMap\n", "metadata is a mapping with a name"),
        (head("ConfigMap", namespace="a"), "metadata.name is missing"),
        (head("ConfigMap", name="A", namespace="a"), "m.yaml:3:18: metadata.name has to be a DNS name"),
        (head("ConfigMap", name="a/b", namespace="a"), "metadata.name has to be a DNS name"),
        (head("ConfigMap", name="a" * 254, namespace="a"), "metadata.name has to be a DNS name"),
        (head("ConfigMap", name="a", namespace="a.b"), "metadata.namespace has to be a DNS label"),
        (head("Namespace", name="a.b"), "metadata.name has to be a DNS label"),
        (head("ClusterRole", "rbac.authorization.k8s.io/v1", name="a/b"), "metadata.name has to be a name without slash"),
        (head("ClusterRole", "rbac.authorization.k8s.io/v1", name=".."), "metadata.name has to be a name without slash"),
        (head("Pod", generateName="a-", namespace="a"), "m.yaml:3:12: generateName makes a new object at every apply"),
        ("[1]\n", "a manifest is a mapping"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "a kustomization among plain manifests"),
        (head("ConfigMapList") + "items: [1]\n", "m.yaml:4:9: a manifest is a mapping"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said.replace(".", r"\.")):
        made(text)


def test_names_of_rbac_may_hold_what_dns_may_not() -> None:
    api = "rbac.authorization.k8s.io/v1"
    assert one(head("ClusterRole", api, name="system:foo")).id == "ClusterRole.rbac.authorization.k8s.io/system:foo"
    assert one(head("Role", api, name="View_ALL", namespace="a")).id == "Role.rbac.authorization.k8s.io/a/View_ALL"


def test_lists_are_taken_apart_with_the_places_of_their_items() -> None:
    item = '{apiVersion: v1, kind: ConfigMap, metadata: {name: "%s", namespace: s}}'
    inner = "{apiVersion: v1, kind: ConfigMapList, items: [" + item % "b" + "]}"
    found = made("apiVersion: v1\nkind: List\nitems:\n- " + item % "a" + "\n- " + inner + "\n")
    assert [o.id for o in found] == ["ConfigMap/s/a", "ConfigMap/s/b"]
    with pytest.raises(Misconfigured, match=r"m\.yaml:4:\d+: metadata\.name"):
        made("apiVersion: v1\nkind: List\nitems:\n- " + item % "A" + "\n")


def test_lists_inside_lists_end_somewhere() -> None:
    text = "{kind: List, items: [" * 8 + "]}" * 8
    with pytest.raises(Misconfigured, match="lists of lists"):
        made(text)


def test_a_kind_that_only_ends_like_a_list_is_an_object() -> None:
    assert one(head("AllowList", "example.org/v1", name="a", namespace="s")).id == "AllowList.example.org/s/a"


def test_documents_that_hold_nothing_are_nothing() -> None:
    assert made("---\n# only a remark\n---\n") == []


def test_the_digest_of_a_secret_cannot_be_guessed_without_the_key() -> None:
    text = head("Secret", name="db", namespace="shop") + "stringData: {password: hunter2}\n"
    found = one(text)
    assert found.secret
    assert found.digest == one(text).digest
    assert found.digest not in (body_digest(found.spec), one(text, key=b"other").digest)
    assert found.digest != one(text.replace("hunter2", "hunter3")).digest
    assert "hunter2" not in repr(found)


def test_names_that_differ_by_case_are_one_file_in_a_folder_and_two_objects_in_a_cluster() -> None:
    assert shape_of("directory").fold("Service/A") == shape_of("directory").fold("Service/a")
    assert shape_of("kubernetes").fold("X/A") != shape_of("kubernetes").fold("X/a")
