"""Detector: looks at a window of telemetry and says what it finds. Runs in a worker process, never in the loop's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reconciler.model.findings import Finding
from reconciler.model.occasions import Occasion
from reconciler.model.telemetry import TracedCall
from reconciler.model.wholes import Whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Times = NDArray[np.int64]
    Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that people or machines did: a deploy, an edit of configuration, a scaling."""

    component: str
    at_ms: int
    what: str  # release, config, scaling
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """Samples by (component, metric), times in ms ascending; who calls whom; when the alarm came and what time was normal."""

    samples: Mapping[tuple[str, str], tuple[Times, Values]]
    calls: tuple[tuple[str, str], ...]
    now_ms: int
    alarm_ms: int | None = None  # None: nobody complains, this is a look ahead
    normal_ms: tuple[int, int] | None = None  # None: everything well before the alarm
    symptom: str = ""  # the component that the alarm is about, where that is known
    changes: tuple[Change, ...] = ()
    limits: Mapping[tuple[str, str], float] = field(default_factory=dict)  # where a series must not go
    occasions: tuple[Occasion, ...] = ()  # days of their own kind, behind and ahead
    counts: Mapping[tuple[str, str], float] = field(default_factory=dict)  # of the calls, where somebody counted them
    wholes: tuple[Whole, ...] = ()  # what several components ask for together
    traces: tuple[TracedCall, ...] = ()  # calls that are worth a look in a tracing tool


class Detector(Protocol):
    """The same window gives the same findings. Bad data is "unknown" or nothing, never an error and never a silent zero."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, str]: ...

    def detect(self, window: Window) -> Sequence[Finding]: ...
