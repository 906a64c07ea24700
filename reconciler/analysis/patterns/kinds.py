"""The kinds of emergent patterns, what changes the structure so that each does not come back, and how one is told."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    OSCILLATION = "oscillation"
    CASCADE = "cascade"
    RETRY_STORM = "retry_storm"
    METASTABLE = "metastable"
    HERD = "thundering_herd"
    FIGHT = "fight"
    EXHAUSTION = "exhaustion"
    CORRELATED = "correlated"

    @property
    def remedy(self) -> str:
        """What changes the structure, so that it does not come back."""
        return _REMEDIES[self]


_REMEDIES = {
    Kind.OSCILLATION: "damp the scaler: hysteresis, a longer stabilisation window or a smaller step",
    Kind.CASCADE: "keep spare capacity, shed load before replicas fall over, and put breakers and bulkheads between the services",
    Kind.RETRY_STORM: "give retries a budget, with backoff and jitter, at one layer only, and break the circuit when it is spent",
    Kind.METASTABLE: "shed load at the entry until the backlog is gone; bound queues, and drop work nobody waits for any more",
    Kind.HERD: "add jitter to expiry and timers, let one caller renew for all, and keep serving the old answer meanwhile",
    Kind.FIGHT: "let one writer own the field: leave it out of the other's manifest, or tell the scaler its bounds in Git",
    Kind.EXHAUSTION: "give each party its own quota of the resource, and queue fairly in front of it",
    Kind.CORRELATED: "look for what they share outside of the call graph (node, zone, network, certificate, clock), and split it",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """`onset` is when it began as far as can be told at `told`; times as they were given, in seconds."""

    kind: Kind
    onset: float
    told: float
    participants: tuple[str, ...]
    reason: str
