"""What a kubeconfig says about the way to a cluster."""

from __future__ import annotations

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
