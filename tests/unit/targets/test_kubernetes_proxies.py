"""Which proxy the environment names: kubectl's rules, case by case."""

from __future__ import annotations

import pytest

from reconciler.adapters.targets.kubernetes.proxies import of_environment

PROXY = "http://proxy:3128"


def proxy(url: str, no_proxy: str = "") -> str:
    return of_environment(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})[0]


def test_the_scheme_says_which_variable_counts_and_capitals_come_first() -> None:
    environ = {
        "https_proxy": "http://low:1",
        "HTTPS_PROXY": "high:2",
        "http_proxy": "http://plain:3",
        "ALL_PROXY": "http://all:4",
    }
    assert of_environment("https://api:6443", environ) == ("http://high:2", "HTTPS_PROXY")
    assert of_environment("http://api:8080", environ) == ("http://plain:3", "http_proxy")
    assert of_environment("https://api", {"ALL_PROXY": "http://all:4", "HTTPS_PROXY": ""}) == ("", "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_this_machine_is_never_behind_a_proxy(host: str) -> None:
    assert proxy(f"https://{host}:6443") == ""


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("*", "api.example.org"),
        ("*", "10.1.2.3"),
        ("example.org", "example.org"),
        ("example.org", "api.example.org"),
        ("EXAMPLE.org", "API.example.org"),
        (".example.org", "api.example.org"),
        ("*.example.org", "api.example.org"),
        ("example.org:6443", "api.example.org"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:6443", "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3/8", "10.200.2.3"),
        ("fd00::1", "[fd00:0::1]"),
        ("[fd00::1]:6443", "[fd00::1]"),
        ("fd00::/8", "[fd00::1]"),
        ("other, ,kubernetes.default.svc", "kubernetes.default.svc"),
    ],
)
def test_what_no_proxy_names_is_reached_without_one(word: str, host: str) -> None:
    assert proxy(f"https://{host}:6443", word) == ""


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("", "api.example.org"),
        (",", "api.example.org"),
        ("example.org", "badexample.org"),
        (".example.org", "example.org"),
        ("*.example.org", "example.org"),
        ("example.org:443", "api.example.org"),
        ("10.1.2.3:443", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.30"),
        ("11.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "api.example.org"),
        ("10.0.0.0/99", "10.1.2.3"),
        ("fd00::/8", "10.1.2.3"),
        (":6443", "api.example.org"),
        ("*:6443", "10.1.2.3"),
    ],
)
def test_what_no_proxy_does_not_name_is_not(word: str, host: str) -> None:
    assert proxy(f"https://{host}:6443", word) == PROXY
