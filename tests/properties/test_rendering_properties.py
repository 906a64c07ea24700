"""Whatever a manifest holds, it becomes an object or an error with a place; substitution never changes what it does not name."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.adjust import adjusted, substitute
from reconciler.converge.redaction import KnownValues
from reconciler.converge.shapes import Place, body_digest, builtin_scopes, flatten, keyed_digest, shape_of
from reconciler.documents.installation_render import Adjust, Image
from reconciler.errors import Misconfigured
from reconciler.model.revisions import DesiredObject
from reconciler.yamltext import Reading, Value, kubernetes, parse

READING = Reading(plain=kubernetes, depth=100)
words = st.text(alphabet="abc$${}ABC_:/@.-\n\"' é", max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from(["web", "Web", "a.b", "", "a/b", "system:x", "-", "x" * 300]) | words
manifests = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.sampled_from(["v1", "apps/v1", "rbac.authorization.k8s.io/v1", "V1", 1]) | values,
        "kind": st.sampled_from(["ConfigMap", "Secret", "List", "ClusterRole", "Thing", "CustomResourceDefinition"]) | values,
        "metadata": st.fixed_dictionaries({}, optional={"name": names, "namespace": names | values, "annotations": values})
        | values,
        "items": values,
        "spec": values,
        "data": values,
    },
)


def written(value: Value) -> bytes:
    return json.dumps(value).encode()


def objects(value: Value, adjust: Adjust) -> list[DesiredObject]:
    (document,) = parse(written(value), "m.yaml", READING)
    places = list(flatten(document, document.value))
    known = builtin_scopes().with_definitions(place.value for place in places)
    return [shape_of("kubernetes", known, b"k").make(adjusted(place, adjust), "u") for place in places]


def outcome(value: Value, adjust: Adjust) -> list[DesiredObject] | str:
    try:
        return objects(value, adjust)
    except Misconfigured as error:
        return error.where


ADJUST = Adjust(
    namespace="shop",
    labels={"a": "b"},
    substitute={"A": "x", "B": 3},
    images=(Image(name="a", new_tag="1"),),
)


@given(manifests, st.sampled_from([Adjust(), ADJUST, Adjust(require_digests=True)]))
def test_every_manifest_becomes_objects_or_an_error_with_its_place(value: dict[str, Any], adjust: Adjust) -> None:
    made = outcome(value, adjust)
    if isinstance(made, str):
        assert made.startswith("m.yaml:1:")
        return
    for one in made:
        assert one.id.count("/") in (1, 2)
        assert one.spec["metadata"]["name"] == one.id.rpartition("/")[2]
        assert one == objects(value, adjust)[made.index(one)]


@given(st.lists(st.tuples(st.text(alphabet="ab{}: é", max_size=8), st.sampled_from(["A", "B"])), max_size=4), words, words)
def test_substitution_replaces_exactly_what_is_named(parts: list[tuple[str, str]], a: str, b: str) -> None:
    values = {"A": a, "B": b}
    text = "".join(f"{before}${{{name}}}" for before, name in parts)
    assert substitute(text, values.__getitem__, lambda: pytest.fail("unclear")) == "".join(p + values[n] for p, n in parts)


@given(words)
def test_text_that_is_escaped_stays_as_it_was_meant(text: str) -> None:
    escaped = text.replace("${", "$${")
    if "$$${" not in escaped:
        assert substitute(escaped, pytest.fail, lambda: pytest.fail("unclear")) == text


@given(words)
def test_a_value_is_never_read_again(value: str) -> None:
    (document,) = parse(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 'is ${A}'}\n", "m", READING)
    assert isinstance(document.value, dict)
    made = adjusted(Place(document, document.value), Adjust(substitute={"A": value}))
    assert made.value["data"] == {"x": f"is {value}"}
    assert {k: v for k, v in made.value.items() if k != "data"} == {k: v for k, v in document.value.items() if k != "data"}


@given(values, values, st.binary(min_size=1, max_size=8))
def test_equal_content_has_equal_digests_and_other_content_others(one: Any, other: Any, key: bytes) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (body_digest({"x": one}) == body_digest({"x": other})) == same
    assert (keyed_digest({"x": one}, key) == keyed_digest({"x": other}, key)) == same


@given(st.lists(st.text(min_size=4, max_size=30).filter(str.strip), min_size=1, max_size=4), st.text(max_size=20))
def test_known_values_are_hidden_in_any_text_around_them(secrets: list[str], around: str) -> None:
    known = KnownValues()
    for secret in secrets:
        known.learn("ENC[...]", secret)
    for secret in secrets:
        assert secret not in known.hide(f"{around}{secret}{around}").replace("(hidden)", "")


@given(st.text(min_size=1, max_size=20))
def test_what_kubectl_reads_is_a_value_or_no_number(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(kubernetes(text), (str, int, float, bool, type(None)))
