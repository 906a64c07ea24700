"""How long a repair may stay unapplied before it is taken back."""

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.documents.installation import Unit
from reconciler.steps.apply import PATIENCE_MS, _patience
from reconciler.steps.progress import Progress

HOUR_MS = 3_600_000
APPLIERS = [
    ({}, PATIENCE_MS),
    ({"applier": {"kind": "flux", "kustomization": "flux-system/shop"}}, 900_000),
    ({"applier": {"kind": "argocd", "application": "argocd/shop", "timeoutMs": HOUR_MS}}, HOUR_MS),
    ({"applier": {"kind": "flux", "kustomization": "flux-system/shop", "timeoutMs": 10_000}}, PATIENCE_MS),
]


@pytest.mark.parametrize(("applier", "expected"), APPLIERS)
def test_somebody_else_who_applies_a_unit_gets_the_time_that_the_unit_gives(applier: dict[str, Any], expected: int) -> None:
    unit = Unit.model_validate({"name": "shop", "path": "apps/shop", "target": "k", **applier})
    rules = SimpleNamespace(index=SimpleNamespace(by_name={"shop": unit}))
    world: Any = SimpleNamespace(applied_rulebook=lambda: rules)
    assert _patience(world, Progress(incident=None), ("shop", "gone")) == expected  # type: ignore[arg-type]
