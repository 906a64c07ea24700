"""Sessions and failed logins: bounded in number and time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.console.sessions import FAILURES, IDLE_MS, LASTS_MS, MAX_SESSIONS, REFILL_MS, SEEN_MS, Failures, Sessions

NOW = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "sessions.json"


def test_a_restart_logs_nobody_out_and_forms_of_before_still_count(path: Path):
    cookie, before = Sessions(path).begin("ada", NOW)
    after = Sessions(path).find(cookie, NOW + 1)
    assert after is not None
    assert after.principal == "ada"
    assert after.accepts(before.csrf)


def test_the_file_opens_no_session_and_sends_no_form(path: Path):
    cookie, session = Sessions(path).begin("ada", NOW)
    kept = path.read_text()
    assert cookie not in kept
    assert session.csrf not in kept
    (entry,) = json.loads(kept)
    assert Sessions(path).find(entry["digest"], NOW) is None
    assert path.stat().st_mode & 0o077 == 0


def test_a_copy_of_the_file_keeps_nobody_in_beyond_the_end(path: Path):
    sessions = Sessions(path)
    cookie, _ = sessions.begin("ada", NOW)
    for at in range(NOW, NOW + LASTS_MS, IDLE_MS // 2):
        sessions.find(cookie, at)
    assert Sessions(path).find(cookie, NOW + LASTS_MS - 1) is not None
    assert Sessions(path).find(cookie, NOW + LASTS_MS) is None
    assert Sessions(path).find(cookie, NOW + LASTS_MS - 1 + IDLE_MS) is None


def test_who_was_logged_out_stays_out_after_a_restart(path: Path):
    sessions = Sessions(path)
    cookie, _ = sessions.begin("ada", NOW)
    sessions.end(cookie)
    assert Sessions(path).find(cookie, NOW) is None


def test_a_restart_knows_about_idling_to_a_few_minutes(path: Path):
    sessions = Sessions(path)
    cookie, _ = sessions.begin("ada", NOW)
    sessions.find(cookie, NOW + SEEN_MS - 1)
    assert Sessions(path).find(cookie, NOW + IDLE_MS) is None
    sessions.find(cookie, NOW + SEEN_MS)
    assert Sessions(path).find(cookie, NOW + IDLE_MS) is not None


@pytest.mark.parametrize("damage", ["", "{}", "[1]", "not json", '[{"digest": "x"}]'])
def test_a_file_that_does_not_read_lets_nobody_in_and_is_begun_anew(path: Path, damage: str):
    cookie, _ = Sessions(path).begin("ada", NOW)
    path.write_text(damage)
    sessions = Sessions(path)
    assert sessions.find(cookie, NOW) is None
    fresh, _ = sessions.begin("ada", NOW)
    assert Sessions(path).find(fresh, NOW) is not None


def test_a_session_is_found_by_its_cookie_alone(path: Path):
    sessions = Sessions(path)
    cookie, session = sessions.begin("ada", NOW)
    assert sessions.find(cookie, NOW) is session
    assert sessions.find(cookie + "x", NOW) is None
    assert sessions.find("", NOW) is None


def test_every_session_has_its_own_cookie_and_form_token(path: Path):
    sessions = Sessions(path)
    made = [sessions.begin("ada", NOW) for _ in range(10)]
    assert len({cookie for cookie, _ in made}) == 10
    assert len({session.csrf for _, session in made}) == 10


def test_a_session_ends_when_idle_and_when_old(path: Path):
    sessions = Sessions(path)
    cookie, _ = sessions.begin("ada", NOW)
    assert sessions.find(cookie, NOW + IDLE_MS - 1) is not None
    assert sessions.find(cookie, NOW + 2 * IDLE_MS - 1) is None
    cookie, _ = sessions.begin("ada", NOW)
    for at in range(NOW, NOW + LASTS_MS, IDLE_MS // 2):
        assert sessions.find(cookie, at) is not None
    assert sessions.find(cookie, NOW + LASTS_MS) is None


def test_logging_out_ends_it_at_once(path: Path):
    sessions = Sessions(path)
    cookie, _ = sessions.begin("ada", NOW)
    sessions.end(cookie)
    assert sessions.find(cookie, NOW) is None


def test_the_number_of_sessions_is_bounded_and_the_longest_idle_gives_way(path: Path):
    sessions = Sessions(path)
    first, _ = sessions.begin("ada", NOW)
    second, _ = sessions.begin("ada", NOW)
    for _ in range(MAX_SESSIONS - 2):
        sessions.begin("ada", NOW + 1)
    sessions.find(first, NOW + 2)
    sessions.begin("ada", NOW + 3)
    assert sessions.find(first, NOW + 3) is not None
    assert sessions.find(second, NOW + 3) is None


def test_a_form_token_is_compared_whole(path: Path):
    _, session = Sessions(path).begin("ada", NOW)
    assert session.accepts(session.csrf)
    assert not any(session.accepts(token) for token in ("", session.csrf[:-1], session.csrf + "x", "ünïcode", "\udcff"))


def test_a_flash_is_told_once(path: Path):
    _, session = Sessions(path).begin("ada", NOW)
    session.flash = "done"
    assert (session.told(), session.told()) == ("done", "")


def test_failures_are_counted_and_forgiven_slowly():
    failures = Failures()
    for _ in range(FAILURES):
        assert not failures.exhausted(NOW)
        failures.failed(NOW)
    assert failures.exhausted(NOW)
    assert not failures.exhausted(NOW + REFILL_MS)
    failures.failed(NOW + REFILL_MS)
    assert failures.exhausted(NOW + REFILL_MS)


def test_a_clock_that_jumps_back_forgives_nothing():
    failures = Failures()
    for _ in range(FAILURES):
        failures.failed(NOW)
    assert failures.exhausted(NOW - 1_000_000)
    assert failures.exhausted(NOW)
