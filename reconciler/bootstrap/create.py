"""Create: a new home folder with keys, an infra repository, a log whose first record pins both, and local settings.

Built in a folder beside the final one and renamed into place, so that a crash leaves either nothing or everything.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.clocks import SteppedClock, SystemClock
from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.signing.keys import generate_keys, load_public
from reconciler.adapters.stores.store import SqliteStore
from reconciler.audit.facts import record
from reconciler.audit.remembered import Remembered
from reconciler.bootstrap.library import template
from reconciler.bootstrap.opening import open_log
from reconciler.errors import Misconfigured
from reconciler.model.keys import PublicKey
from reconciler.model.records import RecordKind
from reconciler.ports.repo import Identity, RefMove
from reconciler.settings import BRANCH, INSTALLATION, Home

STEPPED_START_MS = 1_772_445_600_000  # Monday 2026-03-02T10:00:00Z: a stepped clock has to begin somewhere
TRUST = "policies/trust.yaml"


@dataclass(frozen=True, slots=True)
class Request:
    """What `init` was asked for."""

    name: str = "infra"
    owner: str = "owner"
    email: str = "owner@localhost"
    clock: str = "system"
    port: int = 8765
    lab_port: int = 8766


def create(home: Home, request: Request) -> str:
    """Makes the home folder; the root revision."""
    if home.exists:
        raise Misconfigured(
            "there is a home folder already", where=str(home.root), next_step="`homeostat up` runs it; --home makes another one"
        )
    if home.root.exists() and any(home.root.iterdir()):
        raise Misconfigured("the home folder is not empty", where=str(home.root), next_step="choose a new folder with --home")
    building = home.root.with_name(f"{home.root.name}.new-{secrets.token_hex(4)}")
    try:
        root = _build(Home(building.resolve()), request)
        home.root.parent.mkdir(parents=True, exist_ok=True)
        if home.root.exists():
            home.root.rmdir()
        os.rename(building, home.root)  # noqa: PTH104 - named for what matters: atomic
    except BaseException:  # raised again; an interrupt, too, must leave no half-made folder with keys in it
        shutil.rmtree(building, ignore_errors=True)
        raise
    settle(home)
    return root


def _build(home: Home, request: Request) -> str:
    home.root.mkdir(parents=True, mode=0o700)
    keys = generate_keys(home.keys)
    home.secret.parent.mkdir(mode=0o700)
    _private(home.secret, secrets.token_urlsafe(32) + "\n")
    home.settings.write_text(_settings(request), encoding="utf-8")
    start = STEPPED_START_MS if request.clock == "stepped" else 0
    clock = SteppedClock(home.clock, start) if request.clock == "stepped" else SystemClock()
    init_bare(home.repository, author=keys["author"].raw, branch=BRANCH)
    repo = PygitRepo(home.repository)
    files = template() | _own(keys, request)
    owner = FileSigner(home.key("owner"), "owner")
    message = "Begin: services, policies and playbooks from the template\n"
    root = repo.write("", files, message, Identity(request.owner, request.email), clock.now(), owner)
    repo.move([RefMove(f"refs/heads/{BRANCH}", "", root)])
    SqliteStore(home.store).close()
    payload = {
        "root": root,
        "repository": request.name,
        "branch": BRANCH,
        "owner": request.owner,
        "keys": {role: key.line for role, key in keys.items()},
    }
    log = open_log(repo, home, request.name, remembered=Remembered(home.checkpoint))
    log.publish([record(RecordKind.CONFIGURED, "root", clock.stamp(), payload, subject=root)])
    home.pinned.write_text(
        json.dumps({"repository": request.name, "root": root, "branch": BRANCH, "owner": request.owner}) + "\n"
    )
    return root


def settle(home: Home) -> None:
    """The hook's interpreter and paths are those of this place and this release; done again at every start."""
    init_bare(home.repository, author=load_public(home.key("author")).raw, branch=BRANCH)


def _own(keys: Mapping[str, PublicKey], request: Request) -> dict[str, bytes]:
    """The two files that name this installation: homeostat.yaml and the Trust document."""
    files = template()
    installation = files[INSTALLATION].decode().replace("repository: infra", f"repository: {request.name}")
    return {INSTALLATION: installation.encode(), TRUST: _trust(keys, request).encode()}


def _trust(keys: Mapping[str, PublicKey], request: Request) -> str:
    machine = "\n".join(f"    - role: {role}\n      public: {keys[role].line}" for role in ("author", "judge", "log", "review"))
    return f"""\
# yaml-language-server: $schema=../schemas/trust.schema.json
# Who is believed, for what. Edits of this file always need a person with the role `policy`.
# Switch `mode` to enforce once everybody signs their commits: git config commit.gpgsign true
apiVersion: homeostat/v1
kind: Trust
metadata:
  name: trust
spec:
  mode: warn
  principals:
    - name: {request.owner}
      emails: [{request.email}]
      keys:
        - public: {keys["owner"].line}
      roles: [approve, merge, policy, operate]
  machine:
{machine}
"""


def _settings(request: Request) -> str:
    return f"""\
# What is local to this machine; everything that decides about repairs is in the infra repository.
web:
  port: {request.port}
lab:
  port: {request.lab_port}
clock:
  mode: {request.clock}
"""


def _private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
