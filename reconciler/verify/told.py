"""Did the repair help, by what the target itself says? It needs no metric.

In: what the targets say now of the edited units, what is new since before the merge, and the health of every object. The
steps, in this order:

1. A target that cannot be asked: unknown, BLIND. Never good or bad.
2. A trouble, or a degraded or missing object, that was not there before the merge and has lasted: worse, on whichever
   object of the units it is. When nobody could look before the merge, nothing is new.
3. The target still says what was to be repaired: unknown, not what was promised.
4. Where every object has to be healthy: one that is degraded is unknown, one that rolls out still or cannot be judged is
   BLIND, which waits.
5. Otherwise better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.outcomes import OutcomeState
from reconciler.model.proposals import Expectation
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Health, HealthState
from reconciler.model.troubles import Trouble

WELL = (HealthState.HEALTHY, HealthState.SUSPENDED)
UNWELL = (HealthState.DEGRADED, HealthState.MISSING)


@dataclass(frozen=True, slots=True)
class Seen:
    """What targets say. `troubles` is None when one could not be asked. `new`: what has lasted and was not there before."""

    health: tuple[Health, ...] = ()
    troubles: tuple[Trouble, ...] | None = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    state: OutcomeState
    reason: Reason
    why: str


def unwell(health: Sequence[Health]) -> tuple[str, ...]:
    """The objects that are degraded or missing, in the words that `Seen.new` has for them."""
    return tuple(f"{part.state.value} {part.id}" for part in health if part.state in UNWELL)


def judge_told(expectation: Expectation, seen: Seen) -> Verdict:
    """Better, worse or unknown."""
    if seen.troubles is None:  # 1.
        return Verdict(OutcomeState.UNKNOWN, Reason.BLIND, "the target cannot say what is wrong")
    if seen.new:  # 2.
        return Verdict(OutcomeState.WORSE, Reason.WORSE, f"{seen.new[0]} was not there before the repair")
    if still := _still(expectation, seen.troubles, seen.health):  # 3.
        return Verdict(OutcomeState.UNKNOWN, Reason.UNKNOWN, f"not worse, but the target still says {still}")
    if expectation.healthy and (unclear := _not_well(seen.health)):  # 4.
        return unclear
    return Verdict(OutcomeState.BETTER, Reason.BETTER, "the target does not say it any more")  # 5.


def _still(expectation: Expectation, troubles: Sequence[Trouble], health: Sequence[Health]) -> str:
    found = next((f"{t.kind.value} of {t.object}" for t in troubles if t.fingerprint in expectation.gone), "")
    return found or next((word for word in unwell(health) if word in expectation.gone), "")


def _not_well(health: Sequence[Health]) -> Verdict | None:
    """The worst comes first: what is degraded is not waited for."""
    if not health:
        return Verdict(OutcomeState.UNKNOWN, Reason.BLIND, "the health of no object was seen")
    left = sorted((part for part in health if part.state not in WELL), key=lambda part: part.state not in UNWELL)
    if not left:
        return None
    reason = Reason.UNHEALTHY if left[0].state in UNWELL else Reason.BLIND
    return Verdict(OutcomeState.UNKNOWN, reason, f"not worse, but {left[0].id} is {left[0].state.value}")
