"""Fixtures that need a whole installation or a cluster, and the step modules of the feature files (found only as plug-ins)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import hypothesis
import pytest
from examples import many
from installation import Installation, installation

pytest_plugins = [
    "steps.world_steps",
    "steps.people_steps",
    "steps.outcome_steps",
    "steps.foresight_steps",
    "steps.cluster_steps",
    "cluster.fixtures",
]


# How long an example takes says how busy the machine is, and nothing about the code.
BUSY = hypothesis.settings(deadline=None, max_examples=many(100), suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("busy machine", BUSY)
hypothesis.settings.load_profile("busy machine")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has run for five minutes: everything is in shadow and nothing is wrong."""
    with installation(tmp_path) as made:
        yield made


# A control plane beside the other tests takes a tenth of the machine: `make test-kube` has it for itself.
SOON = frozenset({"test_peers.py"})
LATER = pytest.mark.skip(reason="make test-kube")


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    if os.environ.get("KUBE") != "all":
        for item in items:
            if on_a_cluster(item.path) and item.path.name not in SOON:
                item.add_marker(LATER)


def on_a_cluster(path: Path) -> bool:
    return path.parent.name in ("kube", "cluster") or path.name.startswith(("test_feature_cluster_", "test_targets_kubernetes"))
