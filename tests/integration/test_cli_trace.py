"""From an object back to the commit, the people and the records that made it what it is; no target is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from installation import CHECKOUT, GOOD, Installation

from reconciler.cli import main


def asked(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    site.system.world.publish()
    assert main(["--home", str(site.home.root), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def said(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    site.system.world.publish()
    assert main(["--home", str(site.home.root), *arguments]) == 0
    return capsys.readouterr().out


def release(site: Installation) -> str:
    pushed = site.push({CHECKOUT: (GOOD, "1.4.3")}, "Release checkout 1.4.3")
    site.settle()
    return pushed


def test_an_object_leads_to_the_commit_that_changed_it_and_not_to_later_ones(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = release(site)
    site.push({CHECKOUT: ("kind: Service", "kind: Service  # a remark")})
    site.settle()
    found = asked(site, capsys, "trace", "Service/checkout")
    assert found["commit"]["id"] == pushed
    assert found["place"].startswith(f"{CHECKOUT}:")
    assert found["commit"]["admission"]["principal"] in ("", "ada")
    assert found["applied"]["revision"] == pushed
    assert found["last"]["result"] == {"id": "Service/checkout", "verb": "update", "ok": True, "reason": "applied", "detail": ""}


def test_the_same_is_said_in_words(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = release(site)
    text = said(site, capsys, "trace", "shop:service/checkout")
    assert text.startswith("Service/checkout of unit shop\n")
    assert f"put there by {pushed[:12]} by Ada <ada@example.org>: Release checkout 1.4.3" in text
    assert "updated Service/checkout   [record " in text


def test_a_repair_leads_to_its_incident_and_its_verdict(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    site.allow_everything("autonomous")
    site.settle()
    site.allow("rollback-release")
    site.settle()
    site.bad_release()
    site.until(lambda: bool(site.machine_commits()))
    site.settle()
    commit = asked(site, capsys, "trace", "Service/checkout")["commit"]
    assert commit["id"] == site.machine_commits()[0]
    assert commit["incident"].startswith("inc-")
    assert commit["merge"]["playbook"]
    assert commit["verdict"]["effect"] == "merge"


def test_an_object_that_a_commit_took_out_leads_to_that_commit(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    site.pull()
    site.git("rm", "-q", CHECKOUT)
    site.git("commit", "-qm", "No checkout any more")
    site.git("push", "-q")
    site.settle()
    found = asked(site, capsys, "trace", "Service/checkout")
    assert (found["declared"], found["place"]) == (False, "")
    assert found["commit"]["subject"] == "No checkout any more"
    assert found["last"]["result"]["verb"] == "prune"


def test_it_works_without_a_store(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = release(site)
    site.lose_store()
    assert asked(site, capsys, "trace", "Service/checkout")["commit"]["id"] == pushed


@pytest.mark.parametrize(
    ("named", "why"), [("checkout", "names no object"), ("Service/nothing", "no object Service/nothing was ever declared here")]
)
def test_what_names_no_object_is_refused(site: Installation, capsys: pytest.CaptureFixture[str], named: str, why: str) -> None:
    assert main(["--home", str(site.home.root), "trace", named]) == 1
    assert why in capsys.readouterr().err


def test_the_history_of_a_unit_says_when_who_what_and_how_it_went(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = release(site)
    newest = asked(site, capsys, "history", "shop")["applies"][0]
    assert (newest["revision"], newest["ok"], newest["subject"]) == (pushed, True, "Release checkout 1.4.3")
    assert [r["id"] for r in newest["results"]] == ["Service/checkout"]
    text = said(site, capsys, "history", "Service/checkout", "--limit", "1")
    assert f"shop on lab at {pushed[:12]}  ok  Release checkout 1.4.3" in text
    assert "    updated Service/checkout\n" in text


def test_the_history_of_an_unknown_unit_names_the_known_ones(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(site.home.root), "history", "shpo"]) == 1
    assert "applied were: " in capsys.readouterr().err
