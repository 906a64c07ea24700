"""A target that others share is told which units are theirs, with every revision that is followed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler import plugins
from reconciler.bootstrap.connections import Connections
from reconciler.documents.installation import Installation
from reconciler.documents.loader import load_one
from reconciler.model.appliers import AppliedBy, Phase, Standing

HEAD = """apiVersion: homeostat/v1
kind: Installation
metadata: {name: main}
spec:
  repository: infra
  targets: [{name: k, kind: kubernetes}, {name: other, kind: kubernetes}]
  units:
"""
EDGE = "    - {name: edge, path: edge, target: k}\n"
SHOP = "    - {name: shop, path: shop, target: k, applier: {kind: flux, kustomization: flux-system/shop}}\n"


class Shared:
    """A target that keeps what it was told."""

    def __init__(self, name: str) -> None:
        self.name, self.left = name, dict[str, AppliedBy]()

    @classmethod
    def from_settings(cls, name: str, *_: Any) -> "Shared":
        return cls(name)

    def leave(self, units: dict[str, AppliedBy]) -> None:
        self.left = units

    def standing(self, unit: str, by: AppliedBy) -> Standing:
        return Standing(Phase.BUSY, f"{unit} {by}")


def rules(units: str) -> Any:
    document = load_one((HEAD + units).encode(), "homeostat.yaml", Installation).document
    return SimpleNamespace(installation=document, health=())


def test_each_target_knows_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plugins, "load", lambda *_: Shared)
    anything: Any = None
    made = Connections(tmp_path, "http://127.0.0.1:1", anything, anything)

    def left() -> dict[str, dict[str, str]]:
        return {name: {u: str(by) for u, by in target.left.items()} for name, target in made.targets.items()}  # type: ignore[attr-defined]

    made.adopt(rules(EDGE + SHOP))
    assert left() == {"k": {"shop": "Flux's Kustomization flux-system/shop"}, "other": {}}
    made.adopt(rules(EDGE))
    assert left() == {"k": {}, "other": {}}
    made.close()
