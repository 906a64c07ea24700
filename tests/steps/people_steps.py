"""Steps in which somebody does something: reviews, pushes, reverts, panics, delivers an alert, tampers with a copy."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pygit2
import pytest
from installation import Installation
from pytest_bdd import parsers, step, then

from reconciler.bootstrap.web import make_app
from reconciler.errors import Permanent

CART = "apps/shop/cart.yaml"
LIMITS = "policies/limits.yaml"
TYPO = ("minRatio: 0.5  # never", "minRatoi: 0.5  # never")


@step(parsers.re(r"Ada (?P<choice>approve|reject)s pull request (?P<number>\d+)"))
def _(site: Installation, choice: str, number: str) -> None:
    site.review(int(number), choice)
    site.settle()


@then("Ada cannot approve pull request 1 as she saw it before")
def _(site: Installation) -> None:
    seen = site.records("proposal")[0].record.subject
    assert site.pulls()[0].head != seen
    with pytest.raises(Permanent, match="now, not at"):
        site.review(1, head=seen)
    site.settle()


@step("Bob edits cart, in the same unit, and pushes")
def _(site: Installation) -> None:
    site.push({CART: ("workers: 3 ", "workers: 9 ")}, "More workers for cart")
    site.settle()


@step("Ada breaks the limits file and pushes")
def _(site: Installation) -> None:
    site.push({LIMITS: TYPO}, "Tune the limits")
    site.settle()


@step("Ada repairs the limits file and pushes")
def _(site: Installation) -> None:
    site.push({LIMITS: (TYPO[1], TYPO[0])}, "Spell it right")
    site.settle()


@step("Ada runs git revert on the machine's commit and pushes")
def _(site: Installation) -> None:
    site.git_revert(site.machine_commits()[0])
    site.settle()


@step("Ada runs git revert on her own revert and pushes")
def _(site: Installation) -> None:
    site.git_revert(site.head())
    site.settle()


@step(parsers.parse("Ada panics about the last {minutes:d} minutes"))
def _(site: Installation, minutes: int) -> None:
    site.panic(minutes * 60)
    site.settle()


# alerting

AGO = {"six hours": 6 * 3_600, "54 minutes": 54 * 60, "20 minutes": 20 * 60}


def alert(site: Installation, component: str, began_s: int = 60) -> bytes:
    """What Alertmanager posts."""
    began = datetime.fromtimestamp(site.clock.now() / 1_000 - began_s, UTC).isoformat().replace("+00:00", "Z")
    labels = {"alertname": "TooManyErrors", "service": component, "severity": "critical"}
    one = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": began, "endsAt": "0001-01-01T00:00:00Z"}
    body = {"version": "4", "groupKey": "{}:{}", "receiver": "homeostat", "status": "firing", "alerts": [one]}
    return json.dumps(body).encode()


@pytest.fixture
def answers() -> list[int]:
    """The status of each delivery."""
    return []


@pytest.fixture
def delivered() -> list[tuple[bytes, dict[str, str]]]:
    return []


def deliver(site: Installation, body: bytes, headers: dict[str, str], times: int = 1) -> list[int]:
    """Through the whole application that `homeostat up` serves; the status of each delivery."""

    async def post() -> list[int]:
        transport = httpx.ASGITransport(make_app(site.system, lambda: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [
                (await client.post("/webhooks/alertmanager", content=body, headers=headers)).status_code for _ in range(times)
            ]

    return asyncio.run(post())


@step(parsers.re(r'Alertmanager delivers a signed alert about "(?P<component>\w+)"( that began (?P<ago>[a-z0-9 ]+) ago)?'))
def _(
    site: Installation, component: str, ago: str | None, answers: list[int], delivered: list[tuple[bytes, dict[str, str]]]
) -> None:
    body = alert(site, component, AGO[ago] if ago else 60)
    delivered.append((body, site.signed(body)))
    answers += deliver(site, *delivered[-1])
    site.settle()


@step("Alertmanager delivers that alert again, since it fires still")
def _(site: Installation, answers: list[int], delivered: list[tuple[bytes, dict[str, str]]]) -> None:
    raw, _ = delivered[-1]
    answers += deliver(site, raw, site.signed(raw))
    site.settle()


@step("Alertmanager delivers the end of that alert")
def _(site: Installation, answers: list[int], delivered: list[tuple[bytes, dict[str, str]]]) -> None:
    body = json.loads(delivered[-1][0])
    (one,) = body["alerts"]
    began = datetime.fromisoformat(one["startsAt"])
    ended = datetime.fromtimestamp(site.clock.now() / 1_000, UTC)
    assert began < ended
    one |= {"status": "resolved", "endsAt": ended.isoformat().replace("+00:00", "Z")}
    raw = json.dumps({**body, "status": "resolved"}).encode()
    answers += deliver(site, raw, site.signed(raw))
    site.settle()


@step(parsers.re(r'somebody delivers an unsigned alert about "(?P<component>\w+)"'))
def _(site: Installation, component: str, answers: list[int]) -> None:
    answers += deliver(site, alert(site, component), {})


@step(parsers.re(r'somebody delivers an alert about "(?P<component>\w+)" signed with another secret'))
def _(site: Installation, component: str, answers: list[int]) -> None:
    body = alert(site, component)
    forged = site.signed(body + b" ")  # right for other bytes, wrong for these
    answers += deliver(site, body, forged)


@step(parsers.parse("the very same delivery comes {count:d} times more"))
def _(site: Installation, count: int, answers: list[int], delivered: list[tuple[bytes, dict[str, str]]]) -> None:
    answers += deliver(site, *delivered[-1], times=count)
    site.settle()


# somebody with access to the files


@pytest.fixture
def copied(site: Installation, tmp_path: Path) -> Path:
    """A copy of the repository, published up to now."""
    site.system.world.publish()
    shutil.copytree(site.home.repository, tmp_path / "copy.git")
    return tmp_path / "copy.git"


@step("somebody flips one byte of a payload in a copy of the repository")
def _(copied: Path) -> None:
    repo = pygit2.Repository(str(copied))
    name = next(ref for ref in repo.references if ref.startswith("refs/homeostat/payloads/"))
    entry = repo.revparse_single(f"{name}^{{tree}}")
    while isinstance(entry, pygit2.Tree):
        entry = entry[0]
    file = copied / "objects" / str(entry.id)[:2] / str(entry.id)[2:]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(data))


@step("somebody rolls the log back in a copy of the repository")
def _(copied: Path) -> None:
    repo = pygit2.Repository(str(copied))
    tip = repo.references["refs/homeostat/log"]
    tip.set_target(repo[tip.target].parents[0].id)


@step("somebody commits in the machine's name in a copy of the repository")
def _(copied: Path) -> None:
    repo = pygit2.Repository(str(copied))
    head = repo.references["refs/heads/main"].target
    name = pygit2.Signature("Homeostat", "homeostat@machine.invalid")
    repo.create_commit("refs/heads/main", name, name, "checkout: release 1.4.2 -> 1.5.0\n", repo[head].tree_id, [head])
