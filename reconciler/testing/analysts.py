"""InlineAnalyst: the analyst of tests: works in this process when it is asked again, so that a test steps it like everything."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.model.canonical import digest
from reconciler.ports.analyst import Answer, Inquiry


class InlineAnalyst:
    """Answers with what `work` says. `patience` is how often it answers "not yet" first; `asked` holds every new inquiry."""

    def __init__(self, work: Callable[[Inquiry], Answer], patience: int = 0) -> None:
        self._work, self._patience = work, patience
        self._left: dict[str, int] = {}
        self._answers: dict[str, Answer] = {}
        self._closed = self.prepared = False
        self.asked: list[Inquiry] = []

    @property
    def working(self) -> bool:
        return any(self._left.values())

    @property
    def answered(self) -> int:
        return len(self._answers)

    def prepare(self) -> None:
        self.prepared = not self._closed

    def ask(self, inquiry: Inquiry) -> Answer | None:
        key = digest(inquiry)
        if key in self._answers:
            return self._answers[key]
        if self._closed:
            return Answer(missing="the analysis has ended")
        if key not in self._left:
            self._left[key] = self._patience
            self.asked.append(inquiry)
        if self._left[key] > 0:
            self._left[key] -= 1
            return None
        return self._answers.setdefault(key, self._work(inquiry))

    def close(self) -> None:
        self._closed = True
        self._left.clear()
