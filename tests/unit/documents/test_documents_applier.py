"""Who applies a unit, as homeostat.yaml says it."""

import pytest

from reconciler.documents.installation import Installation
from reconciler.documents.installation_applier import applied_by
from reconciler.documents.loader import load_one
from reconciler.errors import Misconfigured

HEAD = """apiVersion: homeostat/v1
kind: Installation
metadata: {name: main}
spec:
  repository: infra
  targets: [{name: k, kind: kubernetes}, {name: lab, kind: lab}]
  units:
"""
FLUX = "applier: {kind: flux, kustomization: flux-system/apps}"


def load(*units: str) -> Installation:
    text = HEAD + "".join(f"    - {{{unit}}}\n" for unit in units)
    return load_one(text.encode(), "homeostat.yaml", Installation).document


def test_a_unit_names_the_object_that_applies_it() -> None:
    argo = "applier: {kind: argocd, application: argocd/edge}"
    units = load(f"name: shop, path: shop, target: k, {FLUX}", f"name: edge, path: edge, target: k, {argo}").spec.units
    assert [str(applied_by(u.applier)) for u in units] == [
        "Flux's Kustomization flux-system/apps",
        "Argo CD's Application argocd/edge",
    ]


def test_without_one_homeostat_applies_it() -> None:
    assert applied_by(load("name: shop, path: shop, target: k").spec.units[0].applier) is None


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ([f"name: shop, path: shop, target: lab, {FLUX}"], "a target of kind kubernetes only"),
        ([f"name: shop, path: shop, target: k, {FLUX}, apply: {{adopt: true}}"], "not Homeostat; remove it"),
        (["name: shop, path: shop, target: k, applier: {kind: flux}"], "kustomization"),
        (["name: shop, path: shop, target: k, applier: {kind: flux, kustomization: apps}"], "kustomization"),
        (["name: shop, path: shop, target: k, applier: {kind: helm}"], "applier"),
        (
            [f"name: shop, path: shop, target: k, {FLUX}", f"name: edge, path: edge, target: k, {FLUX}"],
            "Flux's Kustomization flux-system/apps applies unit shop already; make them one unit",
        ),
    ],
)
def test_what_does_not_fit_is_refused(units: list[str], said: str) -> None:
    with pytest.raises(Misconfigured, match="homeostat") as caught:
        load(*units)
    assert said in str(caught.value)
