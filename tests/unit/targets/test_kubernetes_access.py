"""What a kubeconfig says about the way to a cluster."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from reconciler.adapters.targets.kubernetes.access import Access, find
from reconciler.errors import Misconfigured, Retryable


def access(folder: Path, server: str = "https://api.example:6443", **cluster: str) -> Access:
    words = "".join(f", {key}: {value!r}" for key, value in cluster.items())
    (folder / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f"clusters: [{{name: c, cluster: {{server: {server!r}{words}}}}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    return find("kubeconfig", "", folder)


def test_a_proxy_is_taken_from_the_kubeconfig(tmp_path: Path) -> None:
    assert access(tmp_path, **{"proxy-url": "http://proxy:3128"}).proxy == "http://proxy:3128"
    assert access(tmp_path).proxy is None


@pytest.mark.parametrize(
    "url", ["https://proxy:3128", "socks5://proxy:1080", "proxy:3128", "http://u:p#cret@proxy:3128", "http://u:1/cret@proxy:3128"]
)
def test_a_proxy_that_we_cannot_speak_to_is_refused_with_a_way_out_and_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured, match="not spoken to over http") as refused:
        access(tmp_path, **{"proxy-url": url})
    assert "http://" in refused.value.next_step
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("server", ["10.0.0.1:6443", "https://:6443", "ftp://a", "https://a:b"])
def test_an_address_that_would_be_spoken_to_in_the_clear_or_is_nobodys_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(Misconfigured, match="no address of a cluster"):
        access(tmp_path, server=server)


def test_a_credential_that_cannot_be_read_is_tried_again_later(tmp_path: Path) -> None:
    made = access(tmp_path)

    def gone(_: object) -> None:
        raise FileNotFoundError("/var/run/secrets/token")

    made._configuration.refresh_api_key_hook = gone
    with pytest.raises(Retryable, match="cannot read the credential"):
        made.token()


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_a_proxy_of_the_environment_is_taken_but_for_what_it_is_not_for(tmp_path: Path, no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert access(tmp_path).proxy == "http://proxy:3128"
    assert access(tmp_path, **{"proxy-url": "http://other:3128"}).proxy == "http://other:3128"
    no_proxies.setenv("NO_PROXY", "10.96.0.0/12,.example")
    assert access(tmp_path).proxy is None
    assert access(tmp_path, "https://10.96.0.1").proxy is None
    assert access(tmp_path, "https://10.200.0.1").proxy == "http://proxy:3128"
    assert access(tmp_path, **{"proxy-url": "http://other:3128"}).proxy == "http://other:3128"


def test_a_proxy_of_the_environment_that_we_cannot_speak_to_is_told_by_its_variable(
    tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("https_proxy", "socks5://u:cret@proxy:1080")
    with pytest.raises(Misconfigured, match=r"^https_proxy: ") as refused:
        access(tmp_path)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("server", ["https://us:cret@api.example:6443", "us:cret@api.example:6443"])
def test_an_address_with_a_password_in_it_is_refused_and_not_shown(tmp_path: Path, server: str) -> None:
    with pytest.raises(Misconfigured, match="name or a password") as refused:
        access(tmp_path, server)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["a: [", "a:\n\t- b", "[1, 2]", "text", "", "clusters: [5]", "clusters: {a: b}", "\0"])
def test_a_kubeconfig_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(Misconfigured, match="cannot read the access to the cluster"):
        find("kubeconfig", "", tmp_path)


def test_a_kubeconfig_that_is_half_written_when_a_token_was_refused_is_read_later(tmp_path: Path) -> None:
    made = access(tmp_path)
    (tmp_path / "kubeconfig").write_text("apiVersion: [")
    made._loaded -= 2
    assert made.token(refused=True) == "Bearer t"


@pytest.mark.parametrize("word", ["'false'", "'true'", "1", "no thanks"])
def test_certificates_are_left_unchecked_only_by_a_plain_true(tmp_path: Path, word: str) -> None:
    assert _unchecked(tmp_path, "true")
    assert not _unchecked(tmp_path, "false")
    with pytest.raises(Misconfigured, match="has to be true or false"):
        _unchecked(tmp_path, word)


def _unchecked(folder: Path, word: str) -> bool:
    access(folder)
    text = (folder / "kubeconfig").read_text().replace(":6443'", f":6443', insecure-skip-tls-verify: {word}")
    (folder / "kubeconfig").write_text(text)
    tls = find("kubeconfig", "", folder).tls
    assert tls is not None
    return tls.verify_mode is ssl.CERT_NONE and not tls.check_hostname


def _user(folder: Path, user: str) -> Access:
    access(folder)
    text = (folder / "kubeconfig").read_text().replace("{token: t}", user)
    (folder / "kubeconfig").write_text(text)
    return find("kubeconfig", "", folder)


def test_a_token_file_may_end_with_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert _user(tmp_path, "{tokenFile: token}").token() == "Bearer abc"


def test_who_is_known_by_a_certificate_sends_no_other_credential(tmp_path: Path) -> None:
    assert _user(tmp_path, "{}").token() == ""
    assert _user(tmp_path, "{username: u, password: p}").token() == "Basic dTpw"
