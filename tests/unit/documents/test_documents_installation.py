"""homeostat.yaml: what no later stage could check is checked here, at its place in the file."""

import json
import time

import pytest

from reconciler.documents.base import Spec
from reconciler.documents.installation import Installation, InstallationSpec, Unit, find_cycle
from reconciler.documents.loader import load_one
from reconciler.errors import Misconfigured

HEAD = """apiVersion: homeostat/v1
kind: Installation
metadata:
  name: demo
spec:
  repository: infra
  targets:
    - name: lab
      kind: lab
    - name: files
      kind: directory
      settings:
        path: out
  units:
"""


def load(*units: str) -> Installation:
    text = HEAD + "".join(f"    - {{{u}}}\n" for u in units)
    return load_one(text.encode(), "homeostat.yaml", Installation).document


def test_a_small_document_loads_with_its_defaults() -> None:
    spec = load("name: shop, path: apps/shop, target: lab").spec
    assert spec.branch == "main"
    assert (spec.units[0].drift, spec.units[0].prune_budget, spec.units[0].allow_empty) == ("correct", 3, False)
    assert (spec.verification.guard_ms, spec.verification.outcome_ms) == (60_000, 300_000)
    assert spec.targets[1].kind == "directory"


@pytest.mark.parametrize(
    ("units", "place", "said"),
    [
        (["name: a, path: x, target: lab", "name: a, path: y, target: lab"], "16:14", "already taken"),
        (["name: a, path: x, target: moon"], "15:34", "no target is named 'moon'"),
        (["name: a, path: x, target: lab, dependsOn: [b]"], "15:", "no unit is named 'b'"),
        (["name: a, path: x, target: lab", "name: b, path: x/y, target: lab"], "16:23", "inside the path of unit 'a'"),
        (["name: b, path: x/y, target: lab", "name: a, path: x, target: lab"], "15:23", "inside the path of unit 'a'"),
        (["name: a, path: Apps, target: lab", "name: b, path: apps/y, target: lab"], "16:23", "inside the path of unit 'a'"),
        (["name: a, path: x, target: lab", "name: b, path: X, target: lab"], "15:23", "also the path of unit"),
        (["name: a, path: x, target: lab, drift: fix"], "15:", "drift"),
        (["name: a, path: x, target: lab, pruneBudget: -1"], "15:", "pruneBudget"),
        (["name: a, path: x, target: lab, dependson: []"], "15:", "dependsOn"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(units: list[str], place: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(*units)
    assert caught.value.where.startswith(f"homeostat.yaml:{place}")
    assert said in str(caught.value)


@pytest.mark.parametrize("path", ["/x", "x/", "./x", "x/../y", "..", "x//y", ".git", "x/.hidden", "a b", ""])
def test_a_path_that_is_not_normalised_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured):
        load(f'name: a, path: "{path}", target: lab')


def test_a_circle_of_dependencies_is_named() -> None:
    with pytest.raises(Misconfigured, match="a -> b -> c -> a"):
        load(
            "name: a, path: a, target: lab, dependsOn: [b]",
            "name: b, path: b, target: lab, dependsOn: [c]",
            "name: c, path: c, target: lab, dependsOn: [a]",
        )


def test_a_unit_that_depends_on_itself_is_a_circle() -> None:
    with pytest.raises(Misconfigured, match="a -> a"):
        load("name: a, path: a, target: lab, dependsOn: [a]")


def _units(count: int, depends: dict[int, list[int]]) -> list[Unit]:
    return [
        Unit(name=f"u{i}", path=f"apps/u{i}", target="lab", depends_on=tuple(f"u{d}" for d in depends.get(i, ())))
        for i in range(count)
    ]


def test_a_diamond_is_no_circle() -> None:
    assert find_cycle(_units(4, {0: [1, 2], 1: [3], 2: [3]})) == ()


def test_a_chain_of_ten_thousand_units_is_checked_without_recursion_and_quickly() -> None:
    units = _units(10_000, {i: [i + 1] for i in range(9_999)})
    start = time.perf_counter()
    assert find_cycle(units) == ()
    assert time.perf_counter() - start < 2


def test_every_field_says_what_it_is_and_its_default() -> None:
    schema = json.loads(json.dumps(InstallationSpec.model_json_schema(by_alias=True)))
    for name, part in [("InstallationSpec", schema), *schema["$defs"].items()]:
        for field, found in part.get("properties", {}).items():
            assert found.get("description"), f"{name}.{field} has no description"
    assert issubclass(InstallationSpec, Spec)
