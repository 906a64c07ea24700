import base64
import hashlib

import pytest

from reconciler.adapters.signing import PublicKey
from reconciler.audit.redact import REDACTED, Redactor, redact
from reconciler.testing.signing import MemorySigner


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "dbPassword",
        "API_KEY",
        "apiKey",
        "token",
        "auth-token",
        "clientSecret",
        "Authorization",
        "private_key",
    ],
)
def test_values_under_names_of_secrets_are_redacted(name: str) -> None:
    assert redact({"a": {name: "x1"}}) == {"a": {name: REDACTED}}
    assert redact({name: ["x1", {"k": "y1"}]})[name][0] == REDACTED


@pytest.mark.parametrize("name", ["key", "tokenizer", "author", "passed", "secretary", "path", "bypass", "public_key", "keyid"])
def test_names_that_only_look_alike_are_left_alone(name: str) -> None:
    assert redact({name: "x1"}) == {name: "x1"}


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "Bearer abcdefgh12345678",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off",
        base64.b64encode(hashlib.sha256(b"random").digest()).decode(),
    ],
)
def test_text_in_the_form_of_a_secret_is_redacted(secret: str) -> None:
    shown = redact({"note": f"before {secret} after"})["note"]
    assert shown.startswith("before ")
    assert secret not in shown


def test_a_password_in_an_address_is_redacted_and_its_host_kept() -> None:
    assert redact("postgresql://app:pw1@db.internal/orders") == f"postgresql://{REDACTED}@db.internal/orders"


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + hashlib.sha256(b"x").hexdigest(),
        hashlib.sha1(b"x").hexdigest(),  # noqa: S324 - a commit id
        MemorySigner("log").key_id,
        PublicKey(MemorySigner("log").public, "log").line,
        MemorySigner("log").sign_ssh(b"m", "git").decode(),
        "apps/payments/payment-service-v2/checkout.yaml",
        "refs/heads/homeostat/restore-release-checkout-3fa9c1",
        "latency_p99 of checkout rose from 120 ms to 2400 ms after commit 3fa9c1d",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "https://github.com/example/infra/pull/12",
    ],
)
def test_what_replay_and_readers_need_is_left_alone(text: str) -> None:
    assert redact({"note": text}) == {"note": text}


def test_known_secrets_are_redacted_wherever_they_stand_the_longest_first() -> None:
    redactor = Redactor(["blue", "blue-green"])
    assert redactor.value({"blue-green": "a blue-green and a blue"}) == {REDACTED: f"a {REDACTED} and a {REDACTED}"}
