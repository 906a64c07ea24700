"""PygitRepo against the real world: other processes, git itself, killed writers, damaged objects and hostile trees."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
import zlib
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import Option

from reconciler.adapters.repos import refs
from reconciler.adapters.repos.bare import init_bare, mirror
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.errors import Misconfigured, Permanent, Retryable, Tampered
from reconciler.ports.repo import MACHINE, Identity, RefMove
from reconciler.testing.signing import MemorySigner

MAIN = "refs/heads/main"
PERSON = Identity("Ada", "ada@example.org")
SIGNER = MemorySigner("author")


@pytest.fixture
def repo(tmp_path: Path) -> PygitRepo:
    return PygitRepo(init_bare(tmp_path / "infra.git", author=SIGNER.public))


def write(repo: PygitRepo, base: str, files: dict[str, bytes | None], message: str = "a step") -> str:
    return repo.write(base, files, message, PERSON, 0, None)


def git(repo: PygitRepo, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", f"--git-dir={repo.path}", *arguments], input=data, capture_output=True, check=False)


def object_file(repo: PygitRepo, name: str) -> Path:
    return repo.path / "objects" / name[:2] / name[2:]


def age(path: Path, seconds: float) -> None:
    stamp = path.stat().st_mtime - seconds
    os.utime(path, (stamp, stamp))


# what git says


def test_git_accepts_the_signature_and_finds_nothing_wrong(repo: PygitRepo):
    signed = repo.write("", {"a/b": b"1"}, "Repair\n\nHomeostat-Incident: i\n", MACHINE, 1_000, SIGNER)
    assert git(repo, "verify-commit", signed).returncode == 0
    assert git(repo, "fsck", "--strict").returncode == 0
    assert git(repo, "log", "-1", "--format=%GS", signed).stdout.strip().decode() == MACHINE.email


def test_git_refuses_another_keys_signature(repo: PygitRepo):
    forged = repo.write("", {"a": b"1"}, "x", MACHINE, 1_000, MemorySigner("author", "other"))
    assert git(repo, "verify-commit", forged).returncode != 0


def test_an_executable_file_stays_one(repo: PygitRepo):
    blob = git(repo, "hash-object", "-w", "--stdin", data=b"#!").stdout.strip().decode()
    base = commit_of(repo, f"100755 blob {blob}\trun.sh\0".encode())
    assert b"100755 blob" in git(repo, "ls-tree", write(repo, base, {"run.sh": b"#!2"})).stdout


# hostile trees, made by git's own plumbing


def commit_of(repo: PygitRepo, *entries: bytes) -> str:
    tree = git(repo, "mktree", "-z", "--missing", data=b"".join(entries)).stdout.strip().decode()
    return str(pygit2.Repository(str(repo.path)).create_commit(None, SIGNATURE, SIGNATURE, "odd", tree, []))


SIGNATURE = pygit2.Signature("Ada", "ada@example.org", 0, 0)
BLOB = "d670460b4b4aece5915caf5c68d12f560a9fe3e4"  # "x\n" would be another; this one need not exist


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([f"120000 blob {BLOB}\tlink\0".encode()], "'link' is a symbolic link"),
        ([f"160000 commit {BLOB}\tsub\0".encode()], "'sub' is a submodule"),
        (
            [f"100644 blob {BLOB}\tREADME\0".encode(), f"100644 blob {BLOB}\treadme\0".encode()],
            "'README' and 'readme' differ only",
        ),
        ([f"100644 blob {BLOB}\t".encode() + b"a\xff\0"], "not UTF-8"),
        ([f"100644 blob {BLOB}\te\u0301\0".encode()], "not NFC-normalised"),
        ([f"100644 blob {BLOB}\ta\u202eb\0".encode()], "invisible"),
        ([f"100644 blob {BLOB}\ta\nb\0".encode()], "invisible"),
    ],
)
def test_hostile_names_are_refused_with_the_path(repo: PygitRepo, entries: list[bytes], told: str):
    with pytest.raises(Permanent, match=told):
        repo.files(commit_of(repo, *entries))


def test_a_symbolic_link_is_neither_read_nor_written_through(repo: PygitRepo):
    blob = git(repo, "hash-object", "-w", "--stdin", data=b"/etc/passwd").stdout.strip().decode()
    base = commit_of(repo, f"120000 blob {blob}\tlink\0".encode())
    for act in (
        lambda: repo.read(base, "link"),
        lambda: write(repo, base, {"link": b"x"}),
        lambda: write(repo, base, {"link": None}),
    ):
        with pytest.raises(Permanent, match="symbolic link"):
            act()


def test_a_revert_does_not_bring_back_a_symbolic_link(repo: PygitRepo):
    blob = git(repo, "hash-object", "-w", "--stdin", data=b"/etc/passwd").stdout.strip().decode()
    linked = commit_of(repo, f"120000 blob {blob}\tlink\0".encode(), f"100644 blob {blob}\tfile\0".encode())
    handle = pygit2.Repository(str(repo.path))
    tree = git(repo, "mktree", data=f"100644 blob {blob}\tfile\n".encode()).stdout.strip().decode()
    removal = str(handle.create_commit(None, SIGNATURE, SIGNATURE, "remove", tree, [linked]))
    with pytest.raises(Permanent, match="'link' is a symbolic link"):
        repo.revert(removal, removal)


def test_too_deep_and_too_large_are_refused(repo: PygitRepo):
    with pytest.raises(Permanent, match="deeper than"):
        write(repo, "", {"/".join("a" * 40): b"1"})
    with pytest.raises(Permanent, match="more than"):
        write(repo, "", {"big": bytes(9 * 1024 * 1024)})
    blob = git(repo, "hash-object", "-w", "--stdin", data=bytes(9 * 1024 * 1024)).stdout.strip().decode()
    with pytest.raises(Permanent, match="9437184 bytes"):
        repo.blob(blob)


def test_a_listing_has_a_limit(repo: PygitRepo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reconciler.adapters.repos.trees.MAX_FILES", 2)
    with pytest.raises(Permanent, match="more than 2 files"):
        repo.files(write(repo, "", {"a": b"", "b": b"", "c": b""}))


# damage


def test_a_flipped_byte_is_tampering(repo: PygitRepo):
    commit = write(repo, "", {"a": b"1"})
    blob = repo.files(commit)["a"]
    file = object_file(repo, blob)
    file.chmod(0o600)
    file.write_bytes(zlib.compress(b"blob 1\x002"))
    with pytest.raises(Tampered, match="damaged or missing"):
        PygitRepo(repo.path).blob(blob)


@pytest.mark.parametrize("content", [b"", b"no zlib at all"])
def test_a_broken_commit_is_tampering_and_not_absence(repo: PygitRepo, content: bytes):
    commit = write(repo, "", {"a": b"1"})
    file = object_file(repo, commit)
    file.chmod(0o600)
    file.write_bytes(content)
    with pytest.raises(Tampered):
        PygitRepo(repo.path).commit(commit)


@pytest.mark.parametrize("what", ["tree", "blob"])
def test_a_missing_object_is_tampering(repo: PygitRepo, what: str):
    commit = write(repo, "", {"f/a": b"1"})
    name = (repo.tree(commit, "f") or "") if what == "tree" else repo.files(commit)["f/a"]
    object_file(repo, name).unlink()
    with pytest.raises(Tampered):
        PygitRepo(repo.path).read(commit, "f/a")


def test_a_missing_parent_is_tampering(repo: PygitRepo):
    first = write(repo, "", {"a": b"1"})
    second = write(repo, first, {"a": b"2"})
    object_file(repo, first).unlink()
    fresh = PygitRepo(repo.path)
    for act in (fresh.history, fresh.touched, lambda commit: fresh.between("", commit)):
        with pytest.raises(Tampered):
            act(second)


@pytest.mark.parametrize("content", ["", "garbage\n", "1" * 39 + "\n"])
def test_a_broken_ref_is_tampering_and_not_absence(repo: PygitRepo, content: str):
    commit = write(repo, "", {"a": b"1"})
    (repo.path / MAIN).write_text(content)
    with pytest.raises(Tampered):
        repo.ref(MAIN)
    with pytest.raises(Tampered):
        repo.move([RefMove(MAIN, "", commit)])


def test_no_repository_says_what_to_do(tmp_path: Path):
    with pytest.raises(Misconfigured, match="homeostat init"):
        PygitRepo(tmp_path / "nowhere")


FULL_DISK = """
import random, resource, signal, sys
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.errors import Retryable
from reconciler.ports.repo import Identity
repo = PygitRepo(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    repo.write("", {"a": random.Random(1).randbytes(100_000)}, "x", Identity("Ada", "ada@example.org"), 0, None)
except Retryable as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_can_be_retried(repo: PygitRepo):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(repo.path)], capture_output=True, text=True, check=False)
    assert "check free space" in done.stdout, done.stderr
    assert not repo.refs("refs/")


