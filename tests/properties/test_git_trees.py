"""Trees written along changed paths are the trees that a plain dictionary of files describes, and undoing restores them."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples import many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.errors import Permanent
from reconciler.model.paths import collision, path_collision, refuse_path
from reconciler.ports.repo import Identity
from reconciler.testing.signing import MemorySigner

PERSON = Identity("Ada", "ada@example.org")
NAMES = st.sampled_from(["a", "b", "c.yaml", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
EDITS = st.dictionaries(PATHS, st.one_of(st.none(), st.binary(max_size=4)), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def repo() -> Iterator[PygitRepo]:
    with tempfile.TemporaryDirectory() as folder:
        yield PygitRepo(init_bare(Path(folder) / "infra.git", author=MemorySigner("author").public))


def is_possible(files: dict[str, bytes]) -> bool:
    """No path is a folder of another."""
    return not any(other.startswith(path + "/") for path in files for other in files)


def after(files: dict[str, bytes], edits: dict[str, bytes | None]) -> dict[str, bytes]:
    return {path: content for path, content in {**files, **edits}.items() if content is not None}


@settings(max_examples=many(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(EDITS, min_size=1, max_size=5))
def test_a_written_tree_is_the_dictionary_it_was_made_from(repo: PygitRepo, steps: list[dict[str, bytes | None]]):
    files: dict[str, bytes] = {}
    tip = ""
    for edits in steps:
        try:
            new = repo.write(tip, edits, "step", PERSON, 0, None)
        except Permanent:
            continue  # refused whole; the model stays where it is
        before, files = files, after(files, edits)
        assert is_possible(files)
        assert {path: repo.blob(blob) for path, blob in repo.files(new).items()} == files
        fresh = repo.write("", dict(files), "fresh", PERSON, 0, None)
        assert repo.tree(fresh) == repo.tree(new)  # no trace of how it came to be
        if tip:
            undo = repo.revert(new, new)
            assert undo is not None
            assert after(files, dict(undo)) == before
        tip = new


@given(st.text(max_size=30))
def test_an_accepted_path_is_one_that_every_system_reads_alike(path: str):
    if refuse_path(path) == "":
        assert not {"Cc", "Cf", "Cs"} & {unicodedata.category(c) for c in path}
        assert not {"", ".", "..", ".git"} & set(path.casefold().split("/"))
        assert path.encode().decode() == path


@given(st.lists(st.text(alphabet="aAbB/é", min_size=1, max_size=5), max_size=6))
def test_whole_paths_collide_when_any_of_their_folders_do(paths: list[str]):
    folders = {"/".join(path.split("/")[:n]) for path in paths for n in range(1, path.count("/") + 2)} - {""}
    assert (path_collision(paths) is None) == (collision(sorted(folders)) is None)
