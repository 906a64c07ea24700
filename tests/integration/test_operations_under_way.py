"""An act that takes its time, on a whole installation: nothing waits for it, and nothing that ends makes it happen twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from browser import said, served
from installation import Installation, installation
from test_operations import brake, detail, drop, events, order, paged

from reconciler import plugins
from reconciler.adapters.targets.lab import LabTarget
from reconciler.audit.facts import OperationEvent, operation_record
from reconciler.cli import main
from reconciler.errors import Retryable
from reconciler.ports.target import Act, Acted
from reconciler.testing.operators import FakeLastingOperator


class Outside(FakeLastingOperator):
    """What stays when the process ends. In place of the lab's restart: three pieces, one a turn."""

    def __init__(self) -> None:
        super().__init__({"cart": "shop"}, pieces=3)


class LastingLab(LabTarget):
    """A class of its own: what a class is asked for once by `isinstance` is remembered of it."""

    outside: Outside

    def lasting(self) -> Collection[str]:
        return ("restart",)

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        return self.outside.operate(_emptying(act), dry_run=dry_run)

    def go_on(self, act: Act) -> Acted:
        return self.outside.go_on(_emptying(act))


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    made = Outside()
    monkeypatch.setattr(LastingLab, "outside", made, raising=False)
    monkeypatch.setattr(plugins, "BUILT_IN", {**plugins.BUILT_IN, "target": {"lab": f"{__name__}:LastingLab"}})
    return made


def _emptying(act: Act) -> Act:
    return Act(act.id, act.unit, "empty", act.component, act.user)


@pytest.fixture
def site(tmp_path: Path, outside: Outside) -> Iterator[Installation]:
    with installation(tmp_path, warm_seconds=30) as made:
        yield made


def told(site: Installation) -> list[str]:
    return [one.text for one in site.system.world.cursor.unfinished.values()]


def test_other_work_goes_on_while_it_is_under_way(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    order(site, "restart-1")
    site.settle()
    assert events(site, "restart-1") == ["accepted", "started"]
    assert told(site) == ["3 of 3 are left"]
    site.push({"apps/shop/cart.yaml": ("replicas: 2", "replicas: 4")})
    site.settle()
    assert site.live("cart", "replicas") == 4
    outside.stuck = False
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "finished"]
    assert (told(site), list(outside.done)) == ([], ["restart-1"])


def test_another_process_goes_on_after_a_crash_and_after_the_store_is_lost(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    order(site, "restart-1")
    site.advance(5)
    site.restart()
    site.advance(5)
    site.lose_store()
    site.advance(5)
    assert events(site, "restart-1") == ["accepted", "started"]
    outside.stuck = False
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "finished"]
    assert [asked for asked in outside.asked if asked == ("restart-1", False)] == [("restart-1", False)]


@pytest.mark.parametrize("began", [True, False], ids=["after-the-target-began", "before-the-target-began"])
def test_a_crash_at_the_beginning_goes_on_where_the_target_began_and_is_unknown_where_not(
    site: Installation, outside: Outside, monkeypatch: pytest.MonkeyPatch, began: bool
) -> None:
    real = LastingLab.operate

    def operate(self: LastingLab, act: Act, *, dry_run: bool) -> Acted:
        if dry_run or began:
            answer = real(self, act, dry_run=dry_run)
        if not dry_run:
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(LastingLab, "operate", operate)
        order(site, "restart-1")
        with pytest.raises(KeyboardInterrupt):
            site.settle()
    site.restart()
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "finished" if began else "unknown"]
    assert list(outside.done) == (["restart-1"] if began else [])


def test_its_time_is_over_and_it_is_said_how_far_it_came(site: Installation, outside: Outside) -> None:
    outside.turns, outside.stuck = 3, True
    order(site, "restart-1")
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "incomplete"]
    assert "3 of 3 are left, and its time is over" in detail(site, "restart-1")
    assert "restart-1: incomplete" in paged(site)
    site.restart()
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "incomplete"]


def test_a_brake_stops_it_where_it_stands_until_it_is_lifted(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    order(site, "restart-1")
    site.settle()
    outside.stuck = False
    brake(site)
    site.advance(30)
    assert (events(site, "restart-1"), list(outside.done)) == (["accepted", "started"], [])
    assert told(site) == ["brake-1 is on; so far: 3 of 3 are left"]
    brake(site, on=False)
    site.advance(30)
    assert events(site, "restart-1")[-1] == "finished"


def test_removing_its_file_ends_it_where_it_stands(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    order(site, "restart-1")
    site.settle()
    drop(site, "restart-1")
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "incomplete"]
    assert "3 of 3 are left" in detail(site, "restart-1")
    assert list(outside.done) == []


def test_a_target_that_does_not_answer_meanwhile_is_asked_again(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    order(site, "restart-1")
    site.settle()
    outside.breaks = Retryable("the network is away")
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started"]
    assert "the network is away; so far: 3 of 3 are left" in told(site)[0]
    outside.breaks, outside.stuck = None, False
    site.advance(30)
    assert events(site, "restart-1")[-1] == "finished"


def test_the_end_that_another_process_found_is_the_end(site: Installation, outside: Outside) -> None:
    outside.stuck = True
    commit = order(site, "restart-1")
    site.settle()
    other = OperationEvent("restart-1", "finished", commit, "by another process")
    site.system.world.log.publish([operation_record(other, site.clock.stamp())])
    site.advance(30)
    assert events(site, "restart-1") == ["accepted", "started", "finished"]
    assert told(site) == []


def test_what_waits_is_said_in_status_and_on_the_page_and_not_when_it_is_over(
    site: Installation, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    def status() -> str:
        assert main(["--home", str(site.home.root), "status"]) == 0
        return capsys.readouterr().out

    outside.stuck = True
    order(site, "restart-1")
    site.settle()
    (line,) = [line for line in status().splitlines() if "restart-1" in line]
    assert [word in line for word in ("restart cart of shop", "under way", "3 of 3 are left")] == [True] * 3
    with served(site) as door:
        home = said(door.browser().login().get("/"))
    assert "restart-1 restart cart of shop under way 3 of 3 are left" in home
    outside.stuck = False
    site.advance(30)
    assert "restart cart of shop" not in status()
