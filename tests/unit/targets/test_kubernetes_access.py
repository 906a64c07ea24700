"""What a kubeconfig says about the way to a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.targets.kubernetes.access import Access, find
from reconciler.errors import Misconfigured


def access(folder: Path, **cluster: str) -> Access:
    words = "".join(f", {key}: {value!r}" for key, value in cluster.items())
    (folder / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f"clusters: [{{name: c, cluster: {{server: 'https://api.example:6443'{words}}}}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    return find("kubeconfig", "", folder)


def test_a_proxy_is_taken_from_the_kubeconfig(tmp_path: Path) -> None:
    assert access(tmp_path, **{"proxy-url": "http://proxy:3128"}).proxy == "http://proxy:3128"
    assert access(tmp_path).proxy is None


@pytest.mark.parametrize("url", ["https://proxy:3128", "socks5://proxy:1080", "proxy:3128"])
def test_a_proxy_that_we_cannot_speak_to_is_refused_with_a_way_out(tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured, match="not spoken to over http") as refused:
        access(tmp_path, **{"proxy-url": url})
    assert "http://" in refused.value.next_step
