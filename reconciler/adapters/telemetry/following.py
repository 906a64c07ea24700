"""Following: what Prometheus servers know, copied into the built-in telemetry, so that the loop only ever reads what is near.

In: servers, the Clock. Out: rows, and a report per server. A round asks each metric once for all components, from a little before
what was read last: what arrives late lands in its place. The first round, and the first after an outage, reads the past that
the source allows. Asking happens in a thread of each server's own, since a server that hangs must not stop the loop; what came is
written by whoever calls `turn`. One query that fails does not stop the others; a server that does not answer is left alone
until the next round.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from reconciler.adapters.telemetry.prometheus import CALLS, Points, PrometheusTelemetry, Unreachable
from reconciler.adapters.telemetry.scraper import ScrapeReport
from reconciler.errors import Retryable

Row = tuple[str, str, int, float]  # component, metric, time, value
Write = Callable[[Sequence[Row], int], int]
_AGAIN = 2  # intervals that are read again


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of questions brought."""

    rows: Sequence[Row]
    spent_ms: int
    error: str = ""


@dataclass
class Follower:
    """One server, and how far each of its metrics has been read."""

    name: str
    server: PrometheusTelemetry
    metrics: tuple[str, ...]
    interval_ms: int
    behind_ms: int
    _read_ms: dict[str, int] = field(default_factory=dict)

    def ask(self, now_ms: int) -> Round:
        """Everything once; errors are in the round."""
        began = time.monotonic_ns()  # how long it took is no moment of the loop
        rows: list[Row] = []
        errors: list[str] = []
        for metric in (*self.metrics, CALLS):
            try:
                rows += self._rows(metric, now_ms)
            except Unreachable as error:
                errors.append(str(error))
                break
            except Retryable as error:
                errors.append(str(error))
        return Round(rows, (time.monotonic_ns() - began) // 1_000_000, "; ".join(errors[:3]))

    def ended(self, _: object = None) -> None:
        """After its last round."""
        self.server.close()

    def _rows(self, metric: str, now_ms: int) -> list[Row]:
        since = max(self._read_ms.get(metric, 0) - _AGAIN * self.interval_ms, now_ms - self.behind_ms)
        named = self.server.told(metric, since, now_ms)
        self._read_ms[metric] = now_ms
        return list(_flat(named))


class Following:
    """Every server in its own thread. `turn` and `close` belong to one thread."""

    def __init__(self, followers: Sequence[Follower], write: Write) -> None:
        self._followers = tuple(followers)
        self._write = write
        self._asked: dict[str, Future[Round]] = {}
        self._next_ms: dict[str, int] = {}
        self._errors: dict[str, str] = {}

    @property
    def ready(self) -> bool:
        """Whether something came that `turn` has not taken yet."""
        return any(asked.done() for asked in self._asked.values())

    @property
    def faults(self) -> tuple[str, ...]:
        """What each server said last, where that was an error."""
        return tuple(f"{name}: {error}" for name, error in self._errors.items() if error)

    def turn(self, now_ms: int) -> tuple[ScrapeReport, ...]:
        """Writes what has come, and asks whoever is due again."""
        reports = [self._taken(name, now_ms) for name, asked in list(self._asked.items()) if asked.done()]
        for follower in self._followers:
            if follower.name not in self._asked and now_ms >= self._next_ms.get(follower.name, 0):
                self._next_ms[follower.name] = now_ms + follower.interval_ms
                self._asked[follower.name] = _begun(follower, now_ms)
        return tuple(reports)

    def close(self) -> None:
        """Waits for nobody: a question on its way is dropped when it comes back."""
        for follower in self._followers:
            asked = self._asked.get(follower.name)
            if asked is None:
                follower.ended()
            else:
                asked.add_done_callback(follower.ended)

    def _taken(self, name: str, now_ms: int) -> ScrapeReport:
        came = self._asked.pop(name).result()  # first taken out: a round that broke is raised once, and asked again
        self._errors[name] = came.error
        return ScrapeReport(name, self._write(came.rows, now_ms) if came.rows else 0, came.spent_ms, came.error)


def _begun(follower: Follower, now_ms: int) -> Future[Round]:
    """A daemon: the process ends without it."""
    asked: Future[Round] = Future()

    def ask() -> None:
        try:
            asked.set_result(follower.ask(now_ms))
        except BaseException as error:  # noqa: BLE001 raised again for whoever takes the round
            asked.set_exception(error)

    threading.Thread(target=ask, name=f"promql-{follower.name}", daemon=True).start()
    return asked


def _flat(named: Sequence[tuple[str, str, Points]]) -> Iterator[Row]:
    for component, metric, points in named:
        yield from ((component, metric, at, value) for at, value in points)
