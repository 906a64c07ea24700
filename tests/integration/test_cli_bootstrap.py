"""`homeostat bootstrap` in a checkout: what it prints and writes, and what it refuses."""

import subprocess
from pathlib import Path

import pytest
import yaml

from reconciler.bootstrap.library import template
from reconciler.cli import main

INSTALLATION = """\
apiVersion: homeostat/v1
kind: Installation
metadata: {name: installation}
spec:
  repository: infra
  targets:
    - {name: prod, kind: kubernetes, settings: {namespace: healing}}
  units:
    - {name: shop, path: apps/shop, target: prod, apply: {serviceAccount: shop/deployer}}
    - {name: edge, path: apps/edge, target: prod}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {a: '1'}\n"
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    infra = tmp_path / "infra"
    policies = {path: data for path, data in template().items() if path.startswith("policies/")}
    files = {"homeostat.yaml": INSTALLATION.encode(), "apps/shop/a.yaml": CONFIG.encode(), **policies}
    files["apps/edge/b.yaml"] = CONFIG.replace("shop", "edge").encode()
    for path, data in files.items():
        (infra / path).parent.mkdir(parents=True, exist_ok=True)
        (infra / path).write_bytes(data)
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Begin")):
        subprocess.run([*GIT, "-C", str(infra), *arguments], check=True, capture_output=True)
    return infra


def test_it_prints_everything_that_homeostat_needs_in_the_cluster(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bootstrap", "--path", str(folder)]) == 0
    made = list(yaml.safe_load_all(capsys.readouterr().out))
    kinds = [m["kind"] for m in made]
    assert kinds[:5] == ["Namespace", "ServiceAccount", "PersistentVolumeClaim", "NetworkPolicy", "Deployment"]
    assert {(m["metadata"].get("namespace"), m["metadata"]["name"]) for m in made if m["kind"] == "Role"} == {
        ("healing", "homeostat"), ("shop", "homeostat"), ("shop", "homeostat-shop-deployer"), ("edge", "homeostat"),
    }  # fmt: skip


def test_one_unit_needs_no_rights_for_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bootstrap", "--path", str(folder), "--unit", "edge"]) == 0
    made = list(yaml.safe_load_all(capsys.readouterr().out))
    assert {m["metadata"].get("namespace") for m in made} == {None, "healing", "edge"}


def test_files_are_the_same_bytes_each_time_and_a_persons_edit_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "clusters" / "prod"
    command = ["bootstrap", "--path", str(folder), "--out", str(out)]
    assert main(command) == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert main(command) == 0
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    (out / "deployment_healing_homeostat.yaml").write_text("# mine\n")
    assert main(command) == 1
    assert "deployment_healing_homeostat.yaml" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--unit", "shpo"], "has no unit 'shpo'"), (["--namespace", "other"], "keeps its records in namespace healing"),
        (["--target", "dev"], "which cluster is meant"), (["--allow", "reboot"], "there is no act 'reboot'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_words(
    folder: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bootstrap", "--path", str(folder), *more]) == 1
    assert said in capsys.readouterr().err


def test_a_unit_that_does_not_render_gets_no_guess(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "apps/edge/c.yaml").write_text("a: [")
    assert main(["bootstrap", "--path", str(folder)]) == 78
    assert "unit edge does not render" in capsys.readouterr().err


def test_what_a_confined_unit_declares_outside_is_refused_in_a_checkout_already(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "apps/shop/c.yaml").write_text(CONFIG.replace("namespace: shop", "namespace: edge"))
    assert main(["plan", "--path", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "shop on prod: REFUSED (invalid) apps/shop/c.yaml:1:1: ConfigMap/edge/a is in namespace edge" in said
    assert "edge on prod: REFUSED" not in said
