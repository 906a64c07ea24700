"""Every Forge keeps every promise of the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.forges.embedded import EmbeddedForge
from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.testing.check_forge import FORGE_PROMISES, Bench
from reconciler.testing.clock import ManualClock
from reconciler.testing.signing import MemorySigner


def a_bench(folder: Path) -> Bench:
    author, reviewer = MemorySigner("author"), MemorySigner("review")
    repo = PygitRepo(init_bare(folder / "infra.git", author=author.public))
    forge = EmbeddedForge(
        repo, repository="infra", clock=ManualClock(), signer=author, verifier=Ed25519Verifier(), review_keys=[reviewer.public]
    )
    return Bench(repo, forge, "infra", reviewer, author)


@pytest.mark.parametrize("promise", FORGE_PROMISES, ids=lambda promise: promise.__name__)
def test_every_forge_keeps(promise: Callable[[Bench], None], tmp_path: Path):
    promise(a_bench(tmp_path))
