"""Scraper: metrics pages over HTTP into the built-in telemetry, once per call.

In: the sources of `homeostat.yaml`. Out: samples at the Clock's time, and a report per source. A source that cannot
answer is Retryable and leaves a gap; the others are scraped all the same. Nothing is followed or trusted: no
redirects, no proxy from the environment, a bound on bytes and time, a strict parser.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.adapters.https import trusted
from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
from reconciler.adapters.telemetry.exposition import MAX_BYTES, parse_exposition
from reconciler.adapters.telemetry.pages import bounded
from reconciler.errors import Permanent, Retryable
from reconciler.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """One page, as `Source` in `homeostat.yaml` describes it."""

    name: str
    url: str
    timeout_ms: int = 2_000
    prefix: str = "lab_"
    label: str = "service"


@dataclass(frozen=True, slots=True)
class ScrapeReport:
    """What one source gave: samples stored, wall ms spent, and the error's sentence when it gave none."""

    name: str
    samples: int
    spent_ms: int
    error: str = ""


class Scraper:
    """Keeps one connection per source; `close` ends them."""

    def __init__(self, targets: Sequence[ScrapeTarget], telemetry: BuiltinTelemetry, clock: Clock) -> None:
        import httpx  # 0.2 s that a command without telemetry does not pay

        self._targets = tuple(targets)
        self._telemetry = telemetry
        self._clock = clock
        self._client = httpx.Client(follow_redirects=False, trust_env=False, verify=trusted())

    def close(self) -> None:
        self._client.close()

    def scrape(self) -> tuple[ScrapeReport, ...]:
        """Every source once; errors are in the reports."""
        return tuple(self._reported(target) for target in self._targets)

    def scrape_one(self, target: ScrapeTarget) -> int:
        """How many samples were stored; Retryable names the source and what it did."""
        try:
            samples = parse_exposition(self._page(target))
        except Permanent as error:
            raise Retryable(f"source {target.name}: {error.message}", after_ms=5_000, next_step=error.next_step) from error
        return self._telemetry.ingest(samples, self._clock.now(), prefix=target.prefix, label=target.label)

    def _reported(self, target: ScrapeTarget) -> ScrapeReport:
        began = time.monotonic_ns()  # how long it took is no moment of the loop
        try:
            count, error = self.scrape_one(target), ""
        except Retryable as failed:
            count, error = 0, str(failed)
        return ScrapeReport(target.name, count, (time.monotonic_ns() - began) // 1_000_000, error)

    def _page(self, target: ScrapeTarget) -> bytes:
        import httpx

        try:
            with self._client.stream("GET", target.url, timeout=target.timeout_ms / 1_000) as answer:
                if answer.status_code != 200:
                    raise Retryable(f"source {target.name} answered {answer.status_code}", next_step=f"open {target.url}")
                return bounded(answer, target.name, MAX_BYTES, target.timeout_ms)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last: a host that no name can be
            message = f"source {target.name} did not answer: {type(error).__name__}"
            raise Retryable(message, after_ms=5_000, next_step=f"check that {target.url} is served") from error
