"""Bad documents on the protected branch: each is refused with its place and a next step, and the last good state stays.

The hook lets these pushes in, because people may push what they like; what the loop does with them is the promise here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import CHECKOUT, Installation, installation

POLICY = "policies/autonomy.yaml"
DEEP = "[" * 5_000 + "]" * 5_000
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
SERVICE = 'apiVersion: lab.homeostat/v1\nkind: Service\nmetadata:\n  name: checkout\nspec:\n  release: "1.4.3"\n'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all of them: whatever one document does, the next must find it whole."""
    with installation(tmp_path_factory.mktemp("documents")) as site:
        yield site


def put(site: Installation, path: str, data: bytes, message: str = "A slip") -> str:
    """Commits these bytes at this path and pushes as a person does."""
    site.pull()
    file = site.clone / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    site.git("add", "-A")
    site.git("commit", "-qm", message)
    site.git("push", "-q")
    site.settle()
    return site.git("rev-parse", "HEAD")


def told(site: Installation) -> str:
    """The newest page about the branch or a unit."""
    return " ".join(str(page.get("text", "")) for page in site.pages()[-2:])


BROKEN_POLICIES = {
    "no YAML": (b"rules: [", "autonomy.yaml:"),
    "a duplicate key": (b"apiVersion: homeostat/v1\nkind: Autonomy\nkind: Autonomy\n", "autonomy.yaml:3"),
    "aliases": (BOMB.encode(), "autonomy.yaml:"),
    "endless nesting": (DEEP.encode(), "autonomy.yaml:"),
    "bytes that are no UTF-8": (b"apiVersion: \xff\xfe\n", "autonomy.yaml:"),
    "another schema": (b"apiVersion: homeostat/v1\nkind: Autonomy\nmetadata: {name: a}\nspec: {rulez: []}\n", "rules"),
    "an unknown kind": (b"apiVersion: homeostat/v1\nkind: Autonomie\nmetadata: {name: a}\nspec: {}\n", "Autonomy"),
    "a hostile tag": (b"!!python/object/apply:os.system ['true']\n", "autonomy.yaml:"),
    "too many bytes": (b"# " + b"x" * 1_000_000 + b"\n", "autonomy.yaml"),
}


@pytest.mark.parametrize("what", BROKEN_POLICIES)
def test_a_policy_file_with(shared: Installation, what: str) -> None:
    data, place = BROKEN_POLICIES[what]
    good, before = shared.system.world.cursor.applied, shared.live("checkout", "replicas")
    was = (shared.pull(), (shared.clone / POLICY).read_bytes())[1]
    broken = put(shared, POLICY, data)
    assert shared.system.world.cursor.applied == good, "a revision whose documents do not load was followed"
    assert shared.live("checkout", "replicas") == before
    assert POLICY in told(shared)
    assert place in told(shared)
    alarm = shared.payloads("alarm")[-1]
    assert POLICY in alarm["why"]
    shared.restart()  # and a restart on top of it comes up with the last good state
    shared.settle()
    assert shared.system.world.cursor.applied == good
    mended = put(shared, POLICY, was, "Mend it")
    assert mended != broken
    assert shared.system.world.cursor.applied == mended


BROKEN_SERVICES = {
    "no YAML": b"spec: [",
    "a duplicate key": (SERVICE + '  release: "9"\n').encode(),
    "aliases": BOMB.encode(),
    "endless nesting": ("x: " + DEEP).encode(),
    "bytes that are no UTF-8": SERVICE.encode() + b"  note: \xff\n",
    "no such field": (SERVICE + "  replikas: 3\n").encode(),
    "a value of another type": (SERVICE + "  replicas: many\n").encode(),
    "another API": SERVICE.replace("lab.homeostat", "apps").encode(),
}


@pytest.mark.parametrize("what", BROKEN_SERVICES)
def test_desired_state_with(shared: Installation, what: str) -> None:
    before = {name: state["spec"] for name, state in shared.lab("/state")["services"].items()}
    was = (shared.pull(), (shared.clone / CHECKOUT).read_bytes())[1]
    pages = len(shared.pages())
    put(shared, CHECKOUT, BROKEN_SERVICES[what])
    assert {name: state["spec"] for name, state in shared.lab("/state")["services"].items()} == before
    assert len(shared.pages()) > pages
    assert "checkout" in told(shared)
    shared.restart()
    shared.advance(10)
    assert {name: state["spec"] for name, state in shared.lab("/state")["services"].items()} == before
    put(shared, CHECKOUT, was, "Mend it")
    shared.advance(10)
    assert {name: state["spec"] for name, state in shared.lab("/state")["services"].items()} == before
    assert not shared.system.world.cursor.pending


def test_a_broken_policy_file_does_not_end_a_case_that_waits_for_a_person(tmp_path: Path) -> None:
    """The judges cannot judge: the case waits, is told once, and goes on when the file is mended."""
    with installation(tmp_path) as site:
        site.allow("rollback-release", "review")
        site.settle()
        site.bad_release()
        site.until_stage("judge")
        was = (site.pull(), (site.clone / POLICY).read_bytes())[1]
        put(site, POLICY, b"rules: [")
        site.advance(60)
        assert "judge" in [case.stage.value for case in site.cases(open_only=True)], site.story()
        assert [pull.state.value for pull in site.pulls()] == ["open"]
        put(site, POLICY, was, "Mend it")
        site.advance(60)
        site.review(1)
        site.until_stage("guard", "soak", "done")
        assert site.live("checkout", "release") == "1.4.2"


def test_people_can_brake_and_panic_while_policy_is_broken(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until_stage("guard")
        put(site, POLICY, b"rules: [")
        done = site.panic(300)
        assert len(done.panic.reverted) == 1
        assert site.system.world.ledger.facts().braked(site.clock.now())
