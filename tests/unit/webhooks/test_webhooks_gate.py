"""Who may deliver: a secret of some length, proven over the raw bytes; and how fast."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from reconciler.errors import Misconfigured
from webhooks.gate import Bucket, Gate, Strangers

SECRET = "0123456789abcdef"
BODY = b'{"version":"4"}'


@pytest.mark.parametrize("secret", ["", "   ", "short", " " * 40, "fifteen-bytes-x"])
def test_nothing_starts_without_a_secret_of_some_length(secret: str):
    with pytest.raises(Misconfigured, match="openssl rand"):
        Gate(secret)


def test_an_hmac_over_the_raw_body_is_admitted():
    proof = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert Gate(SECRET + "\n").admits(proof, None, BODY)


@pytest.mark.parametrize("proof", ["", "sha256=", "sha256=" + "0" * 64, "ünïcode", SECRET, "sha1=" + "0" * 40])
def test_another_signature_is_not(proof: str):
    assert not Gate(SECRET).admits(proof, None, BODY)


def test_a_signature_of_another_body_is_not():
    gate = Gate(SECRET)
    assert not gate.admits(gate.signature(BODY), None, BODY + b" ")


def test_a_bearer_is_admitted_because_alertmanager_can_send_no_signature():
    assert Gate(SECRET).admits(None, f"bearer {SECRET}", BODY)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}x"])
def test_another_authorization_is_not(header: str | None):
    assert not Gate(SECRET).admits(None, header, BODY)


def test_a_wrong_signature_is_not_saved_by_a_bearer():
    assert not Gate(SECRET).admits("sha256=00", f"Bearer {SECRET}", BODY)


def test_a_bucket_gives_its_burst_and_then_its_rate():
    bucket = Bucket(per_second=2, burst=3)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert (bucket.take(499), bucket.take(500), bucket.take(501)) == (False, True, False)
    assert sum(bucket.take(1_000_000) for _ in range(9)) == 3


def test_a_stranger_who_keeps_failing_is_turned_away_and_others_are_not():
    strangers = Strangers(per_second=1, burst=2)
    for _ in range(2):
        assert not strangers.are_tired_of("a", 0)
        strangers.failed("a", 0)
    assert (strangers.are_tired_of("a", 0), strangers.are_tired_of("b", 0), strangers.are_tired_of("a", 1_000)) == (
        True,
        False,
        False,
    )


def test_strangers_cost_bounded_memory():
    strangers = Strangers(per_second=1, burst=1, most=10)
    for number in range(100):
        strangers.failed(str(number), 0)
    assert len(strangers._buckets) == 10