# other processes

RACER = """
import sys
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.ports.repo import Identity, RefMove
repo, base, me, several = PygitRepo(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "several"
head = repo.write(base, {"who": me.encode()}, me, Identity("Ada", "ada@example.org"), 0, None)
moves = [RefMove("refs/heads/main", base, head)] + ([RefMove("refs/homeostat/winner", "", head)] if several else [])
sys.stdin.readline()
print(repo.move(moves))
"""


@pytest.mark.parametrize("kind", ["one", "several"])
def test_one_of_many_processes_wins_a_ref(repo: PygitRepo, kind: str):
    base = write(repo, "", {"who": b"nobody"})
    assert repo.move([RefMove(MAIN, "", base)])
    start = [sys.executable, "-c", RACER, str(repo.path), base]
    racers = [
        subprocess.Popen([*start, str(n), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for n in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(answers) == ["False"] * 5 + ["True"]
    assert repo.read(repo.ref(MAIN) or "", "who") == str(answers.index("True")).encode()
    if kind == "several":
        assert repo.ref("refs/homeostat/winner") == repo.ref(MAIN)


def test_git_and_homeostat_count_together_without_losing_one(repo: PygitRepo):
    tip = write(repo, "", {"n": b"0"})
    assert repo.move([RefMove(MAIN, "", tip)])
    mine = []

    def homeostat() -> None:
        while len(mine) < 15:
            old = repo.ref(MAIN) or ""
            new = write(repo, old, {"mine": str(len(mine)).encode()})
            if repo.move([RefMove(MAIN, old, new)]):
                mine.append(new)

    worker = threading.Thread(target=homeostat)
    worker.start()
    theirs: list[str] = []
    while len(theirs) < 15:
        old = git(repo, "rev-parse", MAIN).stdout.strip().decode()
        new = git(
            repo,
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.c",
            "commit-tree",
            "-p",
            old,
            "-m",
            str(len(theirs)),
            f"{old}^{{tree}}",
        ).stdout.strip()
        if git(repo, "update-ref", MAIN, new.decode(), old).returncode == 0:
            theirs.append(new.decode())
    worker.join()
    assert {c.id for c in repo.history(repo.ref(MAIN) or "", limit=100)} == {tip, *mine, *theirs}


# killed writers


@pytest.mark.parametrize("several", [False, True])
def test_a_lock_left_by_a_killed_writer_is_cleared(repo: PygitRepo, several: bool):
    commit = write(repo, "", {"a": b"1"})
    lock = repo.path / f"{MAIN}.lock"
    lock.touch()
    age(lock, refs.ORPHAN_S + 1)
    moves = [RefMove(MAIN, "", commit), *([RefMove("refs/heads/x", "", commit)] if several else [])]
    assert repo.move(moves)
    assert not lock.exists()


def test_opening_clears_orphaned_locks(repo: PygitRepo):
    for name in (f"{MAIN}.lock", "packed-refs.lock", "refs/homeostat/pr/1.lock"):
        lock = repo.path / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
        age(lock, refs.ORPHAN_S + 1)
    PygitRepo(repo.path)
    assert not list(repo.path.rglob("*.lock"))


def test_a_living_writers_lock_is_respected(repo: PygitRepo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refs, "_ATTEMPTS", 3)
    commit = write(repo, "", {"a": b"1"})
    lock = repo.path / f"{MAIN}.lock"
    lock.touch()
    with pytest.raises(Retryable, match="locked by another"):
        repo.move([RefMove(MAIN, "", commit)])
    repo.maintain()
    assert lock.exists()
    lock.unlink()
    assert repo.move([RefMove(MAIN, "", commit)])


def test_a_stopped_homeostat_writer_is_reported(repo: PygitRepo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refs, "_ATTEMPTS", 2)
    commit = write(repo, "", {"a": b"1"})
    with refs.sole_writer(repo.path), pytest.raises(Retryable, match="another writer"):
        repo.move([RefMove(MAIN, "", commit)])


# maintenance


def test_maintenance_packs_everything_and_readers_go_on(repo: PygitRepo):
    tip = write(repo, "", {"n": b"0"})
    commits = [tip]
    for n in range(30):
        commits.append(write(repo, commits[-1], {"n": str(n).encode()}))
    assert repo.move([RefMove(MAIN, "", commits[-1]), RefMove("refs/homeostat/log", "", tip)])
    reader, stop, failures = PygitRepo(repo.path), threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            failures.extend(c for c in commits if reader.read(c, "n") is None or reader.ref(MAIN) != commits[-1])

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(3):
        repo.maintain()
    stop.set()
    thread.join()
    assert not failures
    assert len(list((repo.path / "objects" / "pack").glob("*.pack"))) == 1
    assert git(repo, "count-objects").stdout.startswith(b"0 objects")


def test_the_callers_git_environment_is_ignored(repo: PygitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commit = write(repo, "", {"a": b"1"})
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert repo.move([RefMove(MAIN, "", commit), RefMove("refs/heads/x", "", commit)])
    repo.maintain()
    assert repo.refs("refs/heads/") == {MAIN: commit, "refs/heads/x": commit}


def test_making_it_again_keeps_what_is_there(repo: PygitRepo):
    commit = write(repo, "", {"a": b"1"})
    assert repo.move([RefMove(MAIN, "", commit)])
    other = MemorySigner("author", "next")
    init_bare(repo.path, author=other.public)
    assert PygitRepo(repo.path).ref(MAIN) == commit
    assert git(repo, "verify-commit", repo.write("", {}, "x", MACHINE, 0, other)).returncode == 0


def test_a_mirror_holds_the_hidden_refs_too(repo: PygitRepo, tmp_path: Path):
    commit = write(repo, "", {"a": b"1"})
    assert repo.move([RefMove(MAIN, "", commit), RefMove("refs/homeostat/pr/1", "", commit)])
    copy = PygitRepo(mirror(repo.path, tmp_path / "copy.git", author=SIGNER.public))
    assert copy.refs("refs/") == repo.refs("refs/")
    assert (copy.path / "hooks" / "pre-receive").exists()
    with pytest.raises(Misconfigured, match="does not exist"):
        mirror(repo.path, copy.path, author=SIGNER.public)


def test_a_copy_of_a_damaged_repository_fails_aloud(repo: PygitRepo, tmp_path: Path):
    commit = write(repo, "", {"a": b"1"})
    assert repo.move([RefMove(MAIN, "", commit)])
    object_file(repo, repo.files(commit)["a"]).unlink()
    with pytest.raises(Retryable, match="cannot copy"):
        mirror(repo.path, tmp_path / "copy.git", author=SIGNER.public)


@pytest.mark.parametrize("name", ["", " ", "Ada <x>", "a\nb", "a\0b"])
def test_an_author_that_could_forge_a_header_is_refused(repo: PygitRepo, name: str):
    with pytest.raises(Permanent, match="cannot stand in"):
        repo.write("", {"a": b"1"}, "x", Identity(name, "ada@example.org"), 0, None)


@pytest.mark.parametrize("message", ["a\0b", "x" * 100_000])
def test_a_message_that_git_would_cut_is_refused(repo: PygitRepo, message: str):
    with pytest.raises(Permanent, match="no NUL"):
        write(repo, "", {"a": b"1"}, message)


def test_what_is_written_is_flushed_to_the_disk(repo: PygitRepo, monkeypatch: pytest.MonkeyPatch):
    told = []
    monkeypatch.setattr(pygit2, "option", lambda *arguments: told.append(arguments))
    PygitRepo(repo.path)
    assert (Option.ENABLE_FSYNC_GITDIR, True) in told
    assert git(repo, "config", "core.fsync").stdout.strip() == b"committed,loose-object"


def test_a_repository_that_cannot_be_locked_moves_nothing(repo: PygitRepo):
    commit = write(repo, "", {"a": b"1"})
    (repo.path / "homeostat" / "writing").unlink()
    (repo.path / "homeostat" / "writing").mkdir()
    with pytest.raises(Retryable, match="cannot lock"):
        repo.move([RefMove(MAIN, "", commit)])
    assert repo.refs("refs/") == {}


def test_a_broken_ref_does_not_vanish_from_a_listing(repo: PygitRepo):
    commit = write(repo, "", {"a": b"1"})
    assert repo.move([RefMove(MAIN, "", commit)])
    (repo.path / "refs" / "heads" / "broken").write_text("garbage\n")
    with pytest.raises(Tampered):
        repo.refs("refs/heads/")


@pytest.mark.parametrize("several", [False, True])
def test_the_reflog_names_the_machine(repo: PygitRepo, several: bool):
    commit = write(repo, "", {"a": b"1"})
    assert repo.move([RefMove(MAIN, "", commit), *([RefMove("refs/heads/x", "", commit)] if several else [])])
    assert MACHINE.email in (repo.path / "logs" / MAIN).read_text()


# what is kept


def test_looking_again_and_again_keeps_nothing(repo: PygitRepo):
    """A process turns millions of times; a name that is made anew for each look must not stay."""
    first = write(repo, "", {"apps/shop/cart.yaml": b"1", "README.md": b"2"})
    write(repo, first, {"apps/shop/cart.yaml": b"3"})

    def anew(text: str) -> str:
        return f"{text} "[:-1]

    def look(times: int) -> None:
        for _ in range(times):
            assert repo.ref(anew("refs/heads/missing")) is None
            assert repo.tree(first, anew("apps/shop"))
            assert repo.read(first, anew("apps/shop/cart.yaml")) == b"1"

    look(10)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        look(500)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000  # a name a look would be 100 kB
