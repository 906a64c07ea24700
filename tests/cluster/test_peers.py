"""`.ci/peers/build`: which programs it knows, where they are, and what it says when they are not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from peers import BUILD, peers

PROGRAMS = [
    ("age", ["age", "--version"], "v1.3.2"),
    ("age", ["age-keygen", "--version"], "v1.3.2"),
    ("cosign", ["cosign", "version"], "v3.1.1"),
    ("etcd", ["etcd", "--version"], "3.7.3"),
    ("flux", ["kustomize-controller", "--help"], "--watch-all-namespaces"),
    ("helm", ["helm", "version"], "v4.3.1"),
    ("kubernetes", ["kube-apiserver", "--version"], "v1.36.3"),
    ("kubernetes", ["kube-controller-manager", "--version"], "v1.36.3"),
    ("kubernetes", ["kube-scheduler", "--version"], "v1.36.3"),
    ("kustomize", ["kustomize", "version"], "v5.8.1"),
    ("kwok", ["kwok", "--version"], "v0.8.0"),
    ("prometheus", ["prometheus", "--version"], "version 3.13.5"),
    ("sops", ["sops", "--version", "--disable-version-check"], "3.13.3"),
]


def build(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUILD, *words], capture_output=True, text=True, check=False, env={**os.environ, **environment})


@pytest.mark.peer
@pytest.mark.parametrize(("wrapper", "words", "version"), PROGRAMS, ids=[words[0] for _, words, _ in PROGRAMS])
def test_a_built_program_runs_at_its_pinned_version(wrapper: str, words: list[str], version: str, tmp_path: Path) -> None:
    program, *rest = words
    ran = subprocess.run(
        [peers(wrapper) / program, *rest], capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}
    )
    assert version in ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stderr


@pytest.mark.peer
@pytest.mark.parametrize(
    ("wrapper", "file"),
    [
        ("kwok", "stages/pod/chaos"),
        ("flux", "crds"),
        ("flux-sources", "crds"),
        ("argocd-cases", "resource_customizations/cert-manager.io/Certificate"),
    ],
)
def test_what_a_program_needs_lies_beside_it(wrapper: str, file: str) -> None:
    assert list((peers(wrapper) / file).glob("*.yaml"))


def test_what_is_not_built_is_said_and_not_built(tmp_path: Path) -> None:
    asked = build("--where", "etcd", HOMEOSTAT_PEERS=str(tmp_path))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "run make peers" in asked.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_peer_is_refused_with_the_known_ones() -> None:
    asked = build("--where", "kubelet")
    assert asked.returncode == 1
    assert "no peer is called kubelet; there are: cluster renderers rivals age argocd-cases cosign" in asked.stderr
