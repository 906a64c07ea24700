"""Analyst: what the detectors find in a stretch of telemetry, worked out elsewhere: whoever asks never waits for it.

`ask` returns at once: None while the answer is being worked out, the answer once it is there. The same inquiry is the same
work, however often it is asked. An answer may be that there is none, and why; nothing is raised for it. Safe for threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.model.explanations import Explanation
from reconciler.model.findings import Finding
from reconciler.model.maintenance import MaintenanceWindow
from reconciler.model.occasions import Occasion
from reconciler.model.wholes import Whole
from reconciler.ports.detector import Change


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a series must not go above."""

    component: str  # "": of every component that has the metric
    metric: str
    at: str  # decimal text


@dataclass(frozen=True, slots=True)
class Outage:
    """A component that did not do what it should."""

    component: str
    start_ms: int
    end_ms: int  # the inquiry's `now_ms` while it lasts
    happened: bool = True  # False: it was foreseen, and may have been averted; or claimed, and not seen


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What to look at, and what is known already. Nothing measured after `now_ms` is looked at."""

    start_ms: int
    now_ms: int
    step_ms: int = 0  # means over steps of this length: days are looked at coarsely; 0 is every sample
    alarm_ms: int | None = None  # None: nobody complains, this is a look ahead
    symptom: str = ""  # the component that the alarm is about, where that is known
    changes: tuple[Change, ...] = ()
    limits: tuple[Limit, ...] = ()
    occasions: tuple[Occasion, ...] = ()  # days of their own kind, behind and ahead
    wholes: tuple[Whole, ...] = ()  # what several components ask for together
    maintenance: tuple[MaintenanceWindow, ...] = ()  # what is measured in it is not taken for normal
    outages: tuple[Outage, ...] = ()  # what there is to learn from
    components: tuple[str, ...] = ()  # whose series are looked at; () is everyone
    detectors: tuple[str, ...] = ()  # which of them look; () is all


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, or in `missing` why nothing was looked at."""

    findings: tuple[Finding, ...] = ()
    missing: str = ""
    explanation: Explanation | None = None  # for people, where somebody complained


class Analyst(Protocol):
    """Answers are kept for a while, not for ever: an old inquiry may be worked out again, to the same answer."""

    @property
    def working(self) -> bool:
        """Whether an answer is on its way. Whoever moves a stepped Clock waits until none is."""
        ...

    @property
    def answered(self) -> int:
        """How many inquiries were worked out so far: a higher number is news."""
        ...

    def prepare(self) -> None:
        """Somebody is about to ask: what takes time before the first answer is done now. Returns at once."""
        ...

    def ask(self, inquiry: Inquiry) -> Answer | None: ...

    def close(self) -> None:
        """Ends whatever works on answers, now. Later inquiries are answered with `missing`."""
        ...
