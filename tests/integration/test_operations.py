"""One-shot acts as files, on a whole installation: done once, ever, or it is said why not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, installation

from reconciler.adapters.targets.lab import LabTarget
from reconciler.audit.facts import Brake, OperationEvent, brake_record, operation_record
from reconciler.audit.log import Log
from reconciler.bootstrap.copies import backup, restore
from reconciler.bootstrap.opening import open_reader
from reconciler.errors import Retryable
from reconciler.model.records import RecordKind
from reconciler.ports.target import Act, Acted
from reconciler.settings import Home
from reconciler.steps import operating
from reconciler.steps.enlisting import abandoned

AHEAD_MS = 3_600_000


def text(site: Installation, name: str, **fields: Any) -> str:
    spec = {
        "action": "restart",
        "unit": "shop",
        "component": "cart",
        "expiresMs": site.clock.now() + AHEAD_MS,
        "irreversibility": "costly",
        **fields,
    }
    lines = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return f"apiVersion: homeostat/v1\nkind: Operation\nmetadata:\n  name: {name}\nspec:\n{lines}"


def put(site: Installation, files: dict[str, str], message: str = "A one-shot act") -> str:
    """A person adds files and pushes; the commit."""
    site.pull()
    for path, data in files.items():
        (site.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (site.clone / path).write_text(data)
    site.git("add", *files)
    site.git("commit", "-qm", message)
    site.git("push", "-q")
    return site.git("rev-parse", "HEAD")


def order(site: Installation, name: str, **fields: Any) -> str:
    return put(site, {f"operations/{name}.yaml": text(site, name, **fields)})


def drop(site: Installation, name: str) -> None:
    site.pull()
    site.git("rm", "-q", f"operations/{name}.yaml")
    site.git("commit", "-qm", "Remove a file")
    site.git("push", "-q")


def done(site: Installation) -> list[str]:
    """What the lab itself did."""
    return list(site.lab("/state")["operations"])


def events(site: Installation, name: str) -> list[str]:
    return [p["event"] for p in site.payloads("operation") if p["id"] == name]


def detail(site: Installation, name: str) -> str:
    return str([p["detail"] for p in site.payloads("operation") if p["id"] == name][-1])


def paged(site: Installation) -> str:
    return "\n".join(f"{p['title']}: {p['text']}" for p in site.pages())


def brake(site: Installation, *, on: bool = True, scope: str = "") -> None:
    made = Brake("brake-1", "ada", "a test", site.clock.now() + AHEAD_MS, scope, on)
    site.system.world.keep(brake_record(made, site.clock.stamp()))
    site.system.world.publish()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, warm_seconds=30) as made:
        yield made


def test_what_a_person_pushes_is_done_exactly_once_whatever_restarts(site: Installation) -> None:
    order(site, "restart-cart-1")
    site.settle()
    assert done(site) == ["restart-cart-1"]
    assert events(site, "restart-cart-1") == ["accepted", "started", "finished"]
    assert "restarted" in detail(site, "restart-cart-1")

    site.restart()
    site.advance(10)
    site.lose_store()
    site.advance(10)

    assert events(site, "restart-cart-1") == ["accepted", "started", "finished"]
    assert done(site) == ["restart-cart-1"]
    assert site.verify().ok


def test_an_irreversible_act_that_a_person_brought_is_done(site: Installation) -> None:
    order(site, "clear-1", action="clear-queue", irreversibility="irreversible")
    site.settle()
    assert events(site, "clear-1")[-1] == "finished"


def test_started_without_an_end_is_unknown_after_a_crash_and_never_repeated(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(operating, "brake", lambda *_: "")
        patched.setattr(operating, "became", killed)
        order(site, "restart-cart-1")
        with pytest.raises(KeyboardInterrupt):
            site.settle()
    assert done(site) == ["restart-cart-1"]
    site.restart()
    site.advance(10)
    assert events(site, "restart-cart-1") == ["accepted", "started", "unknown"]
    assert "restart-cart-1: unknown" in paged(site)


def test_a_crash_between_started_and_the_act_is_unknown_and_never_done(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = killing(monkeypatch, KeyboardInterrupt)
    order(site, "restart-cart-1")
    with pytest.raises(KeyboardInterrupt):
        site.settle()
    monkeypatch.undo()
    site.lose_store()
    site.advance(10)
    assert (asked, done(site)) == (["restart-cart-1"], [])
    assert events(site, "restart-cart-1") == ["accepted", "started", "unknown"]


@pytest.mark.parametrize("error", [Retryable("the disk is away"), KeyboardInterrupt()], ids=["it-goes-on", "a-restart"])
def test_started_whose_signature_was_cut_off_is_unknown_and_never_done(
    site: Installation, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    real = operating._claim

    def broken(_: Log, __: object) -> None:
        raise error

    def claim(*arguments: Any) -> bool:
        with monkeypatch.context() as patched:
            patched.setattr(Log, "_sign", broken)
            return real(*arguments)

    order(site, "restart-cart-1")
    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr(operating, "_claim", claim)
        site.settle()
    if isinstance(error, KeyboardInterrupt):
        site.restart()
    site.advance(10)
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted", "started", "unknown"], [])
    assert "restart-cart-1: unknown" in paged(site)


def killing(monkeypatch: pytest.MonkeyPatch, error: Callable[[], BaseException]) -> list[str]:
    """The lab's target breaks where it should act; the ids it was asked for."""
    real, asked = LabTarget.operate, list[str]()

    def operate(self: LabTarget, act: Act, *, dry_run: bool) -> Acted:
        if dry_run:
            return real(self, act, dry_run=True)
        asked.append(act.id)
        raise error()

    monkeypatch.setattr(LabTarget, "operate", operate)
    return asked


