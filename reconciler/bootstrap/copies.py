"""Copies: a whole home as one consistent backup, and a new home from one.

The order of a backup makes it consistent while the controller runs: first the store (what its outbox still holds may be
in the log already, and is then not written again; the other way round records would be lost), then the remembered
checkpoint (never newer than the log), then Git with every ref, whose log ref is read after its branches.

A restore is a new beginning and says so: the log is proved against the backup's checkpoint, a new epoch is opened, a
brake is put on by a record, and Operations that were under way are unknown. Both directions build beside the goal and
rename, so that a crash leaves nothing or everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.repos.bare import mirror
from reconciler.adapters.repos.libgit import run_git
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.signing.keys import load_public, public_path
from reconciler.adapters.stores.copies import backup as copy_store
from reconciler.adapters.stores.copies import restore as restore_store
from reconciler.adapters.stores.schema import migrate
from reconciler.audit.facts import Brake, OperationEvent, brake_record, operation_record, record
from reconciler.audit.remembered import Remembered
from reconciler.audit.view import LogView
from reconciler.bootstrap import opening
from reconciler.errors import Misconfigured, Permanent, Retryable, Tampered
from reconciler.model.canonical import decode, digest, plain
from reconciler.model.home import Home
from reconciler.model.records import Record, RecordKind, Stamp
from reconciler.ports.clock import Clock
from reconciler.steps.enlisting import abandoned

FORMAT = 1
MANIFEST = "backup.json"
BRAKE_MS = 30 * 86_400_000  # the longest a brake lasts: a restored machine acts when a person says so
PLAIN = ("settings.yaml", "pinned.json", "clock", "checkpoint")
ROLES = ("author", "judge", "log", "review", "owner")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself."""

    format: int
    repository: str
    root: str
    owner: str
    records: int
    head: str
    wall_ms: int
    with_keys: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """The new home: the epoch that began, the brake that is on, Operations that nobody knows the end of."""

    manifest: Manifest
    epoch: int
    brake: str
    unknown: tuple[str, ...]


