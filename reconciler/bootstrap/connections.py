"""Connections: the targets and sources that homeostat.yaml names, connected, and kept as the followed documents say.

In: an Installation, at the start and with every revision that converge follows. Out: one dictionary of targets, which the
World and converge share, and one scraper. What did not change keeps its connection; what a commit adds or alters is there
in the same turn, and what it drops is closed. Whatever a dropped target holds stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler import plugins
from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
from reconciler.adapters.telemetry.scraper import Scraper, ScrapeTarget
from reconciler.documents.health_rule import HealthRule
from reconciler.documents.installation import Installation
from reconciler.documents.installation_applier import applied_by
from reconciler.documents.loader import Loaded
from reconciler.model.revisions import HealthState
from reconciler.ports.clock import Clock
from reconciler.ports.target import Judging, News, Sharing, Target
from reconciler.steps.rulebook import Rulebook

Judge = Callable[[Mapping[str, Any]], tuple[HealthState, str]]
IDLE_MS = 5_000  # how often no source is looked at


class Connections:
    """Used by the loop's thread alone. It is the World's scraper, too: due when the interval has passed under the Clock."""

    def __init__(self, home: Path, lab_url: str, telemetry: BuiltinTelemetry, clock: Clock) -> None:
        self.targets: dict[str, Target] = {}
        self.faults: tuple[str, ...] = ()
        self._home, self._lab_url, self._telemetry, self._clock = home, lab_url, telemetry, clock
        self._specs: dict[str, Any] = {}
        self._health: tuple[Loaded[HealthRule], ...] = ()
        self._judge: Judge | None = None
        self._sources: tuple[ScrapeTarget, ...] = ()
        self._scraper: Scraper | None = None
        self._interval_ms, self._next_ms = IDLE_MS, 0
        self.wake: Callable[[], None] = _nobody  # called when a target has news

    def adopt(self, rules: Rulebook) -> None:
        """Connects what is new, or Misconfigured and everything as it was before."""
        installation = rules.installation
        wanted = {target.name: target for target in installation.spec.targets}
        book = _book(rules.health) if rules.health != self._health or self._judge is None else None
        made = {name: self._target(spec) for name, spec in wanted.items() if self._specs.get(name) != spec}
        for name in [name for name in self.targets if name in made or name not in wanted]:
            _close(self.targets.pop(name))
        self.targets.update(made)
        self._judge_by(made.values(), book)
        self._leave(installation)
        self._health = rules.health
        self._specs = wanted
        self._watch(installation)

    def due(self, now_ms: int) -> bool:
        return now_ms >= self._next_ms

    def scrape(self, now_ms: int) -> int:
        self._next_ms = now_ms + self._interval_ms
        reports = self._scraper.scrape() if self._scraper else ()
        self.faults = tuple(f"{r.name}: {r.error}" for r in reports if r.error)
        return sum(r.samples for r in reports)

    def close(self) -> None:
        for target in self.targets.values():
            _close(target)
        if self._scraper:
            self._scraper.close()

    def _target(self, spec: Any) -> Target:
        where: Any = self._lab_url if spec.kind == "lab" else self._home
        made: Target = plugins.load("target", spec.kind).from_settings(spec.name, spec.settings, where)
        if isinstance(made, News):
            made.on_change(self._news)
        return made

    def _judge_by(self, made: Iterable[Target], book: Judge | None) -> None:
        """By the rules in Git over the shipped ones: new targets, and all when the rules have changed."""
        self._judge = book or self._judge
        for target in self.targets.values() if book is not None else made:
            if isinstance(target, Judging) and self._judge is not None:
                target.judge_by(self._judge)

    def _leave(self, installation: Installation) -> None:
        """Which units somebody else applies."""
        for name, target in self.targets.items():
            if isinstance(target, Sharing):
                units = (unit for unit in installation.spec.units if unit.target == name)
                target.leave({u.name: by for u in units if (by := applied_by(u.applier))})

    def _news(self) -> None:
        """`wake` is set after the first targets were connected."""
        self.wake()

    def _watch(self, installation: Installation) -> None:
        """Sources without an address are the embedded lab."""
        spec = installation.spec
        self._interval_ms = min((s.interval_ms for s in spec.sources), default=IDLE_MS)
        sources = tuple(
            ScrapeTarget(s.name, s.url or f"{self._lab_url}/metrics", s.timeout_ms, s.prefix, s.label) for s in spec.sources
        )
        if sources == self._sources and self._scraper:
            return
        if self._scraper:
            self._scraper.close()
        self._scraper, self._sources, self._next_ms = Scraper(sources, self._telemetry, self._clock), sources, 0


def _book(rules: Sequence[Loaded[HealthRule]]) -> Judge:
    from reconciler.health import HealthBook

    book = HealthBook(rules)

    def judge(live: Mapping[str, Any]) -> tuple[HealthState, str]:
        found = book.judge(live)
        return found.state, found.message

    return judge


def _nobody() -> None:
    """Who turns the loop by hand looks when it likes."""


def _close(target: Target) -> None:
    """Only targets with connections have something to close."""
    if hasattr(target, "close"):
        target.close()
