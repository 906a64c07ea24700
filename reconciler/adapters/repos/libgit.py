"""Handles on libgit2 and the one place where its errors become ours.

libgit2 is told once per process to flush what it writes (a ref must never survive a power cut that its objects did
not), to read no configuration but the repository's own, so that a person's `~/.gitconfig` changes nothing here, and to keep
large folders, too: otherwise one of thousands of units is unpacked again for each of them.
A handle serves one thread; `Handles` keeps one for each. Unknown ids are None; an object that must be there and is not,
or does not hash to its name, is `Tampered`.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel, ObjectType, Option

from reconciler.errors import Misconfigured, Permanent, Retryable, Tampered
from reconciler.ports.repo import MACHINE

LARGEST_TREE = 512 * 1024  # bytes: about 14,000 names
CACHE = 64 * 1024 * 1024  # bytes of all objects that are kept in memory
_HEX = re.compile(r"[0-9a-f]{40}")
_KEPT_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")


def prepare() -> None:
    """Sets libgit2's process-wide options; running it again changes nothing."""
    pygit2.option(Option.ENABLE_FSYNC_GITDIR, True)
    pygit2.settings.cache_object_limit(ObjectType.TREE, LARGEST_TREE)
    pygit2.settings.cache_max_size(CACHE)
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
        pygit2.settings.search_path[level] = ""


class Handles(threading.local):
    """One libgit2 handle for each thread that asks."""

    def __init__(self, path: Path) -> None:
        try:
            self.git = pygit2.Repository(str(path))
            self.git.set_ident(MACHINE.name, MACHINE.email)  # for the reflog; nobody's ~/.gitconfig is asked
        except pygit2.GitError as error:
            raise Misconfigured(
                f"cannot open the Git repository: {error}", where=str(path), next_step="run 'homeostat init', or restore a backup"
            ) from error


def oid(text: str) -> pygit2.Oid | None:
    """A full lower-case SHA-1 id, or None: abbreviations are never resolved."""
    return pygit2.Oid(hex=text) if _HEX.fullmatch(text) else None


def lasting(name: str) -> str:
    """The one object of this name. pygit2 1.21 never lets go of a name that it was asked for: of new ones, as each turn asks
    with, it would keep 64 bytes a question for ever.
    """
    return sys.intern(name)


@contextlib.contextmanager
def intact(what: str) -> Iterator[None]:
    """Around reads of objects that must be there."""
    try:
        yield
    except (KeyError, pygit2.GitError) as error:
        raise Tampered(
            f"{what} is damaged or missing in Git: {error}", next_step="run 'git fsck', restore from a mirror"
        ) from error
    except OSError as error:
        raise Retryable(f"cannot read {what}: {error}", next_step="check the disk and the permissions") from error


@contextlib.contextmanager
def writing(what: str) -> Iterator[None]:
    """Around writes of objects: a full disk is the world's doing and may pass."""
    try:
        yield
    except (OSError, pygit2.GitError) as error:
        raise Retryable(f"cannot write {what} to Git: {error}", next_step="check free space and permissions") from error


def find_commit(git: pygit2.Repository, commit: str) -> pygit2.Commit | None:
    """The commit, None when there is no commit of that id."""
    wanted = oid(commit)
    with intact(f"commit {commit}"):
        found = git.get(wanted) if wanted else None
    return found if isinstance(found, pygit2.Commit) else None


def need_commit(git: pygit2.Repository, commit: str) -> pygit2.Commit:
    found = find_commit(git, commit)
    if found is None:
        raise Permanent(f"{commit or 'an empty id'} is no commit of this repository", next_step="fetch it first")
    return found


def parent_of(git: pygit2.Repository, commit: pygit2.Commit) -> pygit2.Commit | None:
    """The first parent, None for a root commit."""
    if not commit.parent_ids:
        return None
    parent = find_commit(git, str(commit.parent_ids[0]))
    if parent is None:
        raise Tampered(f"the parent of {commit.id} is missing in Git", next_step="run 'git fsck', restore from a mirror")
    return parent


def need_tree(git: pygit2.Repository, tree: pygit2.Oid) -> pygit2.Tree:
    with intact(f"tree {tree}"):
        found = git[tree]
    if not isinstance(found, pygit2.Tree):
        raise Tampered(f"{tree} is no tree")
    return found


def clean_environment() -> dict[str, str]:
    """The environment of every git program: nothing of the caller's `GIT_*`, no configuration but the repository's."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1"}
    reflog = {"GIT_COMMITTER_NAME": MACHINE.name, "GIT_COMMITTER_EMAIL": MACHINE.email}
    return kept | fixed | reflog | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def run_git(path: Path, arguments: Sequence[str], *, text: str = "", timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """One git program on this bare repository, without a shell; its failure is the caller's to judge."""
    command = ["git", f"--git-dir={path}", *arguments]
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", errors="replace",
            env=clean_environment(), timeout=timeout_s, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Misconfigured("the git program is not installed", next_step="install Git 2.34 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise Retryable(f"git {arguments[0]} did not end within {timeout_s:g} s", next_step="look at the disk's load") from error
    return done
