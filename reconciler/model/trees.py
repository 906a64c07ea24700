"""Tree: what a unit declares and what came of it, as far down as somebody looks.

Text in it comes from clusters and programs. It is redacted, has no line breaks or control characters, and is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.revisions import HealthState

FINE = frozenset({HealthState.HEALTHY, HealthState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Happening:
    """One Event about a node of the tree."""

    when_ms: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines that one container wrote. `previous`: before it ended last. `note` says why there are none."""

    container: str
    previous: bool = False
    lines: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """One object, what it owns (`below`), and how many healthy ones of these are not shown (`folded`)."""

    id: str
    state: HealthState
    message: str = ""
    below: tuple[Branch, ...] = ()
    folded: int = 0
    events: tuple[Happening, ...] = ()
    logs: tuple[LogTail, ...] = ()
    note: str = ""  # what could not be looked at

    @property
    def fine(self) -> bool:
        return self.state in FINE and all(branch.fine for branch in self.below)

    def walk(self) -> Iterator[Branch]:
        """It and everything below it."""
        yield self
        for branch in self.below:
            yield from branch.walk()


@dataclass(frozen=True, slots=True)
class Tree:
    """One unit. `folded` counts its healthy objects that are not shown."""

    unit: str
    target: str
    branches: tuple[Branch, ...] = ()
    folded: int = 0

    @property
    def fine(self) -> bool:
        return all(branch.fine for branch in self.branches)


def flat(unit: str, target: str, branches: tuple[Branch, ...], *, whole: bool) -> Tree:
    """Healthy objects folded, unless the `whole` tree is wanted."""
    shown = branches if whole else tuple(b for b in branches if not b.fine)
    return Tree(unit, target, shown, len(branches) - len(shown))
