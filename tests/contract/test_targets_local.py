"""The promises of every Target, held against the fake in memory and the directory on a real file system."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.targets.directory import DirectoryTarget
from reconciler.converge.shapes import body_digest
from reconciler.model.revisions import DesiredObject
from reconciler.ports.target import Target
from reconciler.testing.check_target import CHECKS, TargetRig, check_target
from reconciler.testing.targets import FakeTarget


class _Plain:
    """Objects that any target without a schema accepts."""

    target: Target

    def desired(self, unit: str, name: str, variant: int) -> DesiredObject:
        body = {"replicas": variant, "ratio": 0.5, "calls": [{"service": "payment"}]}
        return DesiredObject(f"Service/{name}", unit, body, f"apps/{unit}/{name}.yaml", body_digest(body))


class FakeRig(_Plain):
    def __init__(self) -> None:
        self.fake = FakeTarget("fake", refuse={"Service/bad"})
        self.target = self.fake

    def invalid(self, unit: str, name: str) -> DesiredObject | None:
        return self.desired(unit, name, 1)

    def disturb(self, object_id: str) -> None:
        self.fake.disturb(object_id, {"replicas": 99})


class DirectoryRig(_Plain):
    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = DirectoryTarget("files", root)

    def invalid(self, unit: str, name: str) -> DesiredObject | None:
        """A foreign file is in the way."""
        foreign = self.root / "Service" / f"{name}.json"
        foreign.parent.mkdir(parents=True, exist_ok=True)
        foreign.write_text("mine")
        return self.desired(unit, name, 1)

    def disturb(self, object_id: str) -> None:
        (self.root / f"{object_id}.json").write_text("{}")


Make = Callable[[], TargetRig]


@pytest.fixture(params=["fake", "directory"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> TargetRig:
    return FakeRig() if request.param == "fake" else DirectoryRig(tmp_path / "out")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_local_target_keeps_the_promise(rig: TargetRig, check: Callable[[TargetRig], None]) -> None:
    check(rig)


def test_the_kit_fails_a_target_that_forgets_its_generation(tmp_path: Path) -> None:
    @contextmanager
    def make() -> Iterator[TargetRig]:
        rig = FakeRig()

        class Forgetful(dict[str, tuple[int, str]]):
            def __setitem__(self, key: str, value: tuple[int, str]) -> None:
                return

        rig.fake.fences = Forgetful()
        yield rig

    with pytest.raises(AssertionError):
        check_target(make)
