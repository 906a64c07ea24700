"""Login tokens: 256 random bits, given to a person by `homeostat login`, spent once, kept only as a digest.

In: a home and a principal. Out: the token, shown once. `HOME/secrets/logins.json` holds `sha256(token)`, whose it is and
when it ends; the CLI writes it and the page spends from it, under one lock, each by replacing the whole file.

Invariants: a token opens one session at most; looking at it (`peek`) does not spend it; a file that does not read as
expected lets nobody in. A digest without salt is enough: there is no guessing 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.commands.people import vouched
from reconciler.console.keeping import Kept
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
    kept = _kept(home)
    with kept.exclusive():
        live = [login for login in kept.read() if wall_ms < login.until_wall_ms]
        made = Login(principal, _digest(token), wall_ms + LASTS_MS)
        kept.replace([*live, made][-MAX_PENDING:])
    return token


def login_link(home: Home, world: World, principal: str) -> str:
    """The address that logs a principal in once; Permanent when Trust does not know them."""
    vouched(world, principal)
    return world.url(f"/login?token={make_login(home, principal, world.clock.wall())}")


def peek(home: Home, token: str, wall_ms: int) -> str:
    """Whose token this is, "" when it is nobody's; it stays good."""
    found = _find(_kept(home).read(), token, wall_ms)
    return found.principal if found else ""


def redeem(home: Home, token: str, wall_ms: int) -> str:
    """Like `peek`, and the token is spent."""
    kept = _kept(home)
    with kept.exclusive():
        logins = kept.read()
        found = _find(logins, token, wall_ms)
        if found is None:
            return ""
        kept.replace([login for login in logins if login != found])
        return found.principal


def _find(logins: Sequence[Login], token: str, wall_ms: int) -> Login | None:
    """Every digest is compared, so that the time taken says nothing."""
    wanted = _digest(token[:MAX_TOKEN])
    found = [login for login in logins if hmac.compare_digest(login.digest, wanted)]
    return found[0] if found and wall_ms < found[0].until_wall_ms else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _kept(home: Home) -> Kept[Login]:
    return Kept(home.logins, Login, "the login links")
