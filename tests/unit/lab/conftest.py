"""A world of its own for each test, with the template's services in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.lab.metrics import measure
from reconciler.lab.stage import Manifests, deploy, read_manifests
from reconciler.lab.world import World
from reconciler.testing.clock import ManualClock

APPS = Path(__file__).parents[3] / "infra-repo-template" / "apps"
NOON_MS = 1_700_006_400_000 // 86_400_000 * 86_400_000 + 12 * 3_600_000


@pytest.fixture(scope="session")
def manifests() -> Manifests:
    return read_manifests(APPS)


class Town:
    """A world, its clock and short words for what tests do with them."""

    def __init__(self, home: Path, manifests: Manifests, start_ms: int = NOON_MS) -> None:
        self.home, self.manifests, self.generation = home, manifests, 0
        self.clock = ManualClock(start_ms)
        self.world = World(home, self.clock, seed=7)

    def deploy(self, **fields: Mapping[str, Any]) -> None:
        self.generation += 1
        overrides = {
            ("Database/" if name == "orders_db" else "Service/") + name.replace("_", "-"): f for name, f in fields.items()
        }
        deploy(self.world, self.manifests, self.generation, overrides)

    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * 1000)
        self.world.advance()

    def read(self, service: str, metric: str) -> float:
        return measure(self.world.nodes[service], self.world.time_ms)[metric]


@pytest.fixture
def town(tmp_path: Path, manifests: Manifests) -> Town:
    """A town that has run for two minutes."""
    made = Town(tmp_path / "lab", manifests)
    made.deploy()
    made.wait(120)
    return made


@pytest.fixture
def found(tmp_path: Path, manifests: Manifests) -> Callable[[int], Town]:
    """Builds a fresh town at a moment of its own."""
    built = iter(range(100))
    return lambda start_ms: Town(tmp_path / f"lab-{next(built)}", manifests, start_ms)
