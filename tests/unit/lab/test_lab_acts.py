"""One-shot acts of the lab: their effect, their accounting, what is refused, and what a killed process leaves behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.errors import Retryable
from reconciler.lab.acts import MOST, read_act, with_new
from reconciler.lab.metrics import prometheus, state
from reconciler.lab.plane import RequestError
from reconciler.lab.snapshot import FILE
from reconciler.lab.world import World
from reconciler.ports.target import Act

CLEAR = Act("clear-1", "shop", "clear-queue", "checkout")
RESTART = Act("restart-1", "shop", "restart", "checkout")


def crowded(town: Any) -> Any:
    """Checkout with people waiting in its queue."""
    town.world.add_fault({"kind": "bad-release", "service": "checkout", "release": "1.4.2", "mode": "slow", "factor": 8})
    town.wait(60)
    flow = town.world.nodes["checkout"].flow
    assert flow.queued > 10
    return flow


def held(flow: Any) -> float:
    return float(flow.succeeded + flow.failed + flow.timed_out + flow.rejected + flow.x)


def test_clearing_a_queue_turns_away_who_waits_and_counts_them_as_failed(town: Any) -> None:
    flow = crowded(town)
    queued, failed, inside = flow.queued, flow.failed, flow.x
    told = town.world.operate(CLEAR, dry_run=False)
    flow = town.world.nodes["checkout"].flow
    assert (flow.queued, flow.failed, flow.x) == (0.0, pytest.approx(failed + queued), pytest.approx(inside - queued))
    assert flow.arrived == pytest.approx(held(flow))
    assert told.detail == f"dropped {queued:.0f} waiting requests"


def test_a_restart_gives_memory_back_and_costs_all_capacity_for_a_while(town: Any) -> None:
    town.world.add_fault({"kind": "leak", "service": "checkout", "release": "", "factor": 60})
    town.wait(60)
    leaked = town.read("checkout", "memory_usage")
    town.world.remove_faults()
    town.world.operate(RESTART, dry_run=False)
    town.wait(1)
    assert town.read("checkout", "replicas_ready") == 0
    assert town.world.nodes["checkout"].flow.arrived == pytest.approx(held(town.world.nodes["checkout"].flow))
    town.wait(120)
    assert town.read("checkout", "replicas_ready") == 3
    assert town.read("checkout", "memory_usage") < leaked


def test_the_same_id_acts_once_also_after_a_kill(town: Any) -> None:
    crowded(town)
    town.world.operate(CLEAR, dry_run=False)
    again = World(town.home, town.clock)
    assert again.operate(CLEAR, dry_run=False).reason == "duplicate"
    town.wait(30)
    again.advance()
    assert prometheus(again) == prometheus(town.world)


def test_an_act_that_cannot_be_stored_did_not_happen(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crowded(town)
    before = prometheus(town.world)

    def full(*_: object) -> None:
        raise Retryable("no space")

    with monkeypatch.context() as patched:
        patched.setattr("reconciler.lab.world.write_snapshot", full)
        with pytest.raises(Retryable):
            town.world.operate(CLEAR, dry_run=False)
    assert prometheus(town.world) == before
    assert town.world.operate(CLEAR, dry_run=False).reason == "applied"


def test_a_dry_run_changes_nothing_in_memory_or_on_disk(town: Any) -> None:
    crowded(town)
    before = prometheus(town.world), (town.home / FILE).read_bytes()
    assert town.world.operate(CLEAR, dry_run=True).ok
    assert (prometheus(town.world), (town.home / FILE).read_bytes()) == before


def test_a_component_that_was_deleted_by_hand_is_refused(town: Any) -> None:
    town.world.add_fault({"kind": "hand-delete", "id": "Service/checkout"})
    assert not town.world.operate(CLEAR, dry_run=False).ok


def test_a_component_of_another_unit_is_refused(town: Any) -> None:
    assert "no live component payment" in town.world.operate(Act("a", "shop", "restart", "payment"), dry_run=False).detail


def test_what_was_done_is_shown(town: Any) -> None:
    town.world.operate(RESTART, dry_run=False)
    shown = state(town.world)["operations"]["restart-1"]
    assert shown == {
        "unit": "shop",
        "action": "restart",
        "component": "checkout",
        "time_ms": town.world.time_ms,
        "detail": "restarted 3 replicas",
    }


def test_a_snapshot_of_a_lab_without_acts_still_loads(town: Any) -> None:
    path = town.home / FILE
    old = json.loads(path.read_bytes())
    del old["acts"]
    path.write_text(json.dumps(old))
    assert World(town.home, town.clock).acts == {}


def test_only_so_many_acts_are_remembered() -> None:
    done: dict[str, list[Any]] = {}
    for n in range(MOST + 5):
        done = with_new(done, Act(f"a{n}", "u", "x", "c"), n, "")
    assert (len(done), next(iter(done))) == (MOST, "a5")


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (None, "body"),
        ([], "body"),
        ({}, "body"),
        ({"id": "../x"}, "id"),
        ({"id": "a" * 64}, "id"),
        ({"id": "a\n"}, "id"),
        ({"unit": 3}, "unit"),
        ({"action": "rm -rf /"}, "action"),
        ({"component": "{{x}}"}, "component"),
        ({"dryRun": 1}, "dryRun"),
        ({"force": True}, "body"),
    ],
)
def test_a_malformed_request_is_refused_with_its_place(wrong: Any, where: str) -> None:
    good = {"id": "a", "unit": "shop", "action": "restart", "component": "checkout", "dryRun": False}
    with pytest.raises(RequestError) as error:
        read_act({**good, **wrong} if wrong else wrong)
    assert error.value.where == where
