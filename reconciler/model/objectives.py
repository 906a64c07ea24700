"""Budget: where one objective of one component stands. Numbers are decimal text, "" where the data does not say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.canonical import decode

NOTED: Final = "budgets"  # the store's note of them, for whoever looks from another process


@dataclass(frozen=True, slots=True)
class Budget:
    """Told by the loop, shown to people, and a fact for policy."""

    objective: str
    component: str
    target: str
    left: str  # of the error budget, 1 is all of it; below 0 it is overspent; "" while too little was measured
    burn: str  # how fast it is spent now, 1 is just as fast as the promise allows; "" while that is not known
    measured: str  # share of the window that was measured
    alarms: tuple[str, ...] = ()  # those that fire: fast, steady, slow


def noted(text: str) -> tuple[Budget, ...]:
    """The budgets of a note. One of another release is not known until the loop has written it again, within a minute."""
    try:
        return tuple(decode(Budget, one) for one in json.loads(text or "[]"))
    except (Permanent, ValueError, TypeError):
        return ()
