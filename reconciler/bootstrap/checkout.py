"""Checkout: a folder of a person or of CI as revisions, and the world as an earlier one would have left it.

In: a folder with the infra repository checked out. Out: its documents' bytes; or a scratch repository that holds the
revision before and the folder as it is now, so that the very same rendering and guards judge it as they would judge a
push. Nothing is written into the folder. Links are refused by Git's own rules, as everywhere.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adapters.repos.libgit import clean_environment
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.converge.diffing import make_plan
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.home import INSTALLATION
from reconciler.model.revisions import ChangeSet, DesiredObject, Health, HealthState, Observed, Plan, Rendered
from reconciler.plugins import load
from reconciler.ports.repo import MACHINE
from reconciler.ports.target import Operator

FOLDERS = ("policies", "playbooks", "sensors", "health", "operations")
MAX_BYTES = 16 * 1024 * 1024
GIT_S = 120


@dataclass(frozen=True, slots=True)
class Scratch:
    """`now` is the folder as it is; `before` what it is compared with, "" when there is nothing before."""

    repo: PygitRepo
    before: str
    now: str


def documents(path: Path) -> dict[str, bytes]:
    """The files that may be documents: those at the top and below the documents' folders, however they are spelled."""
    if not (path / INSTALLATION).is_file():
        raise Misconfigured(
            f"there is no {INSTALLATION} here", where=str(path), next_step="give the checkout of the infra repository with --path"
        )
    found: dict[str, bytes] = {}
    for folder in sorted(path.iterdir()):
        if folder.is_dir() and folder.name.casefold() in FOLDERS:
            found |= {file.relative_to(path).as_posix(): _read(file) for file in sorted(folder.rglob("*")) if not file.is_dir()}
        elif folder.is_file() and folder.name.casefold() in (INSTALLATION, "homeostat.yml"):
            found[folder.name] = _read(folder)
    return found


def _read(file: Path) -> bytes:
    if file.is_symlink():
        raise Permanent(f"{file} is a link", next_step="the infra repository holds files and folders only")
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise Permanent(f"cannot read {file}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise Permanent(f"{file} is larger than {MAX_BYTES} bytes")
    return data


@contextlib.contextmanager
def scratch(path: Path, base: str = "") -> Iterator[Scratch]:
    """Compared with `base`; without one, uncommitted edits with HEAD, and a clean checkout with HEAD~1."""
    top = Path(_git(path, "rev-parse", "--show-toplevel").strip())
    head = _git(top, "rev-parse", "--verify", "HEAD^{commit}").strip()
    with tempfile.TemporaryDirectory(prefix="homeostat-plan-") as folder:
        _git(top, "clone", "--quiet", "--bare", "--no-tags", "--", str(top), f"{folder}/scratch.git")
        repo = PygitRepo(Path(folder) / "scratch.git")
        edits = _edits(top)
        now = repo.write(head, edits, "The folder as it is\n", MACHINE, 0, None) if edits else head
        yield Scratch(repo, _before(top, repo, base or ("HEAD" if edits else "HEAD~1"), asked=bool(base)), now)


def operations_before(path: Path, base: str = "") -> dict[str, str] | None:
    """The Operation files of the revision that `scratch` compares with, to their blob ids; None when there is none before."""
    try:
        edited = _git(path, "status", "--porcelain", "-z", "--", ".")
        before = base or ("HEAD" if edited else "HEAD~1")
        listed = _git(path, "ls-tree", "-r", "-z", "--end-of-options", f"{before}^{{tree}}", "operations/")
    except Misconfigured:
        if base:
            raise
        return None
    entries = (line.split("\t", 1) for line in listed.split("\0") if line)
    return {name: said.split()[2] for said, name in entries}


def offline_acts(kind: str) -> Collection[str] | None:
    """One-shot acts that a kind of target can do; None when only a running one knows."""
    from reconciler.lab.acts import ACTIONS

    if kind == "lab":
        return ACTIONS
    return None if issubclass(load("target", kind), Operator) else ()


def _before(top: Path, repo: PygitRepo, base: str, *, asked: bool) -> str:
    try:
        found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}").strip()
    except Misconfigured:
        found = ""
    if found and repo.commit(found) is not None:
        return found
    if asked:
        raise Misconfigured(f"{base!r} is no commit of this checkout", where=str(top), next_step="git fetch --unshallow")
    return ""


def _edits(top: Path) -> dict[str, bytes | None]:
    """Every file that differs from HEAD or is new and not ignored."""
    names = _git(top, "diff", "--name-only", "--no-renames", "-z", "HEAD") + _git(
        top, "ls-files", "--others", "--exclude-standard", "-z"
    )
    return {
        name: _read(top / name) if (top / name).exists() or (top / name).is_symlink() else None
        for name in names.split("\0")
        if name
    }


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", env=clean_environment(), timeout=GIT_S, check=False
        )
    except FileNotFoundError as error:
        raise Misconfigured("the git program is not installed", next_step="install Git 2.34 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise Retryable(f"git {arguments[0]} did not end within {GIT_S} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Misconfigured(
            f"git {arguments[0]}: {said[-1] if said else 'failed'}",
            where=str(folder),
            next_step="give a Git checkout with --path",
        )
    return done.stdout


class Before:
    """A Target that holds what an earlier revision rendered to. It can be planned against and never applied to."""

    at_once = 1

    def __init__(self, name: str, units: Mapping[str, Sequence[DesiredObject]]) -> None:
        self.name = name
        self._units = units

    def observe(self, unit: str) -> Observed:
        held = {o.id: o.digest for o in self._units.get(unit, ())}
        return Observed(unit, 0, "", held, held)

    def inventory(self) -> Mapping[str, str]:
        return {o.id: unit for unit, objects in self._units.items() for o in objects}

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        return make_plan(rendered, self.observe(rendered.unit), self._body, revision, generation, shown=shown)

    def _body(self, object_id: str) -> Mapping[str, Any]:
        return next((o.spec for objects in self._units.values() for o in objects if o.id == object_id), {})

    def dry_run(self, plan: Plan) -> ChangeSet:
        return ChangeSet(plan.unit, self.name, plan.revision, plan.generation, (), "ok")

    def apply(self, plan: Plan) -> ChangeSet:
        raise Permanent(f"a checkout is planned and never applied ({plan.unit})", next_step="git push")

    def health(self, unit: str) -> Sequence[Health]:
        return [Health(o.id, HealthState.UNKNOWN) for o in self._units.get(unit, ())]
