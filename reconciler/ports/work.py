"""Work: which case is advanced next, by whom, once. See docs/adr for why this is a leased table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    case: str
    owner: str
    until_wall_ms: int
    fence: int


class Work(Protocol):
    """Cases whose due time has come, each leased to one worker. A lease ends by `done` or by the wall clock; work
    of one (repository, target) is never leased twice at once when `serialise` asks for it.
    """

    def claim(self, owner: str, now_ms: int, wall_ms: int) -> Lease | None: ...

    def done(self, lease: Lease) -> None: ...

    def free(self, owner: str) -> None:
        """Ends every lease of this owner at once: for whoever knows that it is dead, as the next one of that name does."""
        ...

    def next_due(self) -> int | None:
        """The earliest due time of an open case, None when there is none."""
        ...
