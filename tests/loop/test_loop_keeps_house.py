"""Once a day the repository is packed and settled signals of last week are forgotten, and never in the middle of a case."""

from collections.abc import Iterator

import pytest
from installation import Installation, installation

from reconciler.steps.housekeeping import EVERY_MS, KEPT_HOUSE, KEPT_MS, LATEST_MS, keep_house
from reconciler.steps.world import World
from reconciler.testing.check_store import a_case, a_signal


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("house"), warm_seconds=10) as site:
        site.settle()
        yield site


@pytest.fixture
def world(home: Installation) -> World:
    """Nobody has kept house for a day."""
    found = home.system.world
    kept_last(found, EVERY_MS)
    return found


def kept_last(world: World, ago_ms: int) -> None:
    world.store.note(KEPT_HOUSE, str(world.clock.now() - ago_ms))
    world.cursor.house_ms = 0


def loose(home: Installation) -> int:
    return len(list((home.home.root / "infra.git" / "objects").glob("??/*")))


def test_the_repository_is_packed_and_nothing_is_lost(home: Installation, world: World) -> None:
    assert loose(home) > 0
    assert keep_house(world)
    assert loose(home) == 0
    assert home.verify().ok


def test_it_is_not_done_again_within_the_day_nor_after_a_restart(world: World) -> None:
    assert keep_house(world)
    assert not keep_house(world)
    world.cursor.house_ms = 0
    assert not keep_house(world)


def test_a_new_home_has_a_day_before_its_first_time(world: World) -> None:
    world.store.note(KEPT_HOUSE, "")
    world.cursor.house_ms = 0
    assert not keep_house(world)
    assert world.store.noted(KEPT_HOUSE) == str(world.clock.now())


def test_a_clock_that_was_set_back_begins_the_day_anew(world: World) -> None:
    kept_last(world, -EVERY_MS)
    assert not keep_house(world)
    assert world.store.noted(KEPT_HOUSE) == str(world.clock.now())


def test_settled_signals_of_last_week_are_forgotten(world: World) -> None:
    old = a_signal(1, received_ms=world.clock.now() - KEPT_MS - 1)
    world.store.accept([old])
    world.store.drop_signals([old.id], "stale")
    assert keep_house(world)
    assert world.store.accept([old]) == 1
    world.store.drop_signals([old.id], "stale")


def test_an_open_case_is_not_kept_waiting_for_it_until_three_days_are_over(world: World) -> None:
    signal = a_signal(2, received_ms=world.clock.now())
    world.store.accept([signal])
    assert world.store.open_case(a_case("case-house"), [signal.id], [])
    assert not keep_house(world)
    kept_last(world, LATEST_MS)
    assert keep_house(world)
