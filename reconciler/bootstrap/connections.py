"""Connections: the targets and sources that homeostat.yaml names, connected, and kept as the followed documents say.

In: an Installation, at the start and with every revision that converge follows. Out: one dictionary of targets, which the
World and converge share, and one scraper. What did not change keeps its connection; what a commit adds or alters is there
in the same turn, and what it drops is closed. Whatever a dropped target holds stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import plugins
from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
from reconciler.adapters.telemetry.scraper import Scraper, ScrapeTarget
from reconciler.bootstrap.asking import Asking
from reconciler.documents.health_rule import HealthRule
from reconciler.documents.installation import Installation
from reconciler.documents.installation_applier import applied_by
from reconciler.documents.installation_sources import OtlpSource, PromqlSource, ScrapeSource
from reconciler.documents.loader import Loaded
from reconciler.model.revisions import HealthState
from reconciler.ports.clock import Clock
from reconciler.ports.target import Judging, News, Sharing, Target
from reconciler.steps.rulebook import Rulebook

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.following import Following
    from webhooks.otlp_intake import OtlpIntake

Judge = Callable[[Mapping[str, Any]], tuple[HealthState, str]]
IDLE_MS = 5_000  # how often no source is looked at


class Connections:
    """Used by the loop's thread alone. It is the World's scraper, too: due when the interval has passed under the Clock."""

    def __init__(
        self,
        home: Path,
        lab_url: str,
        telemetry: BuiltinTelemetry,
        clock: Clock,
        asking: Asking | None = None,
    ) -> None:
        self.targets: dict[str, Target] = {}
        self.faults: tuple[str, ...] = ()
        self._unscraped: tuple[str, ...] = ()
        self._home, self._lab_url, self._telemetry, self._clock = home, lab_url, telemetry, clock
        self._specs: dict[str, Any] = {}
        self._health: tuple[Loaded[HealthRule], ...] = ()
        self._judge: Judge | None = None
        self._sources: tuple[ScrapeTarget, ...] = ()
        self._scraper: Scraper | None = None
        self._asking = asking
        self._otlp: OtlpIntake | None = None
        self._sent: OtlpSource | None = None
        self._asked: tuple[PromqlSource, ...] = ()
        self._following: Following | None = None
        self._interval_ms, self._next_ms = IDLE_MS, 0
        self.wake: Callable[[], None] = _nobody  # called when a target has news

    def adopt(self, rules: Rulebook) -> None:
        """Connects what is new, or Misconfigured and everything as it was before."""
        installation = rules.installation
        wanted = {target.name: target for target in installation.spec.targets}
        book = _book(rules.health) if rules.health != self._health or self._judge is None else None
        made = {name: self._target(spec) for name, spec in wanted.items() if self._specs.get(name) != spec}
        following = self._followed(installation)
        for name in [name for name in self.targets if name in made or name not in wanted]:
            _close(self.targets.pop(name))
        self.targets.update(made)
        self._judge_by(made.values(), book)
        self._leave(installation)
        self._health = rules.health
        self._specs = wanted
        self._watch(installation)
        self._follow(following)

    def take_in(self, otlp: OtlpIntake) -> None:
        """From now on what is sent to us counts, as far as the documents say."""
        otlp.adopt(self._sent)
        self._otlp = otlp

    def write(self, rows: Sequence[tuple[str, str, int, float]], now_ms: int) -> int:
        """What was sent to us, into the built-in telemetry."""
        return self._telemetry.write(rows, now_ms, sent=True)

    def refused(self) -> Mapping[str, int]:
        """What telemetry did not keep since the start, by why."""
        return {**(self._otlp.refused if self._otlp else {}), "of too many series": self._telemetry.refused}

    def due(self, now_ms: int) -> bool:
        return now_ms >= self._next_ms or (self._following is not None and self._following.ready)

    def scrape(self, now_ms: int) -> int:
        asked = self._following.turn(now_ms) if self._following else ()
        stored = sum(report.samples for report in asked)
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + self._interval_ms
            stored += self._otlp.settle(now_ms) if self._otlp else 0
            reports = self._scraper.scrape() if self._scraper else ()
            self._unscraped = tuple(f"{r.name}: {r.error}" for r in reports if r.error)
            stored += sum(report.samples for report in reports)
        self.faults = (*self._unscraped, *(self._following.faults if self._following else ()))
        return stored

    def close(self) -> None:
        for target in self.targets.values():
            _close(target)
        if self._scraper:
            self._scraper.close()
        if self._following:
            self._following.close()

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
        self._sent = next((source for source in spec.sources if isinstance(source, OtlpSource)), None)  # there is one at most
        if self._otlp:
            self._otlp.adopt(self._sent)
        sources = tuple(
            ScrapeTarget(s.name, s.url or f"{self._lab_url}/metrics", s.timeout_ms, s.prefix, s.label)
            for s in spec.sources
            if isinstance(s, ScrapeSource)
        )
        if sources == self._sources and self._scraper:
            return
        if self._scraper:
            self._scraper.close()
        self._scraper, self._sources, self._next_ms = Scraper(sources, self._telemetry, self._clock), sources, 0

    def _followed(self, installation: Installation) -> Following | None:
        """What follows the Prometheus servers; the one there is when they are the same."""
        sources = tuple(source for source in installation.spec.sources if isinstance(source, PromqlSource))
        if self._asking is None or sources == self._asked:
            return self._following
        made = self._asking.following(sources) if sources else None
        self._asked = sources
        return made

    def _follow(self, following: Following | None) -> None:
        if self._following and self._following is not following:
            self._following.close()
        self._following = following


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
