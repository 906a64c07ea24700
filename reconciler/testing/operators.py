"""FakeOperator: an operator in memory, held to the same contract as the real ones (`check_operator`).

It can be made to refuse, to be out of reach or to break between the request and the answer, and it keeps what it did.
FakeLastingOperator does some acts in several turns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reconciler.errors import Permanent
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted


@dataclass(slots=True)
class FakeOperator:
    """`components` maps each to its unit. `breaks` is raised when it should act, before or (`late`) after it did."""

    components: Mapping[str, str]
    risks: Mapping[str, Irreversibility] = field(default_factory=lambda: {"flush": Irreversibility.COSTLY})
    done: dict[str, Act] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)  # id, and whether it was a dry run
    breaks: BaseException | None = None
    late: bool = False

    def actions(self) -> Mapping[str, Irreversibility]:
        return self.risks

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        self.asked.append((act.id, dry_run))
        answer = self._answer(act)
        if dry_run or answer.reason != Reason.OK.value:
            return answer
        if self.breaks and not self.late:
            raise self.breaks
        self.done[act.id] = act
        if self.breaks:
            raise self.breaks
        return Acted(True, Reason.APPLIED.value, f"{act.action} on {act.component}")

    def _answer(self, act: Act) -> Acted:
        if act.id in self.done:
            same = self.done[act.id] == act
            return Acted(same, (Reason.DUPLICATE if same else Reason.INVALID).value, "this id was used before")
        if act.action not in self.risks or self.components.get(act.component) != act.unit:
            return Acted(False, Reason.INVALID.value, f"{act.action} on {act.unit}/{act.component} is not possible here")
        return Acted(True, Reason.OK.value)


@dataclass(slots=True)
class FakeLastingOperator(FakeOperator):
    """Also a `Lasting` one: `empty` takes a turn for each of `pieces`, and none is done while it is `stuck`; out of `turns`
    it ends. `begun` is what the outside keeps of an act: how many pieces are left, and how many turns it may still take.
    """

    risks: Mapping[str, Irreversibility] = field(
        default_factory=lambda: {"flush": Irreversibility.COSTLY, "empty": Irreversibility.COSTLY}
    )
    pieces: int = 2
    turns: int = 100
    stuck: bool = False
    begun: dict[str, tuple[Act, int, int]] = field(default_factory=dict)

    def lasting(self) -> Collection[str]:
        return ("empty",)

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        if act.id in self.begun:
            same = self.begun[act.id][0] == act
            return Acted(same, (Reason.WAITING if same else Reason.INVALID).value, "this id was used before")
        if act.action != "empty" or dry_run:
            return super(FakeLastingOperator, self).operate(act, dry_run=dry_run)
        self.asked.append((act.id, False))
        answer = self._answer(act)
        if answer.reason != Reason.OK.value:
            return answer
        self.begun[act.id] = (act, self.pieces, self.turns)
        if self.breaks:
            raise self.breaks
        return Acted(True, Reason.WAITING.value, "begun")

    def go_on(self, act: Act) -> Acted:
        if self.done.get(act.id) == act:
            return Acted(True, Reason.APPLIED.value, f"{act.action} on {act.component}")
        if self.begun.get(act.id, (None,))[0] != act:
            raise Permanent(f"nothing was begun as {act.id}")
        if self.breaks:
            raise self.breaks
        _, left, turns = self.begun[act.id]
        left -= not self.stuck
        self.begun[act.id] = (act, left, turns - 1)
        if left == 0:
            del self.begun[act.id]
            self.done[act.id] = act
            return Acted(True, Reason.APPLIED.value, f"{act.action} on {act.component}")
        if turns == 1:
            return Acted(False, Reason.INCOMPLETE.value, f"{left} of {self.pieces} are left, and its time is over")
        return Acted(True, Reason.WAITING.value, f"{left} of {self.pieces} are left", 1_000)
