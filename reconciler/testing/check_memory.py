"""check_memory: what every Memory must do. `make()` gives a fresh, empty one."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.ports.memory import Memo, Memory
from reconciler.testing.expecting import expect

Make = Callable[[], Memory]
EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (0.8, 0.6)


def answers_the_nearest_first(make: Make) -> None:
    memory = make()
    memory.put([Memo("north", NORTH, {"is": "cold"}), Memo("east", EAST), Memo("between", BETWEEN)], "3")
    found = memory.nearest(EAST, 2)
    expect([near.memo.key for near in found] == ["east", "between"], "the nearest come first, and no more than asked for")
    expect([round(near.likeness, 3) for near in found] == [1.0, 0.8], "likeness is the cosine")
    expect(dict(memory.nearest(NORTH, 1)[0].memo.payload) == {"is": "cold"}, "what it stands for comes with it")


def leaves_out_what_has_nothing_in_common(make: Make) -> None:
    memory = make()
    memory.put([Memo("north", NORTH), Memo("nothing", (0.0, 0.0)), Memo("west", (-1.0, 0.0))], "1")
    expect(not memory.nearest(EAST, 9), "a right angle, an opposite and an empty vector are near nothing")
    expect(not memory.nearest((0.0, 0.0), 9), "nothing is near an empty vector")


def orders_equals_by_key(make: Make) -> None:
    memory = make()
    memory.put([Memo(key, EAST) for key in ("b", "c", "a")], "1")
    expect([near.memo.key for near in memory.nearest(EAST, 9)] == ["a", "b", "c"], "the same question has one answer")


def replaces_a_known_key(make: Make) -> None:
    memory = make()
    memory.put([Memo("one", EAST, {"told": "first"})], "1")
    memory.put([Memo("one", NORTH, {"told": "later"})], "2")
    expect(not memory.nearest(EAST, 9), "the former vector is gone")
    expect([dict(near.memo.payload) for near in memory.nearest(NORTH, 9)] == [{"told": "later"}], "what it stands for is new")


def keeps_the_mark_with_the_memos(make: Make) -> None:
    memory = make()
    expect(memory.mark() == "", "nothing was put in yet")
    memory.put([Memo("one", EAST)], "version 7")
    memory.put([], "version 8")
    expect(memory.mark() == "version 8", "the mark is the last one, also of nothing")


def forgets_everything_when_cleared(make: Make) -> None:
    memory = make()
    memory.put([Memo("one", EAST)], "1")
    memory.clear()
    expect((memory.mark(), list(memory.nearest(EAST, 9))) == ("", []), "nothing is left")


MEMORY_PROMISES: tuple[Callable[[Make], None], ...] = (
    answers_the_nearest_first,
    leaves_out_what_has_nothing_in_common,
    orders_equals_by_key,
    replaces_a_known_key,
    keeps_the_mark_with_the_memos,
    forgets_everything_when_cleared,
)


def check_memory(make: Make) -> None:
    """Runs every promise."""
    for promise in MEMORY_PROMISES:
        promise(make)
