"""Verbs that work in a checkout without a home, as CI runs them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.bootstrap.library import template
from reconciler.cli import main

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
CHECKOUT = "apps/shop/checkout.yaml"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run([*GIT, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout") / "infra"
    for path, data in template().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git(folder.parent, "init", "-q", "-b", "main", str(folder))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Begin")
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "infra", symlinks=True))


def edit(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("verb", [["policy", "check"], ["policy", "test"], ["playbook", "test"], ["playbook", "list"]])
def test_the_template_passes_its_own_checks(folder: Path, verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb, "--path", str(folder)]) == 0
    assert capsys.readouterr().err == ""


def test_policy_check_tells_all_problems_at_once_with_their_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "policies/budgets.yaml", "spec:", "spec:\n  tyop: 1")
    edit(folder, "policies/quorum.yaml", "spec:", "spec:\n  tyop: 1")
    assert main(["--json", "policy", "check", "--path", str(folder)]) == 1
    places = [p["where"] for p in json.loads(capsys.readouterr().out)["problems"]]
    assert {place.split(":")[0] for place in places} == {"policies/budgets.yaml", "policies/quorum.yaml"}


def test_a_case_that_does_not_hold_fails_the_test_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "playbooks/scale-out.cases.yaml", "replicas: 5", "replicas: 6")
    assert main(["playbook", "test", "--path", str(folder)]) == 1
    assert "FAIL  playbooks/scale-out.cases.yaml:" in capsys.readouterr().out


def test_a_playbook_without_cases_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "playbooks/restart.cases.yaml").unlink()
    assert main(["playbook", "test", "--path", str(folder)]) == 1
    assert "has no cases" in capsys.readouterr().out


def test_a_plan_shows_the_fields_of_an_uncommitted_edit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, CHECKOUT, "replicas: 3", "replicas: 4")
    assert main(["--json", "plan", "--path", str(folder)]) == 0
    steps = [s for unit in json.loads(capsys.readouterr().out)["units"] for s in unit["steps"]]
    assert [(s["verb"], s["id"], s["fields"]) for s in steps] == [("update", "Service/checkout", [["replicas", "3", "4"]])]


def test_a_plan_of_a_clean_checkout_is_about_its_last_commit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, CHECKOUT, "replicas: 3", "replicas: 4")
    git(folder, "commit", "-qam", "More")
    assert main(["plan", "--path", str(folder)]) == 0
    assert "replicas  3 -> 4" in capsys.readouterr().out


def test_a_first_commit_is_compared_with_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--path", str(folder)]) == 0
    assert "against nothing" in capsys.readouterr().out


def test_a_plan_refuses_what_converge_would_refuse(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "apps/payments")
    assert main(["--json", "plan", "--path", str(folder)]) == 1
    refused = [(u["unit"], u["reason"]) for u in json.loads(capsys.readouterr().out)["units"] if not u["ok"]]
    assert ("payments", "empty-result") in refused


def test_a_manifest_that_does_not_parse_is_told_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, CHECKOUT, "replicas: 3", "replicas: 3\n  replicas: 4")
    assert main(["plan", "--path", str(folder)]) == 1
    assert f"{CHECKOUT}:" in capsys.readouterr().out


def test_a_plan_leaves_the_folder_as_it_was(folder: Path) -> None:
    edit(folder, CHECKOUT, "replicas: 3", "replicas: 4")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "index"}
    main(["plan", "--path", str(folder)])
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "index"} == before


def test_a_link_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "apps/shop/stolen.yaml").symlink_to("/etc/passwd")
    assert main(["plan", "--path", str(folder)]) == 1
    assert "is a link" in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "--path", str(tmp_path)]) == 78
    assert "--path" in capsys.readouterr().err
