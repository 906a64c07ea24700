"""Login links: random, spent once, kept as a digest, and closed when their file does not read."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.console.logins import LASTS_MS, MAX_PENDING, make_login, peek, redeem
from reconciler.errors import Misconfigured
from reconciler.settings import Home

NOW = 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_token_names_its_principal_until_it_is_spent(home: Home):
    token = make_login(home, "ada", NOW)
    assert peek(home, token, NOW) == "ada"
    assert peek(home, token, NOW) == "ada"
    assert redeem(home, token, NOW) == "ada"
    assert redeem(home, token, NOW) == ""
    assert peek(home, token, NOW) == ""


def test_a_token_ends_with_its_time(home: Home):
    token = make_login(home, "ada", NOW)
    assert peek(home, token, NOW + LASTS_MS - 1) == "ada"
    assert peek(home, token, NOW + LASTS_MS) == ""
    assert redeem(home, token, NOW + LASTS_MS) == ""


def test_the_file_holds_no_token_and_is_readable_by_its_owner_alone(home: Home):
    token = make_login(home, "ada", NOW)
    text = home.logins.read_text()
    assert token not in text
    assert len(token) >= 43  # 256 bits
    assert stat.S_IMODE(home.logins.stat().st_mode) == 0o600


@pytest.mark.parametrize("token", ["", "guess", "ünïcode", "\udcff", "x" * 100_000])
def test_a_wrong_token_is_nobodys(home: Home, token: str):
    make_login(home, "ada", NOW)
    assert peek(home, token, NOW) == ""
    assert redeem(home, token, NOW) == ""


def test_the_digest_in_the_file_is_no_token(home: Home):
    make_login(home, "ada", NOW)
    digest = json.loads(home.logins.read_text())[0]["digest"]
    assert redeem(home, digest, NOW) == ""


def test_a_token_spent_by_many_at_once_lets_one_in(home: Home):
    token = make_login(home, "ada", NOW)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: redeem(home, token, NOW), range(16)))
    assert sorted(filter(None, found)) == ["ada"]


def test_other_links_outlive_one_that_is_spent(home: Home):
    first, second = make_login(home, "ada", NOW), make_login(home, "grace", NOW)
    redeem(home, first, NOW)
    assert redeem(home, second, NOW) == "grace"


def test_the_number_of_open_links_is_bounded(home: Home):
    tokens = [make_login(home, "ada", NOW) for _ in range(MAX_PENDING + 1)]
    assert len(json.loads(home.logins.read_text())) == MAX_PENDING
    assert peek(home, tokens[0], NOW) == ""
    assert peek(home, tokens[-1], NOW) == "ada"


def test_links_that_ended_leave_the_file(home: Home):
    make_login(home, "ada", NOW)
    make_login(home, "grace", NOW + LASTS_MS)
    assert [login["principal"] for login in json.loads(home.logins.read_text())] == ["grace"]


@pytest.mark.parametrize("content", ["{", '{"a": 1}', '[{"principal": "ada"}]', "[1]", "[" * 5_000])
def test_a_file_that_does_not_read_lets_nobody_in_and_says_where(home: Home, content: str):
    home.logins.parent.mkdir()
    home.logins.write_text(content)
    with pytest.raises(Misconfigured, match=r"logins\.json"):
        redeem(home, "token", NOW)
