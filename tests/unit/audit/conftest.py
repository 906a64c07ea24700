"""A bare repository, keys, and a log in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing import Ed25519Verifier
from reconciler.audit.keyring import KeyRing
from reconciler.audit.log import Log
from reconciler.audit.state import Trusted
from reconciler.model.records import Record, RecordKind, Stamp
from reconciler.testing.signing import MemorySigner

ROLES = ("author", "judge", "log", "review", "owner")


@pytest.fixture(scope="session")
def signers() -> dict[str, MemorySigner]:
    return {role: MemorySigner(role) for role in ROLES}


@pytest.fixture
def repo(tmp_path: Path, signers: dict[str, MemorySigner]) -> PygitRepo:
    return PygitRepo(init_bare(tmp_path / "infra.git", author=signers["author"].public))


@pytest.fixture(scope="session")
def trusted(signers: dict[str, MemorySigner]) -> Trusted:
    return Trusted("infra.homeostat.test", KeyRing.of({role: s.public for role, s in signers.items()}), Ed25519Verifier())


@pytest.fixture
def log(repo: PygitRepo, trusted: Trusted, signers: dict[str, MemorySigner]) -> Log:
    return Log(repo, trusted, signers=signers)


def make_record(n: int, kind: RecordKind = RecordKind.INCIDENT, **payload: object) -> Record:
    stamp = Stamp(1_700_000_000_000 + n * 1_000, 1_763_600_000_000 + n * 1_000)
    return Record(kind, f"{kind.value}/infra/{n}", f"subject-{n}", f"incident-{n % 7}", stamp, {"n": n, **payload})


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return make_record
