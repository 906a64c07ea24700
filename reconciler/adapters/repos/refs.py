"""Refs: reading them, and moving several of them in one transaction, each compared with its old value.

1. An advisory lock (`homeostat/writing`) serialises the writers of Homeostat, so that they never meet on a ref's
   `.lock`; pushes by people still can, hence the bounded retries.
2. One ref moves through libgit2: lock, read again under the lock, compare, set (1 ms). Several refs move through
   `git update-ref --stdin`, which checks and writes every lock file in `prepare` before the first rename; libgit2's
   own transaction discovers a full disk or a name conflict only after some refs have moved.
3. A refused transaction is explained by reading again: a value that differs from `old` is stale (False); else the
   world was in the way (retry); else it can never work (Permanent).

A process killed under a lock leaves a `.lock` behind. While the advisory lock is held no writer of ours lives, and
receive-pack holds a ref's lock for milliseconds: a lock older than ORPHAN_S by the file system's own clock is removed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pygit2

from reconciler.adapters.repos.libgit import intact, lasting, need_commit, oid, run_git
from reconciler.errors import Permanent, Retryable
from reconciler.ports.repo import RefMove

ORPHAN_S = 3.0
_PAUSE_S = 0.01
_ATTEMPTS = 500  # times _PAUSE_S: longer than ORPHAN_S, shorter than anybody's patience
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)  # the world's doing: it may pass
_ABSENT = "0" * 40


def read_ref(git: pygit2.Repository, name: str) -> str | None:
    """What a direct ref points at; None when there is none or the name can be none."""
    with intact(f"ref {name}"):
        try:
            found = git.references.get(lasting(name))
        except ValueError:  # libgit2's word for an impossible name
            return None
    return str(found.target) if found is not None and isinstance(found.target, pygit2.Oid) else None


def read_refs(git: pygit2.Repository, prefix: str) -> dict[str, str]:
    """Every direct ref whose name starts with `prefix`, sorted by name."""
    with intact(f"refs below {prefix}"):
        listed = {ref.name: ref.target for ref in git.references.iterator() if ref.name.startswith(prefix)}
    found = {name: str(target) for name, target in listed.items() if isinstance(target, pygit2.Oid)}
    for name in _loose(Path(git.path), prefix):
        if name not in listed and (
            target := read_ref(git, name)
        ):  # libgit2 leaves damaged refs out without a word; reading one tells
            found[name] = target
    return dict(sorted(found.items()))


def _loose(path: Path, prefix: str) -> Iterator[str]:
    """The names of the files that hold refs one by one."""
    for folder, _, files in os.walk(path / (prefix.rpartition("/")[0] or "refs")):
        at = Path(folder).relative_to(path).as_posix()
        yield from (name for name in (f"{at}/{file}" for file in files if not file.endswith(".lock")) if name.startswith(prefix))


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Holds the advisory lock; the kernel lets go of it when the process dies."""
    try:
        (path / "homeostat").mkdir(exist_ok=True)
        handle = os.open(path / "homeostat" / "writing", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Retryable(f"cannot lock {path} for writing: {error}", next_step="check free space and permissions") from error
    try:
        _take(handle, path)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise Retryable(f"another writer holds {path}", next_step="look for a stopped homeostat process")


def move_refs(path: Path, git: pygit2.Repository, moves: Sequence[RefMove]) -> bool:
    """All moves or none; False when any ref was not at its `old`."""
    _check(git, moves)
    if not moves:
        return True
    single = moves[0] if len(moves) == 1 and moves[0].new else None
    why = ""
    with sole_writer(path):
        for attempt in range(_ATTEMPTS):
            if not _fresh(git, moves):
                return False
            why = _set_one(git, single) if single else _set_all(path, moves)
            if not why:
                return True
            if "lock" not in why.lower() or not _locked(path, moves):
                break
            if attempt % 50 == 0:
                clear_orphans(path)
            time.sleep(_PAUSE_S)
        if not _fresh(git, moves):
            return False
    if any(os.strerror(number).lower() in why.lower() for number in _DISK):
        raise Retryable(f"cannot move {', '.join(m.name for m in moves)}: {why}", next_step="check free space and permissions")
    if _locked(path, moves):
        raise Retryable(f"{moves[0].name} is locked by another Git program: {why}")
    raise Permanent(
        f"cannot move {', '.join(m.name for m in moves)}: {why}", next_step="look for a ref whose name is a prefix of another"
    )


def _check(git: pygit2.Repository, moves: Sequence[RefMove]) -> None:
    """Refuses what no repetition can make right, before anything is locked."""
    if len({move.name for move in moves}) != len(moves):
        raise Permanent("one transaction moves a ref once")
    for move in moves:
        if not move.name.startswith("refs/") or not pygit2.reference_is_valid_name(move.name):
            raise Permanent(f"{move.name!r} is no ref name")
        if move.old and oid(move.old) is None:
            raise Permanent(f"{move.old!r} is no object id")
        if move.new:
            need_commit(git, move.new)
        if not move.new and not move.old:
            raise Permanent(f"{move.name}: a move from nothing to nothing")


def _fresh(git: pygit2.Repository, moves: Sequence[RefMove]) -> bool:
    return all((read_ref(git, move.name) or "") == move.old for move in moves)


def _set_one(git: pygit2.Repository, move: RefMove) -> str:
    """Sets one ref under its lock; why not, or ""."""
    try:
        with git.transaction() as transaction:
            transaction.lock_ref(move.name)
            stale = (read_ref(git, move.name) or "") != move.old
            if not stale:
                transaction.set_target(move.name, move.new)
    except (pygit2.GitError, OSError) as error:
        return str(error) or type(error).__name__
    return "it moved" if stale else ""


def _set_all(path: Path, moves: Sequence[RefMove]) -> str:
    lines = ["start", *(_command(move) for move in moves), "prepare", "commit", ""]
    done = run_git(path, ["update-ref", "--stdin"], text="\n".join(lines))
    return "" if done.returncode == 0 else done.stderr.strip() or f"git update-ref ended with {done.returncode}"


def _command(move: RefMove) -> str:
    if not move.new:
        return f"delete {move.name} {move.old}"
    if move.new == move.old:
        return f"verify {move.name} {move.old}"
    return f"update {move.name} {move.new} {move.old or _ABSENT}"


def _locked(path: Path, moves: Sequence[RefMove]) -> bool:
    return (path / "packed-refs.lock").exists() or any((path / f"{move.name}.lock").exists() for move in moves)


def clear_orphans(path: Path) -> list[str]:
    """Removes ref locks left by killed processes; call while being the sole writer."""
    probe = path / "homeostat" / "writing"
    os.utime(probe)
    now = probe.stat().st_mtime
    removed = []
    for lock in (path / "packed-refs.lock", path / "HEAD.lock", path / "config.lock", *(path / "refs").rglob("*.lock")):
        with contextlib.suppress(FileNotFoundError):
            if now - lock.stat().st_mtime > ORPHAN_S:
                lock.unlink()
                removed.append(str(lock.relative_to(path)))
    return removed
