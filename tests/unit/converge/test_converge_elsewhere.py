"""A target that another process converges: the units there wait, nothing is wrong, and it is tried again."""

from __future__ import annotations

from converge_history import History, service, unit

from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.errors import Elsewhere
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, Plan
from reconciler.testing.targets import FakeTarget


class TakenTarget(FakeTarget):
    """Another process has its lease."""

    def apply(self, plan: Plan) -> ChangeSet:
        raise Elsewhere("converged by another process")


def test_units_of_a_target_that_another_process_converges_wait_with_all_that_depend_on_them(history: History) -> None:
    index = UnitIndex.of([unit("data"), unit("shop", depends_on=("data",))])
    history.commit({"apps/data/db.yaml": service("db"), "apps/shop/web.yaml": service("web")})
    result = Converger(history.repo, {"lab": TakenTarget("lab")}).converge(Round(index, history.head, "", 1, 0))
    assert {o.unit: o.reason for o in result.outcomes} == {"data": Reason.ELSEWHERE, "shop": Reason.ELSEWHERE}
    assert result.pending == {"data", "shop"}
