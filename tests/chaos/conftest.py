"""How much chaos: a few sampled crash points in the ordinary run, every point and random moments under CHAOS=all."""

from __future__ import annotations

import functools
import os
import random
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from crashes import Bench, prepared


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seed", type=int, default=None, help="repeat a run of `make chaos` with the seed that it printed")


@pytest.fixture(scope="session")
def chaos_seed(request: pytest.FixtureRequest) -> int:
    """One for all processes of a run. It is printed, so that a failure can be repeated."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    fresh = zlib.crc32(run.encode()) if run else random.SystemRandom().randrange(1 << 32)
    asked = request.config.getoption("--chaos-seed", default=None)
    seed = fresh if asked is None else int(asked)
    sys.stderr.write(f"\nchaos seed {seed}: repeat with `make chaos SEED={seed}`\n")
    return seed


@pytest.fixture
def chaos(chaos_seed: int, request: pytest.FixtureRequest) -> random.Random:
    """The only source of chance here: each test has its own, wherever and after whatever it runs."""
    return random.Random(f"{chaos_seed} {request.node.name}")


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """Each story in trouble, and what becomes of it when nothing crashes."""
    base: Path = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return functools.cache(lambda story: prepared(shared / "chaos", story))
