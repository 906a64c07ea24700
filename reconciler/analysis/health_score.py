"""The health of a system of services as a number from 0 to 100, every lost point of which is accounted for.

In: for each component what was measured just now and what is usual, who calls whom, and who takes part in an emergent pattern.
Out: the score and its parts. Invariants: the score and the points that its parts took are 100 together; what was not measured
takes no point and is told; where nothing was measured there is no score, never a zero.

1. A component can lose points to failures, slowness, fullness, missing replicas and patterns. Each is a share from 0 (as good as
   it gets) to 1 (as bad as it counts), weighed; kinds that are not known leave their weight to the others.
2. Half of the score is the mean of the components where users come in (those nobody calls), half the mean of all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

WEIGHTS = {"failures": 40.0, "slowness": 25.0, "fullness": 15.0, "replicas": 10.0, "patterns": 10.0}
FAILING = 0.10  # share of failed requests that is as bad as it counts
SLOWER, SLOWEST = 1.2, 3.0  # times the usual latency from which it counts, and at which it is as bad as it counts
FULL = 0.8  # of a limit; at the limit it is as bad as it counts
MISSING = 0.5  # share of the replicas


@dataclass(frozen=True, slots=True)
class Vital:
    """One component: NaN is not known. `latency` is times the usual, `full` the fullest of its resources, `ready` the share of
    the wanted replicas that serve.
    """

    errors: float = math.nan
    latency: float = math.nan
    full: float = math.nan
    ready: float = math.nan


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that one component's failures, slowness, fullness, missing replicas or patterns took of the whole."""

    component: str
    kind: str
    points: float


@dataclass(frozen=True, slots=True)
class HealthScore:
    """`losses` are the largest first; `unknown` are the components of which nothing is known."""

    score: float
    losses: tuple[Loss, ...]
    unknown: tuple[str, ...]


def health_score(
    vitals: Mapping[str, Vital], calls: Sequence[tuple[str, str]] = (), patterned: Collection[str] = ()
) -> HealthScore | None:
    """None where nothing was measured."""
    lost = {name: found for name in sorted(vitals) if (found := _lost(vitals[name], patterned=name in patterned))}
    if not lost:
        return None
    called = {callee for caller, callee in calls if caller != callee}
    entries = [name for name in lost if name not in called] or list(lost)
    shares = {name: 0.5 / len(lost) + (0.5 / len(entries) if name in entries else 0.0) for name in lost}  # 2
    losses = [Loss(name, kind, shares[name] * points) for name, own in lost.items() for kind, points in own.items() if points > 0]
    losses.sort(key=lambda loss: (-loss.points, loss.component, loss.kind))
    score = min(100.0, max(0.0, 100.0 - math.fsum(loss.points for loss in losses)))
    return HealthScore(score, tuple(losses), tuple(sorted(set(vitals) - set(lost))))


def _lost(vital: Vital, *, patterned: bool) -> dict[str, float]:  # 1
    """Points of 100 by kind; empty when nothing of it is known."""
    shares = {
        "failures": vital.errors / FAILING,
        "slowness": (vital.latency - SLOWER) / (SLOWEST - SLOWER),
        "fullness": (vital.full - FULL) / (1 - FULL),
        "replicas": (1 - vital.ready) / MISSING,
    }
    known = {kind: min(1.0, max(0.0, share)) for kind, share in shares.items() if not math.isnan(share)}
    if not known:
        return {}
    known["patterns"] = float(patterned)
    whole = math.fsum(WEIGHTS[kind] for kind in known)
    return {kind: 100.0 * WEIGHTS[kind] / whole * share for kind, share in known.items()}
