"""One real bare repository for all tests here: each writes its own history, without refs, into it."""

import pytest
from converge_history import History

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.testing.signing import MemorySigner


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> PygitRepo:
    path = init_bare(tmp_path_factory.mktemp("converge") / "infra.git", author=MemorySigner("author", "machine").public)
    return PygitRepo(path)


@pytest.fixture
def history(infra: PygitRepo) -> History:
    return History(infra)
