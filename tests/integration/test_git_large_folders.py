"""A folder of a great many units: it is unpacked once, and not again for each of them."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.ports.repo import Identity
from reconciler.testing.signing import MemorySigner

UNITS = 400  # a folder that is larger than what libgit2 keeps by itself


def test_a_large_folder_is_read_from_disk_once_for_all_that_is_in_it(tmp_path: Path) -> None:
    repo = PygitRepo(init_bare(tmp_path / "infra.git", author=MemorySigner("author").public))
    files: dict[str, bytes | None] = {f"apps/unit-{n}/all.yaml": b"a: %d" % n for n in range(UNITS)}
    head = repo.write("", files, "Units", Identity("Ada", "ada@example.org"), 0, None)
    folder = repo.tree(head, "apps")
    assert folder
    before = {f"apps/unit-{n}": repo.tree(head, f"apps/unit-{n}") for n in range(2)}
    (repo.path / "objects" / folder[:2] / folder[2:]).unlink()
    assert {path: repo.tree(head, path) for path in before} == before
    assert repo.tree(head, "apps/unit-399")
