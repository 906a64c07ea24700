"""The promises of every Operator, held against the fake in memory and the lab over real HTTP."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.targets.directory import DirectoryTarget
from reconciler.adapters.targets.lab import LabTarget
from reconciler.lab.server import make_server
from reconciler.lab.stage import deploy, read_manifests
from reconciler.lab.world import World
from reconciler.ports.target import Act, Operator
from reconciler.testing.check_operator import CHECKS, OperatorRig, check_operator
from reconciler.testing.clock import ManualClock
from reconciler.testing.operators import FakeOperator
from reconciler.testing.targets import FakeTarget

APPS = Path(__file__).parents[2] / "infra-repo-template" / "apps"


class FakeRig:
    def __init__(self) -> None:
        self.operator = FakeOperator({"cache": "shop"})

    def act(self, name: str) -> Act:
        return Act(name, "shop", "flush", "cache")

    def effects(self) -> int:
        return len(self.operator.done)


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
    assert not isinstance(DirectoryTarget("files", tmp_path), Operator)
    assert not isinstance(FakeTarget("fake"), Operator)
