"""The events of a one-shot Operation, and Unfinished: one that is not over, and what it waits for, told by the loop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.canonical import decode

ACCEPTED, STARTED = "accepted", "started"  # seen in an admitted commit; about to act
FINISHED, FAILED, UNKNOWN = "finished", "failed", "unknown"
INCOMPLETE = "incomplete"  # begun, over, and not done to its end: it is known how far it came
REFUSED, EXPIRED, WITHDRAWN = "refused", "expired", "withdrawn"
ENDS: Final = (FINISHED, FAILED, UNKNOWN, INCOMPLETE, REFUSED, EXPIRED, WITHDRAWN)
NOTED: Final = "operations"  # the store's note of them, for whoever looks from another process


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What it waits for. `begun`: the target may have been acted on, and is acted on further."""

    id: str
    about: str  # the act, its component and its unit
    begun: bool
    reason: str
    detail: str
    so_far: str  # how far the target said that it was, as far as it ever did
    at_ms: int  # when this was first said

    @property
    def text(self) -> str:
        """One line for people."""
        return f"{self.detail}; so far: {self.so_far}" if self.so_far not in ("", self.detail) else self.detail


def noted(text: str) -> tuple[Unfinished, ...]:
    """Those of a note; of another release's nothing is known until the loop looks at them again."""
    try:
        return tuple(decode(Unfinished, one) for one in json.loads(text or "[]"))
    except (Permanent, ValueError, TypeError):
        return ()
