"""Steps about what can be observed: in Git refs, in the signed log, in the lab, and on a person's pager."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from browser import said, served
from installation import Installation
from pytest_bdd import parsers, then

from reconciler.adapters.signing.keys import load_public
from reconciler.cli import main
from reconciler.replay import replay
from reconciler.settings import Home

MACHINE_REFS = ("refs/heads/homeostat/", "refs/homeostat/pr/")


# the lab


@then(parsers.re(r'checkout (runs release|still runs what the last good revision says, release) "(?P<release>[0-9.]+)"'))
def _(site: Installation, release: str) -> None:
    assert site.live("checkout", "release") == release


@then(parsers.parse("checkout has {count:d} replicas"))
def _(site: Installation, count: int) -> None:
    assert site.live("checkout", "replicas") == count
    assert f"replicas: {count}\n" in site.file("apps/shop/checkout.yaml")


# Git


@then("nothing of the machine is on main")
def _(site: Installation) -> None:
    assert site.machine_commits() == []
    assert site.payloads("merge") == []


@then("no branch or pull request of the machine exists")
def _(site: Installation) -> None:
    assert [ref for ref in site.refs() if ref.startswith(MACHINE_REFS)] == []


@then("the machine's repair is on main")
def _(site: Installation) -> None:
    assert site.payloads("merge")[0]["commit"] in site.machine_commits()


@then(parsers.parse('the newest commit on main is the machine\'s "{subject}"'))
def _(site: Installation, subject: str) -> None:
    assert site.subjects()[0] == subject
    assert site.machine_commits()[0] == site.head()


@then(parsers.re(r"there is (?P<count>\d+) machine commit on main"))
def _(site: Installation, count: str) -> None:
    assert len(site.machine_commits()) == int(count)
    assert len(site.payloads("merge")) == int(count)


@then(parsers.re(r"there is (?P<count>\d+) panic commit on main"))
def _(site: Installation, count: str) -> None:
    assert len([subject for subject in site.subjects() if subject.startswith("Panic:")]) == int(count)


@then("what Bob pushed is still there")
def _(site: Installation) -> None:
    assert "workers: 9" in site.file("apps/shop/cart.yaml")
    assert site.live("cart", "workers") == 9


@then("git itself verifies the newest commit")
def _(site: Installation, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f"homeostat@machine.invalid {load_public(site.home.key('author')).line}\n")
    command = ["git", "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", site.machine_commits()[0]]
    done = subprocess.run(command, cwd=site.home.repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# pull requests


@then("no pull request was ever opened")
def _(site: Installation) -> None:
    assert site.pulls() == []


@then("no pull request is open")
def _(site: Installation) -> None:
    assert site.pulls("open") == []


@then(parsers.re(r'pull request (?P<number>\d+) is merged by "(?P<who>\w+)"'))
def _(site: Installation, number: str, who: str) -> None:
    pull = site.system.world.forge.get(int(number))
    assert pull is not None
    assert (pull.state.value, pull.merged_by) == ("merged", who)
    assert pull.merged in site.machine_commits()


@then(parsers.parse("pull request {number:d} is closed"))
def _(site: Installation, number: int) -> None:
    assert [p.number for p in site.pulls("closed")] == [number]


@then(parsers.parse("pull request {number:d} is open and asks for fewer replicas than pull request {other:d}"))
def _(site: Installation, number: int, other: int) -> None:
    heads = {p.number: p.head for p in site.pulls()}
    assert [p.number for p in site.pulls("open")] == [number]
    assert _replicas(site, heads[number]) < _replicas(site, heads[other])


def _replicas(site: Installation, commit: str) -> int:
    line = next(row for row in site.file("apps/shop/checkout.yaml", commit).splitlines() if "replicas:" in row)
    return int(line.split(":")[1].split("#")[0])


@then(parsers.parse("pull request {number:d} is open"))
def _(site: Installation, number: int) -> None:
    assert number in [pull.number for pull in site.pulls("open")]


@then(parsers.parse('pull request {number:d} waits because of "{reason}"'))
def _(site: Installation, number: int, reason: str) -> None:
    pull = site.system.world.forge.get(number)
    assert pull is not None
    assert (pull.state.value, pull.effect, pull.reason) == ("open", "wait", reason)


# people


@then("a person was paged that a pull request waits")
def _(site: Installation) -> None:
    assert [p["key"] for p in site.pages()] == ["review/1"]


@then(parsers.parse('a person was paged about "{reason}"'))
def _(site: Installation, reason: str) -> None:
    assert any(page["key"].endswith(f"/{reason}") for page in site.pages()), site.pages()


@then("nobody was paged")
def _(site: Installation) -> None:
    assert site.pages() == []


@then(parsers.parse('its case says "{text}"'))
def _(site: Installation, text: str) -> None:
    (case,) = site.system.world.store.cases(open_only=True)
    assert text in case.detail


@then(parsers.parse('a person was paged that "{who}" rejected it and until when that stands'))
def _(site: Installation, who: str) -> None:
    text = site.pages()[-1]["text"]
    assert re.search(rf"{who} rejected it at \S+Z \(pull request 1\); it is not proposed again before \S+Z", text), text


@then("another incident of it is over")
def _(site: Installation) -> None:
    assert len({one.record.incident for one in site.records("closed")}) > 1, site.story()


@then("the file and line of the mistake are told to a person")
def _(site: Installation) -> None:
    told = json.dumps(site.pages())
    assert "policies/limits.yaml:" in told
    assert "minRatoi" in told
    assert "minRatio" in told  # the nearest key that exists


# incidents


@then("there is no incident")
def _(site: Installation) -> None:
    assert site.cases() == []
    assert site.payloads("incident") == []


@then(parsers.re(r"there (is|are) (?P<count>\d+) incidents?"))
def _(site: Installation, count: str) -> None:
    assert len(site.payloads("incident")) == int(count)


@then("the incident names the alert")
def _(site: Installation) -> None:
    (incident,) = site.payloads("incident")
    assert [s["name"] for s in incident["incident"]["signals"]] == ["TooManyErrors"]


@then(parsers.parse('the incident names the objective "{name}"'))
def _(site: Installation, name: str) -> None:
    (incident,) = site.payloads("incident")
    assert {s["source"] for s in incident["incident"]["signals"]} == {f"objective/{name}"}


@then(parsers.re(r"(?P<share>the whole|not the whole) error budget of checkout is left"))
def _(site: Installation, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--home", str(site.home.root), "--json", "status"])
    (budget,) = json.loads(capsys.readouterr().out)["objectives"]
    assert budget["component"] == "checkout"
    assert (float(budget["left"]) > 0.99) is (share == "the whole")


@then("status and page say where the promise stands and what stands out")
def _(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--home", str(site.home.root), "status"])
    told = capsys.readouterr().out
    assert "% of the budget left" in told
    assert "stands out\n" in told
    with served(site) as door:
        page = said(door.browser().login().get("/"))
    assert "checkout-requests fast" in page
    assert "times as promised" in page
    assert "Stands out now" in page


@then(parsers.parse('the incident ended as "{reason}"'))
def _(site: Installation, reason: str) -> None:
    assert [closed["reason"] for closed in site.payloads("closed")] == [reason]


@then(parsers.parse("the delivery is answered with {status:d}"))
def _(answers: list[int], status: int) -> None:
    assert answers == [status]


@then("no signal is stored")
def _(site: Installation) -> None:
    assert list(site.system.store.pending_signals()) == []
    assert site.cases() == []


# the log


@then(parsers.parse("the log holds, in this order: {kinds}"))
def _(site: Installation, kinds: str) -> None:
    left = iter(site.kinds())
    assert all(kind in left for kind in kinds.split(", ")), site.kinds()


@then(parsers.parse('the log says that the guard "{guard}" refused'))
def _(site: Installation, guard: str) -> None:
    assert guard in {p["reason"] for p in site.payloads("proposal") if p["effect"] == "deny"}


@then("the revert is admitted and applied")
def _(site: Installation) -> None:
    revert = site.head()
    assert revert in {a["commit"] for a in site.payloads("admission")}
    assert revert in {a["revision"] for a in site.payloads("apply") if a["unit"] == "shop"}


@then(parsers.parse('a hold keeps the machine away from "{path}"'))
def _(site: Installation, path: str) -> None:
    assert [(h["scope"], h["owner"]) for h in site.payloads("hold")] == [(path, "ada@example.org")]


@then("the machine has not done it again")
def _(site: Installation) -> None:
    assert len(site.payloads("merge")) == 1
    assert len(site.machine_commits()) == 1
    assert site.pulls("open") == []


@then("the machine has done nothing since")
def _(site: Installation) -> None:
    assert site.head() == site.payloads("panic")[0]["commit"]
    assert site.payloads("merge")[-1]["commit"] == site.head()


@then(parsers.parse('a brake of "{owner}" is on'))
def _(site: Installation, owner: str) -> None:
    assert [(b["owner"], b["on"]) for b in site.payloads("brake")] == [(owner, True)]


@then("the log proves itself")
def _(site: Installation) -> None:
    site.system.world.publish()
    assert audit_verify(site.home, site.home.repository) == 0


@then("the copy does not prove itself")
def _(site: Installation, copied: Path) -> None:
    assert audit_verify(site.home, copied) == 65


def audit_verify(home: Home, repository: Path) -> int:
    """The command as a person runs it."""
    return main(["--home", str(home.root), "audit", "verify", "--repository", str(repository)])


@then("judging the incident again gives the same verdicts, byte for byte")
def _(site: Installation) -> None:
    (merge,) = site.records("merge")
    again = replay(site.system.world.repo, site.system.world.log, merge.record.incident)
    assert again
    assert all(verdict.same for verdict in again), again
