"""Signal and Incident: what was claimed, and the group of claims that travels through the loop as one."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class SignalStatus(enum.StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Signal:
    """One stored claim that something is wrong. Typed fields only; `labels` are allow-listed and length-capped."""

    id: str  # digest of source and content: the same delivery twice is one signal
    source: str  # "alertmanager/<receiver>", "sensor/<name>", "drift/<unit>", "target/<name>", "predicted/<detector>"
    name: str  # alert or sensor name, or the word for a trouble
    component: str  # the service it is about, "" when it does not say
    fingerprint: str  # what makes two claims the same trouble: name and component, not time
    status: SignalStatus
    severity: Severity
    started_ms: int
    received_ms: int
    labels: tuple[tuple[str, str], ...] = ()
    metric: str = ""  # the series a sensor looked at
    value: str = ""  # what it read, as decimal text
    claim: str = ""  # digest of all that names an alert, so that its end ends no other; "" where the world itself is asked

    @property
    def told(self) -> bool:
        """Whether a target itself said it: then the target is asked whether it is still so, and no metric."""
        return self.source.startswith("target/")

    @property
    def foretold(self) -> bool:
        """Whether nothing has happened yet: then the newest look ahead is asked whether it is foreseen still."""
        return self.source.startswith("predicted/")


@dataclass(frozen=True, slots=True)
class Incident:
    """A group of signals with one life through the loop. `components` is sorted."""

    id: str
    fingerprint: str  # of the group: repository, target and the connected components
    repository: str
    target: str
    opened_ms: int
    severity: Severity
    components: tuple[str, ...]
    signals: tuple[Signal, ...]  # at most `signals.MAX_KEPT`; `count` says how many there were
    count: int = 1
