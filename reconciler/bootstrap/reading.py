"""Reading: one home as the verbs see it that only look: Git, pull requests, log, cases and the Clock.

In: a home. Out: a Reading that the caller closes. It proves what it reads like everything else (signatures, the pinned
root, the remembered checkpoint), but loads no documents, no targets and no telemetry, so that `homeostat status` answers
at once, whether a controller runs or not. A store that cannot be read hides the cases, never the log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler import plugins
from reconciler.adapters.clocks import SystemClock
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.adapters.signing.keys import load_public
from reconciler.audit.facts import Brake, Hold
from reconciler.audit.log import Log
from reconciler.audit.remembered import Remembered
from reconciler.audit.view import LogView
from reconciler.bootstrap import opening
from reconciler.errors import HomeostatError
from reconciler.model.cases import Case
from reconciler.model.home import Home
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Forge
from reconciler.ports.store import Store

NOTED = "converged"  # the store's note of the revision that a round was over


@dataclass(frozen=True, slots=True)
class Reading:
    """An open home, for looking only. `store` is None when it cannot be read; `trouble` says why."""

    home: Home
    pinned: opening.Pinned
    clock: Clock
    repo: PygitRepo
    forge: Forge
    log: Log
    ledger: LogView
    store: Store | None
    trouble: str = ""

    @property
    def head(self) -> str:
        """The protected branch's tip; "" when it was deleted."""
        return self.repo.ref(f"refs/heads/{self.pinned.branch}") or ""

    def applied(self) -> str:
        """The last revision that the controller followed, "" when there is none yet."""
        noted = self.store.noted(NOTED) if self.store else ""
        known = self.ledger.facts().applied
        return noted or max(known, key=lambda revision: known[revision], default="")

    def cases(self, *, open_only: bool = False) -> Sequence[Case]:
        return self.store.cases(open_only=open_only) if self.store else ()

    def brakes(self) -> list[Brake]:
        """Those in force."""
        now = self.clock.now()
        return [f.value for f in self.ledger.facts().brakes.values() if f.value.on and now < f.value.until_ms]

    def holds(self) -> list[tuple[str, Hold]]:
        """Those in force, by the id that people use."""
        return [(f"hold-{f.id.removeprefix('sha256:')[:8]}", f.value) for f in self.ledger.facts().held(self.clock.now())]

    def case(self, case_id: str) -> Case | None:
        return self.store.case(case_id) if self.store else None


@contextlib.contextmanager
def reading(home: Home) -> Iterator[Reading]:
    """One home, opened for looking."""
    opening.require(home)
    pinned = opening.pinned(home)
    repo = PygitRepo(home.repository)
    log = opening.open_log(repo, home, pinned.repository, remembered=Remembered(home.checkpoint), sign=False)
    opening.require_pinned(log, pinned)
    opening.require_named(log, repo, home, pinned)
    clock = _clock(home)
    forge = plugins.load("forge", "embedded")(
        repo,
        repository=pinned.repository,
        clock=clock,
        signer=opening.PublicOnly("author", load_public(home.key("author"))),
        verifier=Ed25519Verifier(),
        review_keys=(load_public(home.key("review")).raw,),
    )
    with contextlib.ExitStack() as stack:
        store, trouble = _store(home, stack)
        yield Reading(home, pinned, clock, repo, forge, log, LogView(log), store, trouble)


def _store(home: Home, stack: contextlib.ExitStack) -> tuple[Store | None, str]:
    from reconciler.adapters.stores.store import SqliteStore

    if not home.store.exists():
        return None, "there is no store; the next `homeostat up` rebuilds it from Git and the log"
    try:
        store = SqliteStore(home.store)
    except HomeostatError as error:
        return None, str(error)
    stack.callback(store.close)
    return store, ""


def _clock(home: Home) -> Clock:
    """For telling how long ago, also when the settings cannot be read."""
    try:
        return opening.clock_alone(home)
    except HomeostatError:
        return SystemClock()
