"""Every Telemetry keeps every promise: the fake in memory and the built-in one on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from reconciler.adapters.telemetry import BuiltinTelemetry, Sample
from reconciler.testing.check_telemetry import AT_MS, TELEMETRY_PROMISES, Make, World, check_telemetry
from reconciler.testing.telemetry import MemoryTelemetry


def _in_memory(world: World) -> MemoryTelemetry:
    telemetry = MemoryTelemetry(world.calls)
    for (component, metric), points in world.samples.items():
        telemetry.put(component, metric, points)
    return telemetry


def _poured(telemetry: BuiltinTelemetry, world: World) -> BuiltinTelemetry:
    for (component, metric), points in world.samples.items():
        for at, value in points:
            telemetry.ingest([Sample(f"lab_{metric}", (("service", component),), value)], at)
    for caller, callee in world.calls:
        telemetry.ingest([Sample("lab_calls_total", (("callee", callee), ("service", caller)), 1.0)], AT_MS)
    return telemetry


@pytest.fixture(params=["memory", "builtin"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    if request.param == "memory":
        yield _in_memory
        return
    opened: list[BuiltinTelemetry] = []
    numbers = count()

    def built(world: World) -> BuiltinTelemetry:
        opened.append(BuiltinTelemetry(tmp_path / f"{next(numbers)}"))
        return _poured(opened[-1], world)

    yield built
    for telemetry in opened:
        telemetry.close()


@pytest.mark.parametrize("promise", TELEMETRY_PROMISES, ids=lambda promise: promise.__name__)
def test_every_telemetry_keeps(promise: Callable[[Make], None], make: Make):
    promise(make)


def test_the_telemetry_kit_finds_a_source_that_makes_up_zeros():
    class Inventive(MemoryTelemetry):
        def newest_ms(self) -> int:
            return 1

    with pytest.raises(AssertionError, match="broken promise"):
        check_telemetry(lambda _: Inventive())
