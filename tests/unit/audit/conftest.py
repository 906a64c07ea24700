"""A bare repository behind the Repo port, keys, and a log in it."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygit2
import pytest

from reconciler.adapters.signing import Ed25519Verifier
from reconciler.audit.keyring import KeyRing
from reconciler.audit.log import Log
from reconciler.audit.state import Trusted
from reconciler.model.records import Record, RecordKind, Stamp
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Identity, RefMove
from reconciler.ports.signing import Signer
from reconciler.testing.signing import MemorySigner

ROLES = ("author", "judge", "log", "review", "owner")


class TinyRepo:
    """As much of ports.repo.Repo as the log needs, straight over pygit2."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), bare=True)

    def ref(self, name: str) -> str | None:
        found = self.git.references.get(name)
        return str(found.target) if found else None

    def commit(self, commit: str) -> CommitInfo | None:
        found = self.git.get(commit)
        signature, signed = found.gpg_signature
        return CommitInfo(
            str(found.id),
            tuple(str(p) for p in found.parent_ids),
            str(found.tree_id),
            found.author.name,
            found.author.email,
            found.committer.email,
            found.commit_time * 1000,
            found.message,
            signature or b"",
            signed or b"",
        )

    def read(self, commit: str, path: str) -> bytes | None:
        try:
            return self.git[commit].tree[path].data
        except KeyError:
            return None

    def files(self, commit: str, under: str = "") -> Mapping[str, str]:
        found: dict[str, str] = {}
        tree = self.git[commit].tree
        if under and under not in tree:
            return found
        stack = [(under, tree[under] if under else tree)]
        while stack:
            prefix, tree = stack.pop()
            for entry in tree:
                path = f"{prefix}/{entry.name}".lstrip("/")
                if entry.type_str == "tree":
                    stack.append((path, self.git[entry.id]))
                else:
                    found[path] = str(entry.id)
        return found

    def history(self, commit: str, *, limit: int = 50, path: str = "") -> Sequence[CommitInfo]:
        found = []
        while commit and len(found) < limit:
            info = self.commit(commit)
            found.append(info)
            commit = info.parents[0] if info.parents else ""
        return found

    def is_ancestor(self, old: str, new: str) -> bool:
        return old == new or self.git.descendant_of(new, old)

    def write(
        self, base: str, files: Mapping[str, bytes | None], message: str, author: Identity, time_ms: int, signer: Signer | None
    ) -> str:
        index = pygit2.Index()
        if base:
            index.read_tree(self.git[base].tree)
        for path, data in files.items():
            if data is None:
                index.remove(path)
            else:
                index.add(pygit2.IndexEntry(path, self.git.create_blob(data), pygit2.enums.FileMode.BLOB))
        who = pygit2.Signature(author.name, author.email, time_ms // 1000, 0)
        tree, parents = index.write_tree(self.git), [pygit2.Oid(hex=base)] if base else []
        if signer is None:
            return str(self.git.create_commit(None, who, who, message, tree, parents))
        text = self.git.create_commit_string(who, who, message, tree, parents)
        return str(self.git.create_commit_with_signature(text, signer.sign_ssh(text.encode(), "git").decode(), "gpgsig"))

    def move(self, moves: Sequence[RefMove]) -> bool:
        lines = "".join(f"update {m.name} {m.new or '0' * 40} {m.old or '0' * 40}\n" for m in moves)
        done = subprocess.run(
            ["git", "-C", str(self.path), "update-ref", "--stdin"], input=lines, text=True, capture_output=True, check=False
        )
        return done.returncode == 0

    def maintain(self) -> None:
        subprocess.run(["git", "-C", str(self.path), "gc", "-q", "--prune=now"], check=True)


@pytest.fixture
def repo(tmp_path: Path) -> TinyRepo:
    return TinyRepo(tmp_path / "infra.git")


@pytest.fixture(scope="session")
def signers() -> dict[str, MemorySigner]:
    return {role: MemorySigner(role) for role in ROLES}


@pytest.fixture(scope="session")
def trusted(signers: dict[str, MemorySigner]) -> Trusted:
    return Trusted("infra.homeostat.test", KeyRing.of({role: s.public for role, s in signers.items()}), Ed25519Verifier())


@pytest.fixture
def log(repo: TinyRepo, trusted: Trusted, signers: dict[str, MemorySigner]) -> Log:
    return Log(repo, trusted, signers=signers)


def make_record(n: int, kind: RecordKind = RecordKind.INCIDENT, **payload: object) -> Record:
    stamp = Stamp(1_700_000_000_000 + n * 1_000, 1_763_600_000_000 + n * 1_000)
    return Record(kind, f"{kind.value}/infra/{n}", f"subject-{n}", f"incident-{n % 7}", stamp, {"n": n, **payload})


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return make_record