def backup(home: Home, to: Path, *, with_keys: bool) -> Manifest:
    """A copy of `home` in the new folder `to`."""
    opening.require(home)
    pinned = opening.pinned(home)
    with _built(to) as building:
        made = Home(building)
        _keys(home.keys, made.keys, private=with_keys)
        if with_keys and home.secret.exists():
            made.secret.parent.mkdir(mode=0o700)
            _copy(home.secret, made.secret, 0o600)
        if home.store.exists():
            copy_store(home.store, made.store)
        for name in PLAIN:
            if (home.root / name).exists():
                _copy(home.root / name, building / name, 0o600)
        _mirror(home.repository, made, pinned.branch)
        repo = PygitRepo(made.repository)
        log = opening.open_log(repo, made, pinned.repository, remembered=Remembered(made.checkpoint), sign=False)
        opening.require_pinned(log, pinned)
        head = repo.ref(f"refs/heads/{pinned.branch}") or ""
        clock = opening.open_clock(home, opening.open_settings(home))
        manifest = Manifest(FORMAT, pinned.repository, pinned.root, pinned.owner, log.size, head, clock.wall(), with_keys)
        (building / MANIFEST).write_text(json.dumps(plain(manifest), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return manifest


def restore(source: Path, home: Home, *, keys: Path | None = None) -> Restored:
    """A new home from a backup. `keys` holds the private keys when the backup does not."""
    manifest = read_manifest(source)
    if home.root.exists() and any(home.root.iterdir()):
        raise Misconfigured("the home folder is not empty", where=str(home.root), next_step="choose a new folder with --home")
    old = Home(source.resolve())
    with _built(home.root) as building:
        made = Home(building)
        _keys(old.keys, made.keys, private=False)
        _private_keys(keys or old.keys, made, manifest)
        made.secret.parent.mkdir(mode=0o700)
        _secret(old, made)
        for name in PLAIN:
            if (source / name).exists():
                _copy(source / name, building / name, 0o600)
        _mirror(old.repository, made, opening.pinned(made).branch)
        if old.store.exists():
            restore_store(old.store, made.store)
        migrate(made.store)
        restored = _begin(made, manifest)
    _settle(home)
    return restored


def read_manifest(source: Path) -> Manifest:
    """What the backup says it is; refuses what this release cannot read."""
    try:
        found = decode(Manifest, json.loads((source / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, Permanent) as error:
        raise Misconfigured(
            "this is no backup, or a damaged one", where=str(source / MANIFEST), next_step="give the folder that `backup` wrote"
        ) from error
    if found.format != FORMAT:
        raise Misconfigured(f"the backup has format {found.format}, this release reads {FORMAT}", where=str(source))
    return found


def _begin(home: Home, manifest: Manifest) -> Restored:
    """1. the log holds what the backup promised; 2. a new epoch; 3. Operations, the brake and the restore on record."""
    pinned = opening.pinned(home)
    repo = PygitRepo(home.repository)
    memory = Remembered(home.checkpoint)
    log = opening.open_log(repo, home, pinned.repository, remembered=memory)
    opening.require_pinned(log, pinned)
    if log.size != manifest.records or pinned.root != manifest.root:  # 1
        raise Tampered(f"the backup promises {manifest.records} records and holds {log.size}", next_step="use another backup")
    epoch = memory.open_epoch(log.checkpoint)  # 2
    clock = opening.open_clock(home, opening.open_settings(home))
    unknown = abandoned(repo, manifest.head, LogView(log).facts().operations)
    brake = Brake(
        f"brake-{digest([manifest.owner, epoch, clock.wall()])[7:15]}",
        manifest.owner,
        "restored from a backup",
        clock.now() + BRAKE_MS,
    )
    log.publish(_records(clock, manifest, epoch, brake, unknown))  # 3
    return Restored(manifest, epoch, brake.id, tuple(event.id for event in unknown))


def _records(clock: Clock, manifest: Manifest, epoch: int, brake: Brake, unknown: tuple[OperationEvent, ...]) -> list[Record]:
    stamp: Stamp = clock.stamp()
    said = {"restored": manifest.head, "records": manifest.records, "epoch": epoch, "by": manifest.owner}
    return [
        record(RecordKind.CONFIGURED, f"restored/{epoch}/{stamp.wall_ms}", stamp, said, subject=manifest.root),
        brake_record(brake, stamp),
        *(operation_record(event, stamp) for event in unknown),
    ]


def _private_keys(folder: Path, made: Home, manifest: Manifest) -> None:
    """Each role's private key, which has to be the half of the backed-up public one."""
    for role in ROLES:
        source = folder / f"{role}.key"
        if not source.exists():
            raise Misconfigured(
                f"the private {role} key is not here", where=str(source), next_step="give the folder of the keys with --keys"
            )
        _copy(source, made.key(role), 0o600)
        if FileSigner(made.key(role), role).public != load_public(made.key(role)).raw:
            raise Misconfigured(
                f"this is not the {role} key of {manifest.repository}", where=str(source), next_step="find the right one"
            )


def _secret(old: Home, made: Home) -> None:
    """The webhook's secret, or a new one."""
    if old.secret.exists():
        _copy(old.secret, made.secret, 0o600)
        return
    handle = os.open(made.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def _keys(source: Path, to: Path, *, private: bool) -> None:
    to.mkdir(mode=0o700)
    for role in ROLES:
        key = source / f"{role}.key"
        _copy(public_path(key), public_path(to / key.name), 0o644)
        if private:
            _copy(key, to / key.name, 0o600)


def _mirror(source: Path, made: Home, branch: str) -> None:
    mirror(source, made.repository, author=load_public(made.key("author")).raw, branch=branch)
    # A mirror remembers where it came from; a `git fetch` in it would then overwrite every ref.
    run_git(made.repository, ["config", "--remove-section", "remote.origin"])


def _settle(home: Home) -> None:
    from reconciler.bootstrap.create import settle

    settle(home)


def _copy(source: Path, to: Path, mode: int) -> None:
    """Private from the first byte on, and on the disk before it counts."""
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Retryable(f"cannot copy {source} to {to}: {error.strerror}", next_step="check space and permissions") from error


@contextlib.contextmanager
def _built(goal: Path) -> Iterator[Path]:
    """A folder beside the goal that takes its name when everything is in it."""
    if goal.exists() and (not goal.is_dir() or any(goal.iterdir())):
        raise Misconfigured("a copy never writes over anything", where=str(goal), next_step="choose a new folder")
    building = goal.absolute().with_name(f"{goal.name}.new-{secrets.token_hex(4)}")
    try:
        building.mkdir(mode=0o700, parents=True)
        yield building
        if goal.exists():
            goal.rmdir()
        building.rename(goal.absolute())
    except OSError as error:
        raise Retryable(f"cannot write {goal}: {error.strerror}", next_step="check space and permissions") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
