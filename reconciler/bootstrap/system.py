"""System: one home folder opened as a World, with everything that has to be closed again.

In: a home, its settings, the lab's address. Out: a World that the loop, the commands and the pages share. Opening reads
and proves (keys, pinned root, the log against the remembered checkpoint); it writes nothing but caches.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from reconciler import plugins
from reconciler.adapters.memories import EmbeddedMemory, KeptTemplates
from reconciler.adapters.notify import make_notifier
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.adapters.signing.keys import load_public
from reconciler.adapters.stores.store import SqliteStore
from reconciler.bootstrap import opening
from reconciler.bootstrap.asking import Asking
from reconciler.bootstrap.connections import Connections
from reconciler.bootstrap.office import office
from reconciler.errors import Misconfigured
from reconciler.ports.analyst import Analyst
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Forge
from reconciler.ports.repo import Repo
from reconciler.ports.signing import Signer
from reconciler.ports.voter import Voter
from reconciler.settings import Home, Settings, address
from reconciler.steps.world import World

if TYPE_CHECKING:
    from reconciler.converge.rounds import Converger

VOTERS = ("causal", "topology", "outcomes", "anomaly", "forecast")


@dataclass
class System:
    """An open home."""

    home: Home
    settings: Settings
    world: World
    store: SqliteStore
    connections: Connections
    closing: contextlib.ExitStack

    def close(self) -> None:
        self.closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Unconnected:
    """The scraper of a System that was opened without the outside: nothing is ever due."""

    faults: tuple[str, ...] = ()

    def due(self, now_ms: int) -> bool:
        return now_ms < 0

    def scrape(self, now_ms: int) -> int:
        raise Misconfigured(f"nothing can be scraped at {now_ms}: this was opened without sources", next_step="report this")


def open_system(
    home: Home, *, lab_url: str = "", base_url: str = "", connected: bool = True, analyst: Analyst | None = None
) -> System:
    """Everything of one home. The caller closes it. Without `connected` it has no targets and sources: a verb that
    only writes a record or a commit does not pay 0.5 s for clients that it never uses.
    """
    opening.require(home)
    settings = opening.open_settings(home)
    closing = contextlib.ExitStack()
    try:
        return _open(
            home,
            settings,
            closing,
            lab_url or f"http://127.0.0.1:{settings.lab.port}",
            base_url or address(settings.web.host, settings.web.port),
            connected=connected,
            analyst=analyst,
        )
    except BaseException:  # raised again; an interrupt, too, must leave no store or lock open
        closing.close()
        raise


def _open(
    home: Home,
    settings: Settings,
    closing: contextlib.ExitStack,
    lab_url: str,
    base_url: str,
    *,
    connected: bool,
    analyst: Analyst | None,
) -> System:
    store = closing.enter_context(contextlib.closing(SqliteStore(home.store)))
    within = office(home, opening.open_clock(home, settings), store)
    clock, repo, author = within.clock, within.repo, within.author
    telemetry = closing.enter_context(contextlib.closing(opening.open_telemetry(home, settings)))
    asking = Asking(home.root, settings.credentials, clock, telemetry.write)
    memory = closing.enter_context(contextlib.closing(EmbeddedMemory(home.memory)))
    connections = closing.enter_context(contextlib.closing(Connections(home.root, lab_url, telemetry, clock, asking)))
    world = World(
        repository=within.repository,
        branch=within.branch,
        root=within.root,
        machine_keys=(author.public,),
        clock=clock,
        repo=repo,
        forge=_forge(home, repo, within.repository, clock, author),
        store=store,
        work=store,
        telemetry=telemetry,
        scraper=connections if connected else Unconnected(),
        targets=connections.targets,
        voters=make_voters() if connected else (),
        author=author,
        verifier=Ed25519Verifier(),
        log=within.log,
        ledger=within.ledger,
        notifier=make_notifier(home.pages, settings.notify_url, clock),
        rules=within.rules,
        make_converger=lambda: _converger(home, settings, repo, connections, author),
        base_url=base_url,
        worker=f"{socket.gethostname()}:{home.root.resolve()}",  # one process runs a home, so one worker has this name
        connect=connections.adopt,
        analyst=analyst,
        memory=memory,
        log_template=KeptTemplates(home.log_templates).text,
    )
    if connected:
        connections.adopt(world.standing())
    return System(home, settings, world, store, connections, closing)


def _forge(home: Home, repo: Repo, repository: str, clock: Clock, author: Signer) -> Forge:
    made: Forge = plugins.load("forge", "embedded")(
        repo,
        repository=repository,
        clock=clock,
        signer=author,
        verifier=Ed25519Verifier(),
        review_keys=(load_public(home.key("review")).raw,),
    )
    return made


def _converger(home: Home, settings: Settings, repo: Repo, connections: Connections, author: Signer) -> Converger:
    from reconciler.bootstrap.rendering import tools
    from reconciler.converge.render import RenderCache
    from reconciler.converge.rounds import Converger

    return Converger(repo, connections.targets, cache=RenderCache(tools=tools(home, settings, author)))


def make_voters() -> tuple[Voter, ...]:
    return tuple(plugins.load("voter", name)() for name in VOTERS)
