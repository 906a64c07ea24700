"""Login tokens: 256 random bits, given to a person by `homeostat login`, spent once, kept only as a digest.

In: a home and a principal. Out: the token, shown once. `HOME/secrets/logins.json` holds `sha256(token)`, whose it is and
when it ends; the CLI writes it and the page spends from it, under one lock, each by replacing the whole file.

Invariants: a token opens one session at most; looking at it (`peek`) does not spend it; a file that does not read as
expected lets nobody in. A digest without salt is enough: there is no guessing 256 random bits.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.commands.people import vouched
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.canonical import decode, plain
from reconciler.settings import Home
from reconciler.steps.world import World

LASTS_MS = 900_000  # a quarter of an hour: long enough to change windows, short enough for a shell history
MAX_PENDING = 20  # links not used yet; a new one pushes out the oldest
MAX_TOKEN = 200  # characters looked at


@dataclass(frozen=True, slots=True)
class Login:
    """One link that has not been used."""

    principal: str
    digest: str
    until_wall_ms: int


def make_login(home: Home, principal: str, wall_ms: int) -> str:
    """A new token for a principal; the only place where it can be read is the answer."""
    token = secrets.token_urlsafe(32)
    with _exclusive(home.logins):
        live = [login for login in _read(home.logins) if wall_ms < login.until_wall_ms]
        made = Login(principal, _digest(token), wall_ms + LASTS_MS)
        _replace(home.logins, [*live, made][-MAX_PENDING:])
    return token


def login_link(home: Home, world: World, principal: str) -> str:
    """The address that logs a principal in once; Permanent when Trust does not know them."""
    vouched(world, principal)
    return world.url(f"/login?token={make_login(home, principal, world.clock.wall())}")


def peek(home: Home, token: str, wall_ms: int) -> str:
    """Whose token this is, "" when it is nobody's; it stays good."""
    found = _find(_read(home.logins), token, wall_ms)
    return found.principal if found else ""


def redeem(home: Home, token: str, wall_ms: int) -> str:
    """Like `peek`, and the token is spent."""
    with _exclusive(home.logins):
        logins = _read(home.logins)
        found = _find(logins, token, wall_ms)
        if found is None:
            return ""
        _replace(home.logins, [login for login in logins if login != found])
        return found.principal


def _find(logins: Sequence[Login], token: str, wall_ms: int) -> Login | None:
    """Every digest is compared, so that the time taken says nothing."""
    wanted = _digest(token[:MAX_TOKEN])
    found = [login for login in logins if hmac.compare_digest(login.digest, wanted)]
    return found[0] if found and wall_ms < found[0].until_wall_ms else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> list[Login]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [decode(Login, login) for login in found]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Retryable(f"cannot read the login links: {error.strerror}", next_step=f"check {path}") from error
    except (ValueError, TypeError, RecursionError, Permanent) as error:
        raise Misconfigured(
            "the login links cannot be read", where=str(path), next_step="delete the file, make a new link"
        ) from error


def _replace(path: Path, logins: Sequence[Login]) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(plain(tuple(logins)), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise Retryable(f"cannot keep the login link: {error.strerror}", next_step=f"check {path.parent}") from error


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise Retryable(f"cannot lock the login links: {error.strerror}", next_step=f"check {path.parent}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file closes, also by kill -9
        yield
