"""Facts: everything the policy judge may look at besides the proposal and the rules. Gathered by the caller, frozen here.

The judge is pure, so a recorded Facts value replays to the same decision. Nothing here comes from the proposal's own
claims: paths, units and values are read from Git, times from the Clock, spending from the log, reviews from the forge
after their signatures were checked. There are no ballots here and never will be: policy does not see the votes.
What the caller leaves out is never a yes: defaults are the answer that lets less through.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from reconciler.model.objectives import Budget
from reconciler.model.proposals import Pointer, Scalar
from reconciler.model.pulls import Review

MACHINE: Final = "homeostat"  # the machine's principal name
EXACT_LANDING: Final = "exact-landing"  # the forge lands exactly the judged commit, compared and swapped


class Forecast(enum.StrEnum):
    """What the forecast from before the repair says about it."""

    ALIGNED = "aligned"
    OPPOSED = "opposed"
    NONE = "none"  # there is no forecast


@dataclass(frozen=True, slots=True)
class ValueMove:
    """One scalar of one file that the edit moves, as parsed before and after. None is absence."""

    path: str
    field: Pointer
    before: Scalar
    after: Scalar
    restores: bool = False  # people had merged the value after before (read from history, not from the proposal)

    @property
    def dotted(self) -> str:
        """The field as limits name it: without the index of the document in a file that holds several."""
        steps = self.field[1:] if self.field and isinstance(self.field[0], int) else self.field
        return ".".join(str(step) for step in steps)


@dataclass(frozen=True, slots=True)
class SpentMerge:
    """One earlier machine merge, read from the log. Fast-lane reverts are not listed: they spend nothing."""

    commit: str
    merged_ms: int
    playbook: str
    units: tuple[str, ...]
    critical: bool


@dataclass(frozen=True, slots=True)
class Brake:
    """An owned stop of machine merges. Only those in force are listed. `scopes` are files, folders, units or
    components; empty: everywhere.
    """

    owner: str
    reason: str
    expires_ms: int  # 0: until it is lifted
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """What a person's revert or close taught: keep away. What is not empty has to fit; all empty fits everything."""

    id: str
    reason: str
    expires_ms: int  # 0: until it is lifted
    patch: str = ""
    playbook: str = ""
    paths: tuple[str, ...] = ()  # files, folders, units or components, names or patterns; one that is touched is enough


@dataclass(frozen=True, slots=True)
class Tightening:
    """A run-time record that makes rules stricter for a while. There is no way to write a looser one."""

    record: str
    level: str = ""  # a guardrail level
    autonomy: str = ""  # an autonomy mode
    playbook: str = "*"
    unit: str = "*"


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment of the world, as far as judging needs it."""

    now_ms: int
    author: str  # principal of the head commit; MACHINE for the machine's own
    author_proved: bool  # the head's signature was checked against a key of that principal
    paths: tuple[str, ...]  # every path the head changes against its base, from Git
    deleted: tuple[str, ...]  # those of them that go
    units: tuple[str, ...]  # units these paths belong to; "" stands for paths of no unit, which only the pattern `*` matches
    examined: tuple[str, ...]  # those of `paths` whose values were compared completely into `moves`
    moves: tuple[ValueMove, ...]
    domains: tuple[str, ...]  # failure domains of the units
    critical: bool  # one of the units has criticality high
    reviews: tuple[Review, ...] = ()  # by verified principals, for any edit; the judge checks the binding
    merger: str = ""  # the person who asks for the merge; "" is the machine itself
    brakes: tuple[Brake, ...] = ()
    holds: tuple[Hold, ...] = ()
    merges: tuple[SpentMerge, ...] = ()  # of the last 31 days
    open_domains: tuple[str, ...] = ()  # failure domains with a machine merge whose outcome is not known yet
    cascading: bool = False
    forecast: Forecast = Forecast.NONE
    capabilities: tuple[str, ...] = ()  # of the forge, such as EXACT_LANDING
    tightenings: tuple[Tightening, ...] = ()
    inverse_of: str = ""  # the machine commit whose exact inverse this was proved to be
    inverse_of_revert: bool = False  # and that commit was itself a revert by the machine
    protected: tuple[str, ...] = ()  # more files and folders that only people change
    pull_request: int = 0  # for the commands in explanations
    seen_before: int = 0  # earlier incidents with the same cause on the same component, from the log
    seen_this_week: int = 0
    worked_before: int = 0  # how often this playbook made it better in them, and nobody has undone it
    budgets: tuple[Budget, ...] = ()  # where the objectives stand that are about what is touched, and about its callers
