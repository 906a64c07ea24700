"""Sessions and failed logins: bounded in number and time."""

from __future__ import annotations

from reconciler.console.sessions import FAILURES, IDLE_MS, LASTS_MS, MAX_SESSIONS, REFILL_MS, Failures, Sessions

NOW = 1_000_000


def test_a_session_is_found_by_its_cookie_alone():
    sessions = Sessions()
    cookie, session = sessions.begin("ada", NOW)
    assert sessions.find(cookie, NOW) is session
    assert sessions.find(cookie + "x", NOW) is None
    assert sessions.find("", NOW) is None


def test_every_session_has_its_own_cookie_and_form_token():
    sessions = Sessions()
    made = [sessions.begin("ada", NOW) for _ in range(10)]
    assert len({cookie for cookie, _ in made}) == 10
    assert len({session.csrf for _, session in made}) == 10


def test_a_session_ends_when_idle_and_when_old():
    sessions = Sessions()
    cookie, _ = sessions.begin("ada", NOW)
    assert sessions.find(cookie, NOW + IDLE_MS - 1) is not None
    assert sessions.find(cookie, NOW + 2 * IDLE_MS - 1) is None
    cookie, _ = sessions.begin("ada", NOW)
    for at in range(NOW, NOW + LASTS_MS, IDLE_MS // 2):
        assert sessions.find(cookie, at) is not None
    assert sessions.find(cookie, NOW + LASTS_MS) is None


def test_logging_out_ends_it_at_once():
    sessions = Sessions()
    cookie, _ = sessions.begin("ada", NOW)
    sessions.end(cookie)
    assert sessions.find(cookie, NOW) is None


def test_the_number_of_sessions_is_bounded_and_the_longest_idle_gives_way():
    sessions = Sessions()
    first, _ = sessions.begin("ada", NOW)
    second, _ = sessions.begin("ada", NOW)
    for _ in range(MAX_SESSIONS - 2):
        sessions.begin("ada", NOW + 1)
    sessions.find(first, NOW + 2)
    sessions.begin("ada", NOW + 3)
    assert sessions.find(first, NOW + 3) is not None
    assert sessions.find(second, NOW + 3) is None


def test_a_form_token_is_compared_whole():
    _, session = Sessions().begin("ada", NOW)
    assert session.accepts(session.csrf)
    assert not any(session.accepts(token) for token in ("", session.csrf[:-1], session.csrf + "x", "ünïcode", "\udcff"))


def test_a_flash_is_told_once():
    _, session = Sessions().begin("ada", NOW)
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