@pytest.mark.parametrize("error", [Retryable("no answer"), ZeroDivisionError("a mistake")], ids=["no-answer", "mistake"])
def test_a_target_that_breaks_while_acting_leaves_it_unknown(
    site: Installation, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked = killing(monkeypatch, lambda: error)
    order(site, "restart-cart-1")
    site.settle()
    site.advance(20)
    assert asked == ["restart-cart-1"]
    assert events(site, "restart-cart-1") == ["accepted", "started", "unknown"]
    assert "never recorded" in detail(site, "restart-cart-1") or "nobody knows" in detail(site, "restart-cart-1")


def test_a_target_that_is_away_at_the_rehearsal_is_asked_again(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(LabTarget, "actions", lambda _: (_ for _ in ()).throw(Retryable("away")))
        order(site, "restart-cart-1")
        site.settle()
    assert events(site, "restart-cart-1") == ["accepted"]
    site.advance(10)
    assert events(site, "restart-cart-1")[-1] == "finished"


def test_what_has_expired_is_not_started(site: Installation) -> None:
    order(site, "late-1", expiresMs=site.clock.now() - 1)
    site.settle()
    assert (events(site, "late-1"), done(site)) == (["accepted", "expired"], [])
    assert "late-1: expired" in paged(site)


@pytest.mark.parametrize("scope", ["", "shop", "cart"])
def test_a_brake_holds_it_until_it_is_lifted(site: Installation, scope: str) -> None:
    brake(site, scope=scope)
    order(site, "restart-cart-1")
    site.advance(10)
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted"], [])
    site.restart()
    brake(site, on=False, scope=scope)
    site.advance(10)
    assert done(site) == ["restart-cart-1"]


def test_what_expires_under_a_brake_is_not_done_afterwards(site: Installation) -> None:
    brake(site)
    order(site, "restart-cart-1", expiresMs=site.clock.now() + 7_000)
    site.advance(10)
    brake(site, on=False)
    site.advance(10)
    assert events(site, "restart-cart-1") == ["accepted", "expired"]


def test_a_brake_that_is_put_on_in_the_last_moment_still_stops_it(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    real = operating._claim

    def claim(*arguments: Any) -> bool:
        brake(site)
        return real(*arguments)

    monkeypatch.setattr(operating, "_claim", claim)
    order(site, "restart-cart-1")
    site.settle()
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted", "started", "refused"], [])


def test_an_unreadable_log_refuses(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    real = operating.history
    with monkeypatch.context() as patched:
        log = site.system.world.log
        patched.setattr(log, "by_key", lambda _: (_ for _ in ()).throw(Retryable("the log is away")))
        order(site, "restart-cart-1")
        site.system.world.cursor.refused = ("", "")
        site.settle()
        assert real(site.system.world, "restart-cart-1").readable is False
        assert done(site) == []
    site.advance(10)
    assert done(site) == ["restart-cart-1"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"component": "no-such"}, "no live component no-such"),
        ({"component": "payment"}, "no live component payment"),
        ({"unit": "nowhere"}, "there is no unit nowhere"),
        ({"action": "explode"}, "can do clear-queue, restart; not explode"),
    ],
)
def test_what_the_target_cannot_do_is_refused_before_it_begins(site: Installation, fields: dict[str, str], why: str) -> None:
    order(site, "wrong-1", **fields)
    site.settle()
    assert (events(site, "wrong-1"), done(site)) == (["accepted", "refused"], [])
    assert why in detail(site, "wrong-1")
    assert why in paged(site)


def test_a_document_that_does_not_load_is_told_with_its_place_and_stops_nothing_else(site: Installation) -> None:
    bad = text(site, "bad-1").replace("  unit: shop\n", "  unitt: shop\n")
    put(site, {"operations/bad-1.yaml": bad, "operations/good-1.yaml": text(site, "good-1")})
    site.push({"apps/shop/cart.yaml": ("replicas: 2", "replicas: 4")})
    site.settle()
    assert done(site) == ["good-1"]
    assert site.live("cart", "replicas") == 4
    assert "operations/bad-1.yaml:6:3" in detail(site, "bad-1")


def test_an_edited_file_never_runs_again(site: Installation) -> None:
    order(site, "restart-cart-1")
    site.settle()
    site.push({"operations/restart-cart-1.yaml": ("component: cart", "component: search")})
    site.advance(10)
    site.restart()
    site.advance(10)
    assert len(done(site)) == 1
    assert events(site, "restart-cart-1") == ["accepted", "started", "finished"]
    assert paged(site).count("was edited or added again") == 1


def test_a_file_that_is_added_again_never_runs_again(site: Installation) -> None:
    order(site, "restart-cart-1")
    site.settle()
    drop(site, "restart-cart-1")
    site.settle()
    order(site, "restart-cart-1")
    site.lose_store()
    site.advance(10)
    assert len(done(site)) == 1
    assert "was edited or added again" in paged(site)


def test_an_edit_before_it_began_ends_it(site: Installation) -> None:
    brake(site)
    order(site, "restart-cart-1")
    site.settle()
    site.push({"operations/restart-cart-1.yaml": ("component: cart", "component: search")})
    site.settle()
    site.push({"operations/restart-cart-1.yaml": ("component: search", "component: cart")})
    brake(site, on=False)
    site.advance(10)
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted", "refused"], [])


def test_a_file_that_is_edited_in_the_same_push_does_not_run(site: Installation) -> None:
    site.pull()
    order(site, "restart-cart-1")
    site.push({"operations/restart-cart-1.yaml": ("component: cart", "component: search")})
    site.settle()
    assert done(site) == []


def test_removing_a_file_withdraws_what_has_not_begun(site: Installation) -> None:
    brake(site)
    order(site, "restart-cart-1")
    site.settle()
    drop(site, "restart-cart-1")
    brake(site, on=False)
    site.advance(10)
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted", "withdrawn"], [])


def test_what_a_merge_brings_from_a_side_branch_runs_once(site: Installation) -> None:
    site.pull()
    site.git("checkout", "-qb", "side")
    path = site.clone / "operations" / "restart-cart-1.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text(site, "restart-cart-1"))
    site.git("add", str(path))
    site.git("commit", "-qm", "On the side")
    site.git("checkout", "-q", "main")
    site.git("merge", "-q", "--no-ff", "--no-edit", "side")
    site.git("push", "-q")
    site.settle()
    assert events(site, "restart-cart-1") == ["accepted", "started", "finished"]
    assert "will not run" not in paged(site)


@pytest.mark.parametrize(
    "path",
    [
        "operations/deep/restart-1.yaml",
        "operations/Restart-1.yaml",
        "operations/restart-1.yml",
        "operations/a b.yaml",
        "operations/{{x}}; rm -rf.yaml",
        f"operations/{'a' * 64}.yaml",
    ],
)
def test_a_name_that_is_no_id_is_told_and_never_run(site: Installation, path: str) -> None:
    put(site, {path: text(site, "restart-1"), "operations/README.md": "prose", "operations/good-1.yaml": text(site, "good-1")})
    site.settle()
    assert done(site) == ["good-1"]
    assert f"{path}:1:1: not run" in paged(site)
    assert "README" not in paged(site)


def test_a_file_whose_name_is_not_its_documents_is_refused(site: Installation) -> None:
    put(site, {"operations/one-1.yaml": text(site, "two-1")})
    site.settle()
    assert done(site) == []
    assert "have to agree" in detail(site, "one-1")


def test_a_symbolic_link_is_refused_and_stops_nothing_else(site: Installation) -> None:
    site.pull()
    (site.clone / "operations").mkdir(exist_ok=True)
    (site.clone / "operations" / "link-1.yaml").symlink_to("../homeostat.yaml")
    (site.clone / "operations" / "good-1.yaml").write_text(text(site, "good-1"))
    site.git("add", "operations")
    site.git("commit", "-qm", "A link")
    site.git("-C", str(site.home.repository), "fetch", "-q", str(site.clone), "main:main")  # around the hook
    site.settle()
    assert done(site) == ["good-1"]
    assert "symbolic link" in paged(site)


def test_too_many_at_once_are_a_mistake(site: Installation) -> None:
    put(site, {f"operations/many-{n}.yaml": text(site, f"many-{n}") for n in range(51)})
    site.settle()
    assert done(site) == []
    assert "51 Operations in one commit" in paged(site)


def test_panic_names_the_operations_of_its_window(site: Installation) -> None:
    commit = order(site, "restart-cart-1")
    site.settle()
    skipped = site.panic(300).panic.skipped
    assert skipped == ((commit, "Operation restart-cart-1 ran (finished); what it did is not undone"),)
    site.advance(600)
    assert site.system.world.ledger.facts().operation("restart-cart-1") == "finished"


def test_of_two_workers_the_one_whose_words_are_not_in_the_log_does_nothing(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = operating._rehearsed

    def rehearsed(operator: Any, act: Act) -> Any:
        ready = real(operator, act)
        other = OperationEvent(act.id, "started", "c" * 40, "attempt of another worker")
        site.system.world.log.publish([operation_record(other, site.clock.stamp())])
        return ready

    monkeypatch.setattr(operating, "_rehearsed", rehearsed)
    order(site, "restart-cart-1")
    site.settle()
    assert (events(site, "restart-cart-1"), done(site)) == (["accepted", "started"], [])


def test_commits_that_leave_the_folder_alone_are_not_opened(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("reconciler.steps.enlisting._enlist", lambda *seen: opened.append(seen[2].id))
    for n in range(3):
        site.push({"apps/shop/cart.yaml": (f"replicas: {2 + n}", f"replicas: {3 + n}")})
    site.settle()
    assert (site.live("cart", "replicas"), opened) == (5, [])


def test_after_a_restore_what_the_log_does_not_end_is_unknown_and_never_runs(site: Installation) -> None:
    brake(site)
    order(site, "accepted-1")
    site.settle()
    order(site, "unseen-1")
    world = site.system.world
    lost = abandoned(world.repo, world.head(), world.ledger.facts().operations)
    assert [event.id for event in lost] == ["accepted-1", "unseen-1"]
    world.log.publish([operation_record(event, site.clock.stamp()) for event in lost])
    brake(site, on=False)
    site.restart()
    site.advance(10)
    assert done(site) == []
    assert events(site, "accepted-1") == ["accepted", "unknown"]
    assert events(site, "unseen-1") == ["unknown"]
    assert "will not run" not in paged(site)


def test_what_a_backup_cannot_know_the_end_of_is_unknown_after_a_restore(site: Installation, tmp_path: Path) -> None:
    brake(site)
    order(site, "op-waits")
    site.advance(10)
    assert done(site) == []
    site.system.world.publish()
    backup(site.home, tmp_path / "backup", with_keys=True)
    restored = restore(tmp_path / "backup", Home(tmp_path / "restored"))
    assert restored.unknown == ("op-waits",)
    log = open_reader(Home(tmp_path / "restored")).log
    told = [e.record.payload for e in log.records() if e.record.kind is RecordKind.OPERATION]
    assert (told[-1]["id"], told[-1]["event"]) == ("op-waits", "unknown")
