"""How much chaos: twelve sampled crash points in the ordinary run, every point and random moments under CHAOS=all."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from crashes import Bench, prepare


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seed", type=int, default=None, help="repeat a run of `make chaos` with the seed that it printed")


@pytest.fixture(scope="session")
def everything() -> bool:
    """Whether every point is asked for."""
    return os.environ.get("CHAOS") == "all"


@pytest.fixture(scope="session")
def chaos(request: pytest.FixtureRequest) -> random.Random:
    """The only source of chance here. The seed is printed, so that a failure can be repeated."""
    seed = request.config.getoption("--chaos-seed", default=None)
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    sys.stderr.write(f"\nchaos seed {seed}: repeat with `make chaos SEED={seed}`\n")
    return random.Random(seed)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A home in trouble, and what becomes of it when nothing crashes."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    return prepare(folder)
