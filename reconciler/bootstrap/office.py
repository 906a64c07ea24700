"""Opening an Office: what a command that stops the machine or undoes what it did needs of a home, and nothing else.

In: a home. Out: an open Office that the caller closes. It proves what it opens like everything else: the keys, the pinned
root, the log against the remembered checkpoint. `system` builds the whole World on one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.stores.store import SqliteStore
from reconciler.audit.remembered import Remembered
from reconciler.audit.view import LogView
from reconciler.bootstrap import opening
from reconciler.model.home import Home
from reconciler.ports.clock import Clock
from reconciler.ports.store import Store
from reconciler.steps.office import Office
from reconciler.steps.rulebooks import Rulebooks


@contextlib.contextmanager
def open_office(home: Home) -> Iterator[Office]:
    """The home, for stops alone."""
    opening.require(home)
    clock = opening.clock_alone(home)
    with contextlib.closing(SqliteStore(home.store)) as store:
        yield office(home, clock, store)


def office(home: Home, clock: Clock, store: Store) -> Office:
    """On an open store, which the caller closes."""
    pinned = opening.pinned(home)
    repo = PygitRepo(home.repository)
    log = opening.open_log(repo, home, pinned.repository, remembered=Remembered(home.checkpoint))
    opening.require_pinned(log, pinned)
    opening.require_named(log, repo, home, pinned)
    return Office(
        repository=pinned.repository,
        branch=pinned.branch,
        root=pinned.root,
        clock=clock,
        repo=repo,
        store=store,
        author=FileSigner(home.key("author"), "author"),
        log=log,
        ledger=LogView(log),
        rules=Rulebooks(repo),
    )
