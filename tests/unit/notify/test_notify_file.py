"""The page file: each key once, whatever happens in between, and no text breaks its line."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from reconciler.adapters.notify import FileNotifier
from reconciler.adapters.notify.ledger import MAX_TEXT, Ledger
from reconciler.errors import Retryable
from reconciler.testing.clock import ManualClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pages.jsonl"


def _pages(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def test_a_page_is_one_line_with_both_times(path: Path):
    FileNotifier(path, ManualClock(5, 9)).page("k", "Title", "text\nof two lines\x1b", "http://x")
    assert _pages(path) == [
        {"key": "k", "title": "Title", "text": "text\nof two lines\x1b", "url": "http://x", "clock_ms": 5, "wall_ms": 9}
    ]
    assert path.read_text().count("\n") == 1


def test_the_same_key_is_paged_once_also_after_a_restart(path: Path):
    for _ in range(2):
        notifier = FileNotifier(path, ManualClock())
        notifier.page("k", "a", "b", "")
        notifier.page("k", "c", "d", "")
    assert [page["title"] for page in _pages(path)] == ["a"]


def test_two_writers_see_each_others_pages(path: Path):
    first, second = FileNotifier(path, ManualClock()), FileNotifier(path, ManualClock())
    first.page("a", "first", "", "")
    second.page("a", "second", "", "")
    second.page("b", "second", "", "")
    first.page("b", "first", "", "")
    assert [page["title"] for page in _pages(path)] == ["first", "second"]


def test_many_threads_page_a_key_once(path: Path):
    notifier = FileNotifier(path, ManualClock())
    threads = [threading.Thread(target=notifier.page, args=(f"k{n % 3}", "", "", "")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(page["key"] for page in _pages(path)) == ["k0", "k1", "k2"]


def test_a_line_cut_short_by_a_kill_counts_as_not_sent(path: Path):
    path.write_text('{"key": "whole"}\n{"key": "cut", "tit')
    notifier = FileNotifier(path, ManualClock())
    notifier.page("cut", "again", "", "")
    notifier.page("whole", "never", "", "")
    assert [page.get("title") for page in _pages(path)] == [None, "again"]


def test_a_page_that_could_not_be_sent_is_not_written_down(path: Path):
    ledger = Ledger(path)

    def lost() -> None:
        raise Retryable("lost")

    with pytest.raises(Retryable):
        ledger.once("k", {}, lost)
    assert ledger.once("k", {}, lambda: None)


def test_a_file_that_was_replaced_is_read_anew(path: Path):
    notifier = FileNotifier(path, ManualClock())
    notifier.page("k", "first", "x" * 100, "")
    path.write_text("")
    notifier.page("k", "again", "", "")
    assert [page["title"] for page in _pages(path)] == ["again"]


def test_endless_text_is_cut(path: Path):
    FileNotifier(path, ManualClock()).page("k", "t", "x" * 1_000_000, "")
    assert len(_pages(path)[0]["text"]) == MAX_TEXT


def test_a_file_that_cannot_be_written_is_retryable(tmp_path: Path):
    with pytest.raises(Retryable, match="cannot write"):
        FileNotifier(tmp_path / "nowhere" / "pages", ManualClock()).page("k", "", "", "")


def test_a_full_file_is_put_away_and_its_keys_still_count(path: Path):
    ledger = Ledger(path, max_bytes=200)
    for number in range(12):
        assert ledger.once(f"k{number}", {"text": "x" * 30}, lambda: None)
    older = path.with_name("pages.jsonl.1")
    assert max(path.stat().st_size, older.stat().st_size) < 300
    kept = [page["key"] for page in (*_pages(older), *_pages(path))]
    assert kept == [f"k{number}" for number in range(12)][-len(kept) :]
    for fresh in (ledger, Ledger(path, max_bytes=200)):
        assert not any(fresh.once(key, {}, lambda: None) for key in kept)
    assert ledger.once("k0", {}, lambda: None)  # nobody knows of it any more: twice is better than never


def test_writers_follow_each_other_over_a_full_file(path: Path):
    writers = [Ledger(path, max_bytes=80) for _ in range(3)]
    threads = [threading.Thread(target=writers[n % 3].once, args=(f"k{n // 3}", {}, lambda: None)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [page["key"] for file in (path.with_name("pages.jsonl.1"), path) for page in _pages(file)]
    assert sorted(kept) == sorted(f"k{n}" for n in range(10))
