"""Every Repo keeps every promise of the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.ports.repo import Repo
from reconciler.testing.check_repo import REPO_PROMISES
from reconciler.testing.signing import MemorySigner


@pytest.mark.parametrize("promise", REPO_PROMISES, ids=lambda promise: promise.__name__)
def test_every_repo_keeps(promise: Callable[[Repo], None], tmp_path: Path):
    promise(PygitRepo(init_bare(tmp_path / "infra.git", author=MemorySigner("author").public)))
