"""System: one home folder opened as a World, with everything that has to be closed again.

In: a home, its settings, the lab's address. Out: a World that the loop, the commands and the pages share. Opening reads
and proves (keys, pinned root, the log against the remembered checkpoint); it writes nothing but caches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from reconciler import plugins
from reconciler.adapters.notify import make_notifier
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier, FileSigner
from reconciler.adapters.signing.keys import load_public
from reconciler.adapters.stores.store import SqliteStore
from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
from reconciler.adapters.telemetry.scraper import Scraper, ScrapeTarget
from reconciler.audit.remembered import Remembered
from reconciler.audit.view import LogView
from reconciler.bootstrap import opening
from reconciler.converge.rounds import Converger
from reconciler.documents.installation import Installation
from reconciler.errors import Misconfigured
from reconciler.ports.clock import Clock
from reconciler.ports.target import Target
from reconciler.ports.voter import Voter
from reconciler.settings import Home, Settings
from reconciler.steps.rulebook import Rulebooks
from reconciler.steps.world import World

VOTERS = ("causal", "topology", "outcomes")


@dataclass
class System:
    """An open home."""

    home: Home
    settings: Settings
    world: World
    store: SqliteStore
    closing: contextlib.ExitStack

    def close(self) -> None:
        self.closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TimedScraper:
    """Scrapes when the interval has passed under the Clock."""

    def __init__(self, scraper: Scraper, interval_ms: int) -> None:
        self._scraper = scraper
        self._interval_ms = interval_ms
        self._next_ms = 0
        self.faults: tuple[str, ...] = ()

    def due(self, now_ms: int) -> bool:
        return now_ms >= self._next_ms

    def scrape(self, now_ms: int) -> int:
        self._next_ms = now_ms + self._interval_ms
        reports = self._scraper.scrape()
        self.faults = tuple(f"{r.name}: {r.error}" for r in reports if r.error)
        return sum(r.samples for r in reports)


class Unconnected:
    """The scraper of a System that was opened without the outside: nothing is ever due."""

    faults: tuple[str, ...] = ()

    def due(self, now_ms: int) -> bool:
        return now_ms < 0

    def scrape(self, now_ms: int) -> int:
        raise Misconfigured(f"nothing can be scraped at {now_ms}: this was opened without sources", next_step="report this")


def open_system(home: Home, *, lab_url: str = "", base_url: str = "", connected: bool = True) -> System:
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
            base_url or f"http://127.0.0.1:{settings.web.port}",
            connected=connected,
        )
    except BaseException:
        closing.close()
        raise


def _open(
    home: Home, settings: Settings, closing: contextlib.ExitStack, lab_url: str, base_url: str, *, connected: bool
) -> System:
    pinned = opening.pinned(home)
    clock = opening.open_clock(home, settings)
    repo = PygitRepo(home.repository)
    store = SqliteStore(home.store)
    closing.callback(store.close)
    log = opening.open_log(repo, home, pinned.repository, remembered=Remembered(home.checkpoint))
    opening.require_pinned(log, pinned)
    author = FileSigner(home.key("author"), "author")
    verifier = Ed25519Verifier()
    forge = plugins.load("forge", "embedded")(
        repo,
        repository=pinned.repository,
        clock=clock,
        signer=author,
        verifier=verifier,
        review_keys=(load_public(home.key("review")).raw,),
    )
    rules = Rulebooks(repo)
    installation = rules.standing(repo.ref(f"refs/heads/{pinned.branch}") or pinned.root).installation
    telemetry = BuiltinTelemetry(home.telemetry)
    closing.callback(telemetry.close)
    targets = make_targets(installation, home, lab_url, closing) if connected else {}
    scraper = _scraper(installation, lab_url, telemetry, clock, closing) if connected else Unconnected()
    world = World(
        repository=pinned.repository,
        branch=pinned.branch,
        root=pinned.root,
        machine_keys=(author.public,),
        clock=clock,
        repo=repo,
        forge=forge,
        store=store,
        work=store,
        telemetry=telemetry,
        scraper=scraper,
        targets=targets,
        voters=make_voters(),
        author=author,
        verifier=verifier,
        log=log,
        ledger=LogView(log),
        notifier=make_notifier(home.pages, settings.notify_url, clock),
        rules=rules,
        converger=Converger(repo, targets),
        base_url=base_url,
    )
    return System(home, settings, world, store, closing)


def _scraper(
    installation: Installation, lab_url: str, telemetry: BuiltinTelemetry, clock: Clock, closing: contextlib.ExitStack
) -> TimedScraper:
    scraper = Scraper(scrape_targets(installation, lab_url), telemetry, clock)
    closing.callback(scraper.close)
    return TimedScraper(scraper, min((s.interval_ms for s in installation.spec.sources), default=5_000))


def scrape_targets(installation: Installation, lab_url: str) -> tuple[ScrapeTarget, ...]:
    """The sources of homeostat.yaml; one without an address is the embedded lab."""
    return tuple(
        ScrapeTarget(s.name, s.url or f"{lab_url}/metrics", s.timeout_ms, s.prefix, s.label) for s in installation.spec.sources
    )


def make_targets(installation: Installation, home: Home, lab_url: str, closing: contextlib.ExitStack) -> Mapping[str, Target]:
    """One adapter for each target of homeostat.yaml."""
    made: dict[str, Target] = {}
    for target in installation.spec.targets:
        factory = plugins.load("target", target.kind)
        where: Any = lab_url if target.kind == "lab" else home.root
        made[target.name] = factory.from_settings(target.name, target.settings, where)
        if hasattr(made[target.name], "close"):
            closing.callback(made[target.name].close)  # type: ignore[attr-defined]  # only targets with connections have it
    return made


def make_voters() -> tuple[Voter, ...]:
    return tuple(plugins.load("voter", name)() for name in VOTERS)
