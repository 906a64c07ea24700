"""Fixtures that need a whole installation or a cluster, and the step modules of the feature files (found only as plug-ins)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation, installation

pytest_plugins = ["steps.world_steps", "steps.people_steps", "steps.outcome_steps", "steps.cluster_steps", "cluster.fixtures"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has run for five minutes: everything is in shadow and nothing is wrong."""
    with installation(tmp_path) as made:
        yield made
