"""Target: a place where desired objects become real. Operator: one that can also do one-shot acts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from reconciler.model.appliers import AppliedBy, Standing
from reconciler.model.differences import Difference
from reconciler.model.proposals import Irreversibility
from reconciler.model.revisions import ChangeSet, Health, HealthState, Observed, Plan, Rendered
from reconciler.model.trees import Tree
from reconciler.model.troubles import Trouble


class Target(Protocol):
    """`observe, plan, apply, health` per unit. Compares generations itself: a plan older than what it holds is
    refused with STALE_PLAN and nothing is done. Applying the same plan twice is the same as once. All errors are
    reported, object by object; independent objects go on when one fails. Inventory lives in the target.
    """

    @property
    def name(self) -> str: ...

    @property
    def at_once(self) -> int:
        """How many units may be applied at the same time; with 1 every call that writes comes from one thread, and pages may
        read meanwhile.
        """
        ...

    def observe(self, unit: str) -> Observed: ...

    def inventory(self) -> Mapping[str, str]:
        """Every object id Homeostat manages here, to the unit that owns it. An object that moves between units is
        never pruned by the unit that lost it.
        """
        ...

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        """What `apply` would do; touches nothing. Includes drift: live objects that differ from desired.

        Unless `shown`, nobody is going to read which fields its steps change, and it does not look for them.
        """
        ...

    def dry_run(self, plan: Plan) -> ChangeSet:
        """Asks the real system to accept the plan without doing it."""
        ...

    def apply(self, plan: Plan) -> ChangeSet: ...

    def health(self, unit: str) -> Sequence[Health]: ...


@runtime_checkable
class News(Protocol):
    """A target that hears of changes instead of having to be asked, beside being a Target."""

    def changed(self) -> frozenset[str]:
        """Units of which something changed since the last call."""
        ...

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called, from any thread, whenever there is something to ask `changed` for."""
        ...


@runtime_checkable
class Judging(Protocol):
    """A target whose objects are judged by the rules of health, beside being a Target."""

    def judge_by(self, judge: Callable[[Mapping[str, Any]], tuple[HealthState, str]]) -> None:
        """From now on, also what is held already. `judge` never raises."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A target that can say what is wrong with what it holds, beside being a Target."""

    def troubles(self, units: Collection[str]) -> Sequence[Trouble]:
        """What is wrong with these units now, at most one for each object, kind and container. Costs requests only for objects
        that are not healthy. What could not be looked at raises Retryable: nothing is not the same as nothing wrong. A right
        that is missing is told in `detail`.
        """
        ...


@runtime_checkable
class Showing(Protocol):
    """A target that knows what its objects came to, beside being a Target."""

    def tree(self, unit: str, hide: Callable[[str], str], *, whole: bool = False) -> Tree:
        """What the unit declares, what that owns, and of what fails the newest events and log lines. Costs requests only for
        what is shown: healthy objects are folded unless it is `whole`. `hide` takes secrets out of a text before it is cut.
        What may not be read says so in its place.
        """
        ...

    def differences(self, rendered: Rendered, hide: Callable[[str], str]) -> Sequence[Difference]:
        """Live objects that are not as they were applied, and who wrote each field, also fields that are not Git's."""
        ...


@dataclass(frozen=True, slots=True)
class Act:
    """One Operation as a target is asked to do it. `id` is its name: asked twice under one id, it is done once. `user`: in
    whose name, "" for our own.
    """

    id: str
    unit: str
    action: str
    component: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """What a target answered. Not `ok` means that nothing was done. DUPLICATE: it was done under this id before.

    Of a Lasting target also WAITING: it is begun and not over, and is gone on with `again_ms` from now; INCOMPLETE, not `ok`:
    it is over and came only so far. `detail` says how far, in both.
    """

    ok: bool
    reason: str
    detail: str = ""
    again_ms: int = 0


@runtime_checkable
class Operator(Protocol):
    """A target that can do one-shot acts, beside being a Target. Refuses, as a value and before anything is done, an
    action it does not know, a component that the unit does not own and an id that stood for another act. Whatever it
    raises means that nobody knows whether it acted.
    """

    def actions(self) -> Mapping[str, Irreversibility]:
        """What it can do, and the least risk of each, whatever an Operation's author thinks of it."""
        ...

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        """Does it, or with `dry_run` says whether it would and touches nothing."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """An Operator some of whose acts take longer than one call may. `operate` only begins such an act and answers WAITING.
    Where it stands lies in the target, so that any process can go on with it after any crash.
    """

    def lasting(self) -> Collection[str]:
        """The actions that may take longer."""
        ...

    def go_on(self, act: Act) -> Acted:
        """Does of what was begun under this id what can be done now, and never begins it: raises Permanent where the target
        does not know of a beginning, and Retryable where the world has not answered yet: nothing is lost, and it is asked again.
        Asked by two at once it is harmless. The target ends by itself what takes too long.
        """
        ...


@runtime_checkable
class Sharing(Protocol):
    """A target where somebody else may apply units, beside being a Target. Of such a unit it only reads: it neither plans,
    applies, corrects, prunes nor operates on it, and its inventory holds what the other says it applied.
    """

    def leave(self, units: Mapping[str, AppliedBy]) -> None:
        """From now on these units are left to others, and only these."""
        ...

    def standing(self, unit: str, by: AppliedBy) -> Standing:
        """What the other applier says now."""
        ...
