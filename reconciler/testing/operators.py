"""FakeOperator: an operator in memory, held to the same contract as the real ones (`check_operator`).

It can be made to refuse, to be out of reach or to break between the request and the answer, and it keeps what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
