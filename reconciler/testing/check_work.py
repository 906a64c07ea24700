"""check_work: what every Work must do. The thing under test is a Store too, because cases are what is leased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reconciler.model.cases import Stage
from reconciler.ports.store import Store
from reconciler.ports.work import Lease, Work
from reconciler.testing.check_store import a_case
from reconciler.testing.expecting import expect

FAR_MS = 86_400_000  # beyond any sensible lease


class StoreWithWork(Store, Work, Protocol):
    """One thing that is both, as the embedded store is."""


def claims_what_is_due(work: StoreWithWork) -> None:
    work.open_case(a_case("later", due_ms=20), [], [])
    work.open_case(a_case("sooner", due_ms=10), [], [])
    expect(work.claim("w", now_ms=9, wall_ms=0) is None, "nothing is due yet")
    expect(_case(work.claim("w", now_ms=30, wall_ms=0)) == "sooner", "the earliest due comes first")
    expect(_case(work.claim("w", now_ms=30, wall_ms=0)) == "later", "then the next, also for the same owner")
    expect(work.claim("w", now_ms=30, wall_ms=0) is None, "a leased case is nobody else's")


def never_claims_a_finished_case(work: StoreWithWork) -> None:
    work.open_case(a_case(stage=Stage.DONE), [], [])
    expect(work.claim("w", now_ms=FAR_MS, wall_ms=0) is None, "a finished case is not work")
    expect(work.next_due() is None, "and has no due time")


def frees_a_case_when_done(work: StoreWithWork) -> None:
    work.open_case(a_case(due_ms=1), [], [])
    first = _lease(work.claim("a", now_ms=1, wall_ms=0))
    work.done(first)
    second = _lease(work.claim("b", now_ms=1, wall_ms=0))
    expect(second.owner == "b", "the lease says whose it is")
    expect(second.fence > first.fence, "every claim raises the fence")


def ends_a_lease_by_the_wall_clock(work: StoreWithWork) -> None:
    work.open_case(a_case(due_ms=1), [], [])
    lost = _lease(work.claim("killed", now_ms=1, wall_ms=0))
    expect(work.claim("b", now_ms=FAR_MS, wall_ms=lost.until_wall_ms - 1) is None, "Clock time alone ends no lease")
    expect(_case(work.claim("b", now_ms=1, wall_ms=lost.until_wall_ms)) == "case-1", "the wall clock does")


def frees_the_leases_of_the_dead(work: StoreWithWork) -> None:
    for name in ("a", "b"):
        work.open_case(a_case(name, due_ms=ord(name)), [], [])
    dead, alive = (_lease(work.claim(owner, now_ms=FAR_MS, wall_ms=0)) for owner in ("killed", "alive"))
    work.free("killed")
    again = _lease(work.claim("next", now_ms=FAR_MS, wall_ms=0))
    expect(again.case == dead.case and again.fence > dead.fence, "what the dead held is free at once, behind a higher fence")
    expect(work.claim("next", now_ms=FAR_MS, wall_ms=0) is None, f"and nobody else's: {alive.case} stays leased")


def fences_a_late_worker(work: StoreWithWork) -> None:
    work.open_case(a_case(due_ms=1), [], [])
    late = _lease(work.claim("same-name", now_ms=1, wall_ms=0))
    work.claim("same-name", now_ms=1, wall_ms=FAR_MS)
    work.done(late)
    expect(work.claim("third", now_ms=1, wall_ms=FAR_MS) is None, "a lease that ran out cannot end the one after it")


def keeps_a_lease_over_a_commit(work: StoreWithWork) -> None:
    work.open_case(a_case(due_ms=1), [], [])
    work.claim("a", now_ms=1, wall_ms=0)
    work.commit(a_case(due_ms=1, stage=Stage.OPEN), [])
    expect(work.claim("b", now_ms=1, wall_ms=0) is None, "committing a step does not give the case away")


def tells_the_next_due_time(work: StoreWithWork) -> None:
    expect(work.next_due() is None, "nothing is open")
    work.open_case(a_case("a", due_ms=70), [], [])
    work.open_case(a_case("b", due_ms=50), [], [])
    expect(work.next_due() == 50, "the earliest counts")


WORK_PROMISES: tuple[Callable[[StoreWithWork], None], ...] = (
    claims_what_is_due,
    never_claims_a_finished_case,
    frees_a_case_when_done,
    ends_a_lease_by_the_wall_clock,
    frees_the_leases_of_the_dead,
    fences_a_late_worker,
    keeps_a_lease_over_a_commit,
    tells_the_next_due_time,
)


def serialises_one_target(work: StoreWithWork) -> None:
    """For a Work made with `serialise`."""
    for name, target in (("a", "lab"), ("b", "lab"), ("c", "other")):
        work.open_case(a_case(name, target=target, due_ms=ord(name)), [], [])
    first = _lease(work.claim("w", now_ms=FAR_MS, wall_ms=0))
    expect(first.case == "a", "the earliest first")
    expect(_case(work.claim("v", now_ms=FAR_MS, wall_ms=0)) == "c", "the same target waits, another does not")
    expect(work.claim("u", now_ms=FAR_MS, wall_ms=0) is None, "and nothing else is free")
    work.done(first)
    again = {_case(work.claim("u", now_ms=FAR_MS, wall_ms=0))}
    expect(again == {"a"}, "once given back, the target is free again")


def check_work(make: Callable[[], StoreWithWork], make_serial: Callable[[], StoreWithWork]) -> None:
    """Runs every promise on a fresh work table."""
    for promise in WORK_PROMISES:
        promise(make())
    serialises_one_target(make_serial())


def _lease(lease: Lease | None) -> Lease:
    expect(lease is not None, "a due case is leased")
    return lease or Lease("", "", 0, 0)


def _case(lease: Lease | None) -> str:
    return _lease(lease).case
