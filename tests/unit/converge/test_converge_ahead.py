"""A target that is far away is asked what it holds while the units are rendered."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from converge_history import History, service, unit

from reconciler.converge.render import Outcome, RenderCache
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.documents.installation import Unit
from reconciler.errors import Retryable
from reconciler.model.reasons import Reason
from reconciler.ports.repo import Repo
from reconciler.testing.targets import FakeTarget


class Far(FakeTarget):
    """Says when it is asked."""

    def __init__(self) -> None:
        super().__init__("lab", at_once=2)
        self.asked, self.away = threading.Event(), ""

    def inventory(self) -> Mapping[str, str]:
        self.asked.set()
        if self.away:
            raise Retryable(self.away)
        return super().inventory()


class Patient(RenderCache):
    """Renders when the target has been asked, and not before."""

    def __init__(self, target: Far) -> None:
        super().__init__()
        self.target = target

    def get(self, repo: Repo, revision: str, unit: Unit, kind: str) -> Outcome:
        assert self.target.asked.wait(5), "it was not asked while the unit was rendered"
        return super().get(repo, revision, unit, kind)


def reason(history: History, target: Far) -> Reason:
    history.commit({"apps/shop/a.yaml": service("a")})
    converger = Converger(history.repo, {"lab": target}, cache=Patient(target))
    outcome = converger.converge(Round(UnitIndex.of((unit("shop"),)), history.head, "", 1, 0)).outcome("shop")
    assert outcome
    return outcome.reason


def test_it_is_asked_before_everything_is_rendered(history: History) -> None:
    assert reason(history, Far()) is Reason.APPLIED


def test_one_that_is_away_is_told_as_ever(history: History) -> None:
    target = Far()
    target.away = "nobody answers"
    assert reason(history, target) is Reason.ERROR
