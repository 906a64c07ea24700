"""A unit that is confined to namespaces declares nothing outside of them, and takes nothing from who may."""

import pytest
from converge_history import History, unit
from pydantic import ValidationError

from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Unit
from reconciler.documents.installation_apply import Apply
from reconciler.documents.installation_parts import KubernetesTarget
from reconciler.model.reasons import Reason
from reconciler.testing.targets import FakeTarget

TENANT = unit("shop", apply={"serviceAccount": "shop/deployer"})
ANYBODY = unit("platform")
VIEW = b"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: view-all}\nrules: []\n"


def config(name: str, space: str) -> bytes:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {space}}}\ndata: {{}}\n".encode()


class Cluster:
    """Units on one fake cluster."""

    def __init__(self, history: History, *units: Unit) -> None:
        self.history, self.target = history, FakeTarget("lab")
        spec = KubernetesTarget.model_validate({"name": "lab", "kind": "kubernetes"})
        self.index = UnitIndex.of(units, [spec])
        self.converger = Converger(history.repo, {"lab": self.target})
        self.generation = 0

    def round(self, files: dict[str, bytes | None]) -> ConvergeResult:
        self.history.commit(files)
        self.generation += 1
        return self.converger.converge(Round(self.index, self.history.head, "", self.generation, 0))

    @property
    def live(self) -> dict[str, str]:
        return {i: o.unit for i, o in sorted(self.target.objects.items())}


@pytest.mark.parametrize(
    ("file", "told"),
    [(config("b", "payments"), "ConfigMap/payments/b is in namespace payments"), (VIEW, "lives in no namespace")],
)
def test_one_object_outside_refuses_the_unit_before_anything_is_applied(history: History, file: bytes, told: str) -> None:
    cluster = Cluster(history, TENANT, ANYBODY)
    result = cluster.round(
        {"apps/shop/a.yaml": config("a", "shop"), "apps/shop/b.yaml": file, "apps/platform/c.yaml": config("c", "platform")}
    )
    outcome = result.outcome("shop")
    assert outcome is not None
    assert outcome.reason is Reason.INVALID
    assert outcome.detail.startswith("apps/shop/b.yaml:1:1: ")
    assert told in outcome.detail
    assert "apply.namespaces" in outcome.detail
    assert cluster.live == {"ConfigMap/platform/c": "platform"}


def test_inside_its_namespace_it_is_applied(history: History) -> None:
    cluster = Cluster(history, TENANT)
    assert cluster.round({"apps/shop/a.yaml": config("a", "shop")}).ok
    assert cluster.live == {"ConfigMap/shop/a": "shop"}


def test_a_wish_outside_keeps_nobody_from_what_is_theirs(history: History) -> None:
    """`aaa` is asked first: its wish would otherwise win."""
    cluster = Cluster(history, unit("aaa", apply={"namespaces": ["shop"]}), unit("pay"))
    result = cluster.round({"apps/aaa/a.yaml": config("x", "pay"), "apps/pay/a.yaml": config("x", "pay")})
    assert {o.unit: o.reason for o in result.outcomes} == {"aaa": Reason.INVALID, "pay": Reason.APPLIED}
    assert cluster.live == {"ConfigMap/pay/x": "pay"}


@pytest.mark.parametrize(
    ("apply", "confined"),
    [
        ({}, ()), ({"serviceAccount": "shop/deployer"}, ("shop",)), ({"namespaces": ["a", "b"]}, ("a", "b")),
        ({"serviceAccount": "shop/deployer", "namespaces": ["a"]}, ("a",)),
        ({"serviceAccount": "shop/deployer", "namespaces": ["*"]}, ()),
    ],
)  # fmt: skip
def test_a_service_account_confines_to_its_namespace_unless_others_are_named(
    apply: dict[str, object], confined: tuple[str, ...]
) -> None:
    assert Apply.model_validate(apply, strict=False).confined_to == confined


def test_everywhere_stands_alone() -> None:
    with pytest.raises(ValidationError, match="stands alone"):
        Apply.model_validate({"namespaces": ["*", "a"]}, strict=False)
