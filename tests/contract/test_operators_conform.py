"""The promises of every Operator, held against the fake in memory and the lab over real HTTP."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.targets.directory import DirectoryTarget
from reconciler.adapters.targets.lab import LabTarget
from reconciler.errors import Permanent
from reconciler.lab.server import make_server
from reconciler.lab.stage import deploy, read_manifests
from reconciler.lab.world import World
from reconciler.ports.target import Act, Acted, Lasting, Operator
from reconciler.testing.check_operator import CHECKS, LASTING_CHECKS, LastingRig, OperatorRig, check_lasting, check_operator
from reconciler.testing.clock import ManualClock
from reconciler.testing.operators import FakeLastingOperator, FakeOperator
from reconciler.testing.targets import FakeTarget

APPS = Path(__file__).parents[2] / "infra-repo-template" / "apps"


class FakeRig:
    def __init__(self) -> None:
        self.operator = FakeOperator({"cache": "shop"})

    def act(self, name: str) -> Act:
        return Act(name, "shop", "flush", "cache")

    def effects(self) -> int:
        return len(self.operator.done)


class LastingFakeRig:
    """Another process sees what the world keeps, and nothing else."""

    def __init__(self, kind: type[FakeLastingOperator] = FakeLastingOperator) -> None:
        self.operator = kind({"cache": "shop"})

    def act(self, name: str) -> Act:
        return Act(name, "shop", "flush", "cache")

    def lasting(self, name: str) -> Act:
        return Act(name, "shop", "empty", "cache")

    def effects(self) -> int:
        return len(self.operator.done)

    def hold(self) -> None:
        self.operator.stuck = True

    def let_go(self) -> None:
        self.operator.stuck = False

    def soon(self, fact: Callable[[], bool], what: str) -> None:
        assert any(fact() for _ in range(10)), what

    def reopen(self) -> Operator:
        self.operator = replace(self.operator)
        return self.operator


class LabRig:
    """Effects are counted in the lab's own state: what it says it did."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.operator = LabTarget("lab", url)

    def act(self, name: str) -> Act:
        return Act(name, "shop", "restart", "checkout")

    def effects(self) -> int:
        return len(self.world.acts)


@contextmanager
def lab(home: Path) -> Iterator[LabRig]:
    world = World(home, ManualClock())
    deploy(world, read_manifests(APPS), 1)
    server = make_server(world)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found = LabRig(world, f"http://127.0.0.1:{server.server_port}")
    try:
        yield found
    finally:
        found.operator.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["fake", "lab"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OperatorRig]:
    if request.param == "fake":
        yield FakeRig()
        return
    with lab(tmp_path / "lab") as found:
        yield found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_operator_keeps_the_promise(rig: OperatorRig, check: Callable[[OperatorRig], None]) -> None:
    check(rig)


@pytest.mark.parametrize("check", LASTING_CHECKS, ids=lambda check: check.__name__)
def test_a_lasting_operator_keeps_the_promise(check: Callable[[LastingRig], None]) -> None:
    check(LastingFakeRig())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_lasting_operator_keeps_the_promise_of_an_operator(check: Callable[[OperatorRig], None]) -> None:
    check(LastingFakeRig())


class Waits(FakeLastingOperator):
    """Does all of it in the call that begins it, whatever holds it up."""

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        if act.action == "empty" and not dry_run:
            self.done[act.id] = act
            return Acted(True, "applied")
        return super().operate(act, dry_run=dry_run)


class Begins(FakeLastingOperator):
    """Takes being asked to go on for being asked to begin."""

    def go_on(self, act: Act) -> Acted:
        if act.id not in self.done:
            self.begun.setdefault(act.id, (act, self.pieces, self.turns))
        return super().go_on(act)


class Forgets(FakeLastingOperator):
    """Keeps in its process how far it is."""

    def __init__(self, *kept: Any, **more: Any) -> None:
        super().__init__(*kept, **{**more, "begun": {}})


@pytest.mark.parametrize(
    ("kind", "broken"),
    [(Waits, "not said to be under way"), (Begins, "never begun"), (Forgets, "nothing was begun")],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_the_kit_fails_a_lasting_operator_that_waits_or_begins_or_forgets(kind: type[FakeLastingOperator], broken: str) -> None:
    @contextmanager
    def make() -> Iterator[LastingRig]:
        yield LastingFakeRig(kind)

    with pytest.raises((AssertionError, Permanent), match=broken):
        check_lasting(make)


def test_the_kit_fails_an_operator_that_forgets_what_it_did() -> None:
    class Forgetful(FakeRig):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def act(self, name: str) -> Act:
            self.count += len(self.operator.done)
            self.operator.done.clear()
            return super().act(name)

        def effects(self) -> int:
            return self.count + len(self.operator.done)

    @contextmanager
    def make() -> Iterator[OperatorRig]:
        yield Forgetful()

    with pytest.raises(AssertionError, match="the second time does not say so"):
        check_operator(make)


def test_only_a_target_that_can_act_is_an_operator(tmp_path: Path) -> None:
    assert isinstance(FakeOperator({}), Operator)
    assert not isinstance(FakeOperator({}), Lasting)
    assert isinstance(FakeLastingOperator({}), Lasting)
    assert not isinstance(DirectoryTarget("files", tmp_path), Operator)
    assert not isinstance(FakeTarget("fake"), Operator)
