"""Verbs about a living installation: a rewritten branch accepted, a repair explained, a hostile text shown."""

import json
from pathlib import Path

import pytest
from installation import CHECKOUT, Installation

from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.signing.keys import generate_key
from reconciler.cli import main
from reconciler.ports.repo import Identity, RefMove
from reconciler.steps.world import World

MALLORY = Identity("mallory", "mallory@example.org")


def run(site: Installation, *arguments: str) -> int:
    return main(["--home", str(site.home.root), *arguments])


def rewrite(site: Installation, files: dict[str, bytes]) -> str:
    """The protected branch becomes another history, as whoever has the disk could make it."""
    world: World = site.system.world
    before = site.head()
    made = world.repo.write("", {**everything(world, before), **files}, "Another history\n", MALLORY, world.clock.now(), None)
    assert world.repo.move([RefMove(world.ref, before, made)])
    return made


def everything(world: World, commit: str) -> dict[str, bytes]:
    return {path: world.repo.blob(blob) for path, blob in world.repo.files(commit).items()}


def test_a_rewritten_branch_waits_in_status_and_is_followed_once_accepted(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rewrite(site, {CHECKOUT: site.file(CHECKOUT).replace("replicas: 3", "replicas: 4").encode()})
    site.settle()
    site.system.world.publish()
    assert run(site, "--json", "status") == 0
    waiting = json.loads(capsys.readouterr().out)["waiting"]
    assert ["--accept" in one["text"] for one in waiting if one["about"] == "branch"] == [True]
    assert run(site, "reconcile") == 1
    assert site.live("checkout", "replicas") == 3
    capsys.readouterr()
    lab = site.home.settings.read_text().replace("port: 0", f"port: {site.lab_url.rsplit(':', 1)[1]}")
    site.home.settings.write_text(lab)
    assert run(site, "reconcile", "--accept", made[:12]) == 0
    assert site.live("checkout", "replicas") == 4
    assert [r.subject for r in (e.record for e in site.records("configured")) if "accepted/" in r.key] == [made]


def test_whoever_rewrites_the_branch_cannot_accept_it_by_its_own_trust(
    site: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = generate_key(tmp_path / "mallory.key", "owner")
    own = site.file("policies/trust.yaml").replace(
        "  principals:\n",
        f"  principals:\n    - name: mallory\n      keys:\n        - public: {key.line}\n"
        "      roles: [approve, merge, policy, operate]\n",
    )
    made = rewrite(site, {"policies/trust.yaml": own.encode()})
    site.settle()
    assert FileSigner(tmp_path / "mallory.key", "person").public == key.raw
    assert run(site, "reconcile", "--accept", made, "--as", "mallory", "--key", str(tmp_path / "mallory.key")) == 1
    assert "is not one of 'mallory' in Trust" in capsys.readouterr().err
    assert not [e for e in site.records("configured") if "accepted/" in e.record.key]


def test_only_exactly_the_present_tip_is_accepted(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(site, {"README.md": b"other\n"})
    site.settle()
    assert run(site, "reconcile", "--accept", "f" * 40) == 1
    assert "not at" in capsys.readouterr().err


def test_there_is_nothing_to_accept_on_a_branch_that_was_not_rewritten(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, "reconcile", "--accept", site.head()) == 1
    assert "nothing to accept" in capsys.readouterr().err


def test_a_repair_is_listed_explained_and_reviewed_by_its_number(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    site.allow("rollback-release", "review")
    site.settle()
    site.bad_release()
    site.until(lambda: any(p.effect == "review" for p in site.pulls("open")))
    site.system.world.publish()
    assert run(site, "status") == 0
    assert "homeostat pr show 1" in capsys.readouterr().out
    assert run(site, "--json", "policy", "explain", "1") == 0
    judges = {d["judge"]: d["effect"] for d in json.loads(capsys.readouterr().out)["decisions"]}
    assert judges == {"policy": "review", "consensus": "merge"}
    assert run(site, "why", "1") == 0
    told = capsys.readouterr().out
    assert "MISSING  autonomy" in told
    assert "latency_p99 of checkout went from" in told
    assert run(site, "pr", "approve", "1", "--text", "fine \x1b[2J") == 0
    capsys.readouterr()
    assert run(site, "pr", "show", "1") == 0
    shown = capsys.readouterr().out
    assert "ada approve" in shown
    assert "\x1b" not in shown
