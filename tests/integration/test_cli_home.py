"""Verbs on a real home that nobody runs: reading, copying, restoring."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.bootstrap.create import Request, create
from reconciler.cli import main
from reconciler.model.home import Home
from reconciler.ports.repo import RefMove

HEAVY = ("httpx", "numpy", "sqlmodel", "sqlalchemy", "fastapi", "pydantic", "uvicorn")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home") / "h"
    create(Home(root), Request(owner="ada", email="ada@example.org", port=0, lab_port=0))
    return root


def run(home: Path, *arguments: str) -> int:
    return main(["--home", str(home), *arguments])


@pytest.mark.parametrize(
    "verb",
    ["status", "pr list", "brake list", "audit log", "why 0000", "audit show 0", "history shop", "panic --since 5m --dry-run"],
)
def test_verbs_that_only_look_load_no_documents_targets_or_frameworks(made: Path, verb: str) -> None:
    found = f"[m for m in {HEAVY} if m in sys.modules]"
    code = f"import sys; from reconciler.cli import main; main(sys.argv[1:]); print({found}, file=sys.stderr)"
    command = [sys.executable, "-c", code, "--home", str(made), *verb.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


NEVER = (
    *(name for name in HEAVY if name != "pydantic"),
    "aiohappyeyeballs",
    "orjson",
    "cel_expr_python",
    "google.protobuf",
    "reconciler.adapters.telemetry",
    "reconciler.converge.units",
    "reconciler.documents.installation",
    "reconciler.documents.playbook",
    "reconciler.health",
    "reconciler.policy",
    "reconciler.proposals",
    "reconciler.settings",
    "reconciler.signals",
    "reconciler.steps.world",
)


@pytest.mark.parametrize("verb", ["brake on --reason x --for 1h", "panic --since 5m"])
def test_verbs_that_stop_the_machine_wait_for_nothing_that_they_do_not_need(made: Path, tmp_path: Path, verb: str) -> None:
    """Somebody is in a hurry: of all documents only Trust is read, no target or telemetry is opened, and no model is built that
    nothing is read into.
    """
    found = f"[m for m in {NEVER} if m in sys.modules]"
    idle = "[m.__name__ for m in (reconciler.documents.playbook_cases.PlaybookCases,) if m.__pydantic_complete__]"
    code = (
        "import sys; from reconciler.cli import main; main(sys.argv[1:]); import reconciler.documents.playbook_cases; "
        f"print({found} + {idle}, file=sys.stderr)"
    )
    home = shutil.copytree(made, tmp_path / "h")
    command = [sys.executable, "-c", code, "--home", str(home), *verb.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


def test_status_has_the_same_keys_whatever_there_is(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(made, "--json", "status") == 0
    assert set(json.loads(capsys.readouterr().out)) == {
        "home", "repository", "branch", "head", "applied", "running", "clock_ms", "waiting", "cases", "pull_requests", "brakes",
        "ended", "holds", "operations", "units", "health", "foresight", "objectives", "attention", "alarms", "maintenance",
        "repairs", "records", "store",
    }  # fmt: skip


@pytest.mark.parametrize("written", ["clock:\n  mode: stepped\n", "clock: {mode: 'stepped'}  # for the demo\n"])
def test_who_only_looks_goes_by_the_clock_of_the_settings(
    made: Path, tmp_path: Path, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(shutil.copytree(made, tmp_path / "h"))
    (home / "settings.yaml").write_text(written)
    (home / "clock").write_text("4242")
    assert run(home, "--json", "status") == 0
    assert json.loads(capsys.readouterr().out)["clock_ms"] == 4242


def test_a_mistake_in_the_settings_keeps_nobody_from_the_brake_and_moves_no_clock(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(shutil.copytree(made, tmp_path / "h"))
    (home / "settings.yaml").write_text("web: {port: many}\nclock: {mode: stepped}\n")
    (home / "clock").write_text("4242")
    assert run(home, "--json", "brake", "on", "--reason", "x", "--for", "1h") == 0
    assert json.loads(capsys.readouterr().out)["until_ms"] == 4242 + 3_600_000


def test_status_works_without_a_store_and_says_so(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Path(shutil.copytree(made, tmp_path / "h"))
    for file in home.glob("state.db*"):
        file.unlink()
    assert run(home, "status") == 0
    assert "there is no store" in capsys.readouterr().out
    assert not (home / "state.db").exists()


def test_status_works_with_a_damaged_store(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Path(shutil.copytree(made, tmp_path / "h"))
    (home / "state.db").write_bytes(b"no database" * 100)
    assert run(home, "status") == 0
    assert "the store is damaged" in capsys.readouterr().out


def test_why_tells_a_commit_by_its_beginning_with_its_record(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = PygitRepo(made / "infra.git").ref("refs/heads/main") or ""
    assert run(made, "why", head[:8]) == 0
    out = capsys.readouterr().out
    assert f"commit {head[:12]}" in out
    assert "[record 0]" in out


@pytest.mark.parametrize("subject", ["999", "inc-nothing", "ffff1111", "\x1b[2J"])
def test_why_about_nothing_known_says_where_to_look(made: Path, subject: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(made, "why", subject) == 1
    err = capsys.readouterr().err
    assert "homeostat" in err
    assert "\x1b" not in err


def test_a_home_that_is_not_there_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", "status") == 78
    assert "homeostat init" in capsys.readouterr().err


def test_a_backup_holds_no_private_key_unless_asked(made: Path, tmp_path: Path) -> None:
    assert run(made, "backup", str(tmp_path / "b")) == 0
    names = {p.name for p in (tmp_path / "b").rglob("*")}
    assert "owner.key.pub" in names
    assert not {name for name in names if name.endswith(".key") or name == "webhook"}


def test_a_backup_with_keys_is_restored_with_the_brake_on_and_a_new_epoch(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(made, "backup", str(tmp_path / "b"), "--with-keys") == 0
    assert run(tmp_path / "new", "restore", str(tmp_path / "b")) == 0
    capsys.readouterr()
    assert run(tmp_path / "new", "--json", "status") == 0
    seen = json.loads(capsys.readouterr().out)
    assert [(b["owner"], b["on"]) for b in seen["brakes"]] == [("ada", True)]
    assert json.loads((tmp_path / "new/checkpoint").read_text())["epoch"] == 1
    assert run(tmp_path / "new", "audit", "verify") == 0
    refs = dict(PygitRepo(made / "infra.git").refs("refs/"))
    assert refs.keys() == dict(PygitRepo(tmp_path / "new/infra.git").refs("refs/")).keys()


def test_restored_keys_are_readable_by_their_owner_alone(made: Path, tmp_path: Path) -> None:
    run(made, "backup", str(tmp_path / "b"), "--with-keys")
    run(tmp_path / "new", "restore", str(tmp_path / "b"))
    private = [*(tmp_path / "new/keys").glob("*.key"), tmp_path / "new/secrets/webhook", *(tmp_path / "b/keys").glob("*.key")]
    assert len(private) == 11
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_a_restored_repository_does_not_remember_the_backup_as_its_origin(made: Path, tmp_path: Path) -> None:
    run(made, "backup", str(tmp_path / "b"), "--with-keys")
    run(tmp_path / "new", "restore", str(tmp_path / "b"))
    assert "remote" not in (tmp_path / "new/infra.git/config").read_text()


def test_a_backup_without_keys_needs_them_and_takes_only_the_right_ones(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(made, "backup", str(tmp_path / "b"))
    assert run(tmp_path / "new", "restore", str(tmp_path / "b")) == 78
    assert "--keys" in capsys.readouterr().err
    others = Path(shutil.copytree(made / "keys", tmp_path / "others"))
    shutil.copy(others / "log.key", others / "judge.key")
    assert run(tmp_path / "new", "restore", str(tmp_path / "b"), "--keys", str(others)) == 78
    assert "not the judge key" in capsys.readouterr().err
    assert run(tmp_path / "new", "restore", str(tmp_path / "b"), "--keys", str(made / "keys")) == 0


def test_a_backup_whose_log_was_cut_is_refused_and_leaves_nothing(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(made, "backup", str(tmp_path / "b"), "--with-keys")
    repo = PygitRepo(tmp_path / "b/infra.git")
    log = repo.ref("refs/homeostat/log") or ""
    assert repo.move([RefMove("refs/homeostat/log", log, "")])
    assert run(tmp_path / "new", "restore", str(tmp_path / "b")) == 65
    assert "rolled back" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b"]


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_neither_direction_writes_over_anything(
    made: Path, tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    run(made, "backup", str(tmp_path / "b"), "--with-keys")
    call = (made, "backup", str(tmp_path / "full")) if verb == "backup" else (tmp_path / "full", "restore", str(tmp_path / "b"))
    assert run(*call) == 78
    assert (tmp_path / "full/file").read_text() == "mine"


def test_migrating_twice_changes_nothing(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run(made, "migrate"), run(made, "migrate")] == [0, 0]
    assert "already" in capsys.readouterr().out


def test_maintaining_packs_every_object_and_deletes_none(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git = ("git", "-C", str(made / "infra.git"))
    before = subprocess.run([*git, "rev-list", "--all", "--objects"], check=True, capture_output=True).stdout
    assert run(made, "--json", "maintain") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["after"] < said["before"]
    counted = subprocess.run([*git, "count-objects", "-v"], check=True, capture_output=True, text=True).stdout
    assert {"count: 0", "packs: 1"} <= set(counted.splitlines())
    assert subprocess.run([*git, "rev-list", "--all", "--objects"], check=True, capture_output=True).stdout == before
    assert run(made, "audit", "verify") == 0


def test_a_login_link_is_for_somebody_in_trust(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(made, "--json", "login") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["principal"] == "ada"
    assert "/login?token=" in said["link"]
    assert run(made, "login", "--as", "mallory") == 1
