"""Every Memory keeps every promise: the fake in this process and the embedded one on a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from reconciler.adapters.memories import EmbeddedMemory, KeptTemplates
from reconciler.errors import Retryable
from reconciler.ports.memory import Memo
from reconciler.testing.check_memory import EAST, MEMORY_PROMISES, NORTH, Make, check_memory
from reconciler.testing.memory import HeldMemory


@pytest.fixture(params=["held", "embedded"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    if request.param == "held":
        yield HeldMemory
        return
    opened: list[EmbeddedMemory] = []
    numbers = count()

    def built() -> EmbeddedMemory:
        opened.append(EmbeddedMemory(tmp_path / f"{next(numbers)}.db"))
        return opened[-1]

    yield built
    for memory in opened:
        memory.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.mark.parametrize("promise", MEMORY_PROMISES, ids=lambda promise: promise.__name__)
def test_every_memory_keeps(promise: Callable[[Make], None], make: Make):
    promise(make)


def test_the_memory_kit_finds_one_that_forgets_to_replace():
    class Stubborn(HeldMemory):
        def put(self, memos, mark):
            super().put([m for m in memos if m.key not in self._memos], mark)

    with pytest.raises(AssertionError, match="broken promise"):
        check_memory(Stubborn)


def test_what_was_put_in_is_there_after_a_restart(file: Path):
    first = EmbeddedMemory(file)
    first.put([Memo("one", EAST, {"a": 1})], "5")
    first.close()
    again = EmbeddedMemory(file)
    assert (again.mark(), [n.memo for n in again.nearest(EAST, 3)]) == ("5", [Memo("one", EAST, {"a": 1})])
    again.close()


def test_what_another_process_put_in_is_found(file: Path):
    here, there = EmbeddedMemory(file), EmbeddedMemory(file)
    assert not here.nearest(EAST, 1)
    there.put([Memo("one", EAST)], "1")
    assert [n.memo.key for n in here.nearest(EAST, 1)] == ["one"]
    here.close(), there.close()


def test_the_oldest_go_where_there_are_too_many(file: Path):
    memory = EmbeddedMemory(file, most=2)
    for number in range(4):
        memory.put([Memo(f"m{number}", EAST)], str(number))
    assert [n.memo.key for n in memory.nearest(EAST, 9)] == ["m2", "m3"]
    memory.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""], ids=["damaged", "empty"])
def test_a_file_that_is_no_memory_is_begun_anew(file: Path, content: bytes):
    file.write_bytes(content)
    memory = EmbeddedMemory(file)
    memory.put([Memo("one", NORTH)], "1")
    assert memory.mark() == "1"
    assert file.with_name("memory.db.damaged").exists() is bool(content)
    memory.close()


def test_the_file_of_another_release_is_begun_anew(file: Path):
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE memo (id INTEGER PRIMARY KEY)")
    other.commit()
    other.close()
    memory = EmbeddedMemory(file)
    assert memory.mark() == ""
    memory.close()


def test_a_vector_of_another_length_is_near_nothing(file: Path):
    memory = EmbeddedMemory(file)
    memory.put([Memo("old", (1.0, 0.0, 0.0))], "1")
    assert not memory.nearest(EAST, 9)
    memory.close()


@pytest.mark.parametrize("content", ["", "[]", "no json", '{"cart": 3}', '{"cart": {"templates": [["x"]]}}', '{"cart": {}}'])
def test_a_file_of_log_templates_that_is_none_knows_no_words(file: Path, content: str):
    file.write_text(content)
    assert KeptTemplates(file).text("cart", 1) == ""


def test_words_of_log_templates_are_read_when_they_change(file: Path):
    kept = KeptTemplates(file)
    assert kept.text("cart", 1) == ""
    file.write_text('{"cart": {"since": 1, "templates": [[4, "disk", "full"]]}}')
    assert (kept.text("cart", 1), kept.text("cart", 2), kept.text("front", 1)) == ("disk full", "", "")


def test_a_file_that_cannot_be_opened_keeps_nobody_from_starting_and_is_told_when_asked(file: Path):
    file.mkdir()
    memory = EmbeddedMemory(file)
    with pytest.raises(Retryable, match="cannot be opened"):
        memory.mark()
    memory.close()
