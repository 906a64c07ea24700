"""What grouping decides, as values. The pipeline does them: open a case, join, leave pending, drop."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, SignalStatus


@dataclass(frozen=True, slots=True)
class Scope:
    """Which repository and target the signals are about."""

    repository: str
    target: str


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident whose case is not done. `listens`: its repair is not chosen yet, so more evidence still counts. `hears`: its
    repair has not landed yet, so that the end of what it is about still counts.
    """

    incident: Incident
    listens: bool = True
    hears: bool = True

    @property
    def fingerprints(self) -> frozenset[str]:
        return frozenset(signal.fingerprint for signal in self.incident.signals)

    def claims(self, status: SignalStatus) -> frozenset[str]:
        """The claims whose last word is this."""
        return frozenset(s.claim for s in self.incident.signals if s.claim and s.status is status)


@dataclass(frozen=True, slots=True)
class Open:
    """A new incident; its id depends on its first signal only, so opening it twice opens it once."""

    incident: Incident
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """`incident` as it is with these signals in it."""

    incident: Incident
    signals: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Hold:
    """These signals stay pending; look again at `until_ms` at the latest."""

    signals: tuple[str, ...]
    until_ms: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Drop:
    signals: tuple[str, ...]
    reason: Reason
    detail: str


Action = Open | Join | Hold | Drop
