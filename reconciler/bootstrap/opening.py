"""Opening the parts of a home folder one by one: settings, clock, keys, repository, log. `system` opens all of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler import plugins
from reconciler.adapters.clocks import SteppedClock, SystemClock
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier, FileSigner
from reconciler.adapters.signing.keys import load_public
from reconciler.audit.branch import MACHINE_EMAIL, TRAILER, refuse_unnamed
from reconciler.audit.keyring import KeyRing
from reconciler.audit.log import Log
from reconciler.audit.redact import Redactor
from reconciler.audit.remembered import Remembered
from reconciler.audit.state import Trusted
from reconciler.errors import Misconfigured, Permanent, Tampered
from reconciler.model.canonical import decode
from reconciler.model.home import Home
from reconciler.model.keys import PublicKey
from reconciler.model.records import RecordKind
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Forge
from reconciler.ports.repo import Repo

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
    from reconciler.settings import Settings
    from reconciler.yamltext import Value

LOOK_BACK = (20, 5_000)  # commits in which the newest machine commit is looked for: most often it is near
LOG_ROLES = ("judge", "log", "review")
TRUSTED_ROLES = (*LOG_ROLES, "author")


def require(home: Home) -> None:
    """The home folder exists; says how to make one when it does not."""
    if not home.exists:
        raise Misconfigured(
            "there is no home folder here",
            where=str(home.root),
            next_step="`homeostat init` makes one; --home or HOMEOSTAT_HOME names another",
        )


def open_settings(home: Home) -> Settings:
    """`settings.yaml`, strictly."""
    from pydantic import ValidationError  # 0.3 s that a verb which only reads the log does not pay

    from reconciler.settings import Settings

    written = _written(home)
    try:
        return Settings.model_validate(_value(written, home)) if written else Settings()
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(
            f"{at}: {first['msg']}", where=str(home.settings), next_step="see docs/reference/settings.md"
        ) from error


def _written(home: Home) -> bytes:
    """The bytes of `settings.yaml`, none when there is no such file."""
    try:
        return home.settings.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Misconfigured(f"cannot read the settings: {error.strerror}", where=str(home.settings)) from error


def _value(written: bytes, home: Home) -> Value:
    from reconciler.yamltext import parse

    found = [document.value for document in parse(written, str(home.settings))]
    return (found[0] if found else None) or {}


def open_clock(home: Home, settings: Settings) -> Clock:
    return SteppedClock(home.clock) if settings.clock.mode == "stepped" else SystemClock()


def clock_alone(home: Home) -> Clock:
    """The home's Clock without the rest of the settings: their models are 0.05 s, and a mistake elsewhere in them keeps nobody
    from stopping the machine.
    """
    written = _written(home)
    value = _value(written, home) if b"stepped" in written else {}
    clock = value.get("clock") if isinstance(value, dict) else None
    stepped = isinstance(clock, dict) and clock.get("mode") == "stepped"
    return SteppedClock(home.clock) if stepped else SystemClock()


def open_telemetry(home: Home, settings: Settings) -> BuiltinTelemetry:
    """The built-in telemetry with this installation's bounds: for the loop, and for the process of the detectors."""
    from reconciler.adapters.telemetry.bounds import Bounds
    from reconciler.adapters.telemetry.builtin import BuiltinTelemetry

    kept = settings.telemetry
    hour = 3_600_000
    bounds = Bounds(kept.retention_hours * hour, kept.raw_hours * hour, max_bytes=kept.max_mib << 20)
    return BuiltinTelemetry(home.telemetry, bounds, open_clock(home, settings).now)


def trusted(home: Home, repository: str) -> Trusted:
    """Whose signatures count in the log."""
    publics = {role: load_public(home.key(role)).raw for role in TRUSTED_ROLES}
    return Trusted(f"{repository}.homeostat", KeyRing.of(publics), Ed25519Verifier())


def open_log(repo: Repo, home: Home, repository: str, *, remembered: Remembered | None, sign: bool = True) -> Log:
    """The log, with the signers of its roles where their keys are."""
    signers = {role: FileSigner(home.key(role), role) for role in LOG_ROLES} if sign else {}
    return Log(repo, trusted(home, repository), signers=signers, remembered=remembered, redact=Redactor(known(home)).record)


