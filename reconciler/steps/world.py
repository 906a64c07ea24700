"""World: everything a step may touch, as ports, assembled once by `bootstrap`.

Nothing here is a third-party client. What changes from turn to turn is asked for and never kept: the documents in
force (`rules.at(commit)`), the facts in the log (`ledger.facts()`). `Cursor` and `Meters` are caches and counters of
this process: losing them costs a second look and nothing else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.audit.facts import record
from reconciler.audit.view import Tip
from reconciler.converge.trust import Trust
from reconciler.errors import HomeostatError, Retryable
from reconciler.model.cases import Case
from reconciler.model.objectives import Budget
from reconciler.model.operations import Unfinished
from reconciler.model.records import Record, RecordKind
from reconciler.model.scores import SystemScore
from reconciler.ports.analyst import Analyst
from reconciler.ports.forge import Forge
from reconciler.ports.memory import Memory
from reconciler.ports.notifier import Notifier
from reconciler.ports.signing import Verifier
from reconciler.ports.target import Target
from reconciler.ports.telemetry import BulkTelemetry
from reconciler.ports.voter import Voter
from reconciler.ports.work import Work
from reconciler.signals import SensorState, Tellings
from reconciler.signals.objectives import ObjectiveState
from reconciler.steps.hindsight import Hindsight
from reconciler.steps.meters import Meters
from reconciler.steps.notices import Attending
from reconciler.steps.office import Office
from reconciler.steps.outlook import Outlook
from reconciler.steps.rulebook import Rulebook, converge_trust
from reconciler.steps.runbooks import Runbooks

if TYPE_CHECKING:
    from reconciler.converge.rounds import Converger

log = logging.getLogger(__name__)


class Scraper(Protocol):
    """Brings new measurements in."""

    def due(self, now_ms: int) -> bool: ...

    def scrape(self, now_ms: int) -> int:
        """How many samples were stored; a source that does not answer is told in `faults`."""
        ...

    @property
    def faults(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Advance:
    """What a step answers: the case as it should be stored, and the records that go with it."""

    case: Case
    records: tuple[Record, ...] = ()

    def plus(self, *records: Record) -> Advance:
        """The same with more records, in order of happening: those given here happened first."""
        return dataclasses.replace(self, records=(*records, *self.records))


@dataclass
class Cursor:
    """How far this process has got. Rebuilt from the log and the targets."""

    recovered: bool = False
    applied: str | None = None  # None: not known yet
    generation: int = 0
    pending: frozenset[str] = frozenset()
    refused: tuple[str, str] = ("", "")  # head that could not be followed, and why: told once
    tip: Tip = field(default_factory=Tip)  # the branch as it was seen last, and how long the log was then
    acceptance: int = -1  # where the log has the newest acceptance of a rewritten branch that was taken up
    operated: str = ""  # the revision up to which Operation files were looked for
    operations: dict[str, int] | None = None  # id of those without an end -> when it is looked at again
    unfinished: dict[str, Unfinished] = field(default_factory=dict)  # what each of them waits for
    unfinished_told: str = ""  # as it was noted last
    drift_ms: int = 0
    all_drift_ms: int = 0
    retry_ms: int = 0  # when waiting units are looked at again
    sensed_ms: int = -1
    sensors: SensorState | None = None
    objectives: ObjectiveState = field(default_factory=ObjectiveState)
    budgets: tuple[Budget, ...] = ()  # of the objectives, as they were settled last
    accounted_ms: int = -1  # when they are looked at again
    score: SystemScore | None = None  # how well the whole is, None while that is not known
    scored_ms: int = -1  # when that is looked at again
    attending: Attending = field(default_factory=Attending)
    elsewhere: frozenset[str] = frozenset()  # units that another process converges, and speaks for
    told: Tellings | None = None  # what the targets said last
    asked_ms: int = -1  # when they were asked
    asked_all_ms: int = -1
    restless: dict[str, int] = field(default_factory=dict)  # units that something happened to -> until when they are asked
    pulls: Mapping[str, str] | None = None
    answered: int = 0  # what the analysis had worked out when its answers were last looked for
    outlook: Outlook = field(default_factory=Outlook)
    hindsight: Hindsight = field(default_factory=Hindsight)
    beat_ms: int = 0
    house_ms: int = 0  # not before this is it time to keep house
    turns: int = 0
    settled_ms: int = -1


def _unconnected(_: Rulebook) -> None:
    """For a World whose targets and sources never change."""


def _no_words(_: str, __: int) -> str:
    """For a World that hears no logs."""
    return ""


@dataclass(frozen=True)
class World(Office):
    """One installation as the loop sees it."""

    machine_keys: tuple[bytes, ...]  # pinned public author keys
    forge: Forge
    work: Work
    telemetry: BulkTelemetry
    scraper: Scraper
    targets: Mapping[str, Target]
    voters: tuple[Voter, ...]
    verifier: Verifier
    notifier: Notifier
    make_converger: Callable[[], Converger]
    base_url: str
    worker: str = "loop"  # whose leases its cases are
    connect: Callable[[Rulebook], None] = _unconnected  # targets and sources as these documents name them
    analyst: Analyst | None = None  # None: the loop diagnoses without the detectors
    learner: Analyst | None = None  # works on lessons, which take minutes; None: nothing is learned of failures
    memory: Memory | None = None  # None: nothing is said of incidents that look alike
    log_template: Callable[[str, int], str] = _no_words  # of a component, by its number
    runbooks: Runbooks = field(default_factory=Runbooks)
    meters: Meters = field(default_factory=Meters)
    cursor: Cursor = field(default_factory=Cursor)

    @functools.cached_property
    def converger(self) -> Converger:
        """Made when it is first needed: a verb that only writes a record never renders."""
        return self.make_converger()

    def not_followed(self) -> str:
        """Why converge does not follow the protected branch to its tip, "" when it does. A deleted branch has a reason, too."""
        head, why = self.cursor.refused
        return why if head == self.head() else ""

    def seen(self) -> str:
        """The tip that the protected branch must still hold: seen last, or accepted since; "" when there is none.

        The log knows it, so that a lost store forgets nothing; this process alone knows what it has not published yet.
        """
        logged, own = self.ledger.facts().tip, self.cursor.tip
        return own.commit if own.commit and logged.index < own.index else logged.commit

    def rulebook(self) -> Rulebook:
        """The rules of the protected branch's tip. Policy always comes from the base branch."""
        return self.rules.at(self.head())

    def applied_rulebook(self) -> Rulebook:
        """The rules that run: of the last good revision."""
        if self.cursor.applied is None:
            raise Retryable("it is not known yet which revision is applied", next_step="it is tried again with the next turn")
        return self.rules.at(self.cursor.applied or self.root)

    def trust_at(self, commit: str) -> Trust:
        """The Trust state at a commit; where its documents do not load, that of the newest ancestor whose do.

        Otherwise one broken policy file would lock out the commit that repairs it. Falling back can only be as trusting
        as people already were.
        """
        return converge_trust(self.rules.standing(commit).people, self.machine_keys)

    def record(self, kind: RecordKind, key: str, payload: Any, *, subject: str = "", incident: str = "") -> Record:
        return record(kind, key, self.clock.stamp(), payload, subject=subject, incident=incident)

    def url(self, path: str) -> str:
        return self.base_url + path

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Counts and times one step for the healer's own metrics."""
        started = self.meters.now()
        try:
            yield
        finally:
            self.meters.step(stage, self.meters.now() - started)

    def _told(self, part: str, error: HomeostatError) -> None:
        self.meters.fault(part, str(error))
        log.warning("part.failed", extra={"fields": {"part": part, "kind": type(error).__name__, "why": str(error)}})

    def guarded(self, part: Callable[[World], bool]) -> bool:
        """One part of a turn; its failure is told and counted, and does not stop the other parts."""
        try:
            with self.timed(part.__name__):
                done = part(self)
        except Retryable as error:
            self._told(part.__name__, error)
            return False
        except HomeostatError as error:
            self._told(part.__name__, error)
            self._page_fault(part.__name__, error)
            return False
        except Exception as error:  # a mistake in one part: told with its trace, and the other parts go on
            log.exception("part.broken", extra={"fields": {"part": part.__name__}})
            self.meters.fault(part.__name__, f"{type(error).__name__}: {error}")
            self._page_fault(part.__name__, error)
            return False
        self.meters.well(part.__name__, did=done)
        return done

    def _page_fault(self, part: str, error: Exception) -> None:
        """A page that cannot be sent (the disk may be full) is counted and sent by the next fault of this kind."""
        key = f"fault/{part}/{type(error).__name__}"
        try:
            self.notifier.page(key, f"{part} failed", f"{type(error).__name__}: {error}", self.url("/"))
        except HomeostatError as unsent:
            self.meters.fault("notifier", str(unsent))
