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


def operation(folder: Path, name: str, unit: str = "shop", action: str = "restart", expires: int = 2_000_000_000_000) -> None:
    (folder / "operations").mkdir(exist_ok=True)
    spec = f"  action: {action}\n  unit: {unit}\n  component: checkout\n  expiresMs: {expires}\n"
    head = f"apiVersion: homeostat/v1\nkind: Operation\nmetadata:\n  name: {name}\nspec:\n"
    (folder / f"operations/{name}.yaml").write_text(head + spec)


@pytest.mark.parametrize("verb", [["policy", "check"], ["plan"]])
def test_operations_that_are_new_are_checked_against_the_installation_and_the_time(
    folder: Path, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    operation(folder, "good-one")
    assert main([*verb, "--path", str(folder)]) == 0
    operation(folder, "no-unit", unit="shoop")
    operation(folder, "no-act", action="fly")
    operation(folder, "too-late", expires=5)
    (folder / "operations/good-one.yaml").rename(folder / "operations/other-name.yaml")
    capsys.readouterr()
    assert main(["--json", *verb, "--path", str(folder)]) == 1
    told = {p["where"]: (p["message"], p["next_step"]) for p in json.loads(capsys.readouterr().out)["problems"]}
    assert told == {
        "operations/no-act.yaml:6:11": ("the target of unit shop cannot do fly", "it can do clear-queue, restart"),
        "operations/no-unit.yaml:7:9": ("there is no unit shoop", "units are: data, edge, payments, platform, shop"),
        "operations/other-name.yaml:4:9": (
            "the name is 'good-one', the file's is 'other-name'; they have to agree", "name it other-name",
        ),
        "operations/too-late.yaml:9:14": ("it has expired and would not run", "give a time to come, in ms"),
    }  # fmt: skip


def test_operations_of_earlier_revisions_may_have_expired_and_must_not_be_edited(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operation(folder, "old", unit="gone", expires=5)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "An Operation")
    assert main(["policy", "check", "--path", str(folder)]) == 1  # it is new since HEAD~1
    assert main(["policy", "check", "--path", str(folder), "--base", "HEAD"]) == 0
    operation(folder, "old", unit="shop")
    capsys.readouterr()
    assert main(["policy", "check", "--path", str(folder)]) == 1
    assert "operations/old.yaml:1:1: it was edited; an Operation runs at most once" in capsys.readouterr().out


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
    said = capsys.readouterr().out
    assert "against nothing" in said
    assert "units" in said.splitlines()[-1]


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