def known(home: Home) -> tuple[str, ...]:
    """Secret values of this home that must appear in no record, page or pull request."""
    try:
        return (home.secret.read_text(encoding="utf-8").strip(),)
    except FileNotFoundError:
        return ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """What init pinned. The file is a copy: whoever opens the log compares it with the log's own first record."""

    repository: str
    root: str
    branch: str
    owner: str


def pinned(home: Home) -> Pinned:
    """The copy beside the keys."""
    try:
        return decode(Pinned, json.loads(home.pinned.read_text(encoding="utf-8")))
    except (OSError, ValueError, Permanent) as error:
        raise Misconfigured(
            f"cannot read what init pinned: {error}", where=str(home.pinned), next_step="homeostat restore"
        ) from error


def require_pinned(log: Log, found: Pinned) -> None:
    """The log begins with exactly this installation."""
    first = log.entry(0).record
    said = [first.payload.get(name) for name in ("root", "repository", "branch")]
    if first.kind is not RecordKind.CONFIGURED or said != [found.root, found.repository, found.branch]:
        raise Tampered(
            "the log does not begin with this installation's root revision, repository and branch",
            next_step="homeostat audit verify",
        )


def require_named(log: Log, repo: Repo, home: Home, found: Pinned) -> None:
    """The log still holds what the newest machine commit of the protected branch names, also where the remembered
    checkpoint was removed together with the end of the log. A restore is a rollback on purpose, and says so by its epoch.
    """
    tip = repo.ref(f"refs/heads/{found.branch}")
    if not tip or Remembered(home.checkpoint).read().epoch:
        return
    author, verifier, state = load_public(home.key("author")).raw, Ed25519Verifier(), log.refresh()
    for limit in LOOK_BACK:
        for info in repo.history(tip, limit=limit):
            if info.committer_email != MACHINE_EMAIL or not info.trailer(TRAILER):
                continue
            if verifier.verify_ssh(info.signature, info.signed, "git") == author:
                refuse_unnamed(info, state.signed_size, state.tiles.root)
                return


@dataclass(frozen=True, slots=True)
class Reader:
    """A home's repository as an outsider sees it: pull requests and log, with public keys only."""

    repo: Repo
    forge: Forge
    log: Log


def open_reader(home: Home) -> Reader:
    """Reads and proves; signs nothing and knows no private key."""
    found = pinned(home)
    repo = PygitRepo(home.repository)
    forge = plugins.load("forge", "embedded")(
        repo,
        repository=found.repository,
        clock=open_clock(home, open_settings(home)),
        signer=PublicOnly("author", load_public(home.key("author"))),
        verifier=Ed25519Verifier(),
        review_keys=(load_public(home.key("review")).raw,),
    )
    return Reader(repo, forge, open_log(repo, home, found.repository, remembered=None, sign=False))


@dataclass(frozen=True, slots=True)
class PublicOnly:
    """A signer that cannot sign: for whoever only reads."""

    role: str
    key: PublicKey

    @property
    def key_id(self) -> str:
        return self.key.key_id

    @property
    def public(self) -> bytes:
        return self.key.raw

    def sign(self, message: bytes) -> bytes:
        raise Misconfigured(
            f"no private {self.role} key here: cannot sign {len(message)} bytes", next_step="run it where the key is"
        )

    def sign_ssh(self, message: bytes, namespace: str) -> bytes:
        raise Misconfigured(f"no private {self.role} key here: cannot sign for {namespace}, {len(message)} bytes")


@dataclass(frozen=True, slots=True)
class Running:
    """Where a running installation is reached; kept in HOME/running.json while it runs."""

    pid: int
    web: str
    lab: str


def read_running(home: Home) -> Running | None:
    """The installation that runs in this home, None when none does."""
    try:
        found = json.loads(home.running.read_text(encoding="utf-8"))
        running = Running(int(found["pid"]), str(found["web"]), str(found["lab"]))
        os.kill(running.pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return running
