"""The directory target in a hostile or broken folder: nothing foreign is touched, nothing is half done."""

import fcntl
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.targets import ledger
from reconciler.adapters.targets.directory import DirectoryTarget, content
from reconciler.adapters.targets.files import Files
from reconciler.adapters.targets.ledger import Entry, Ledger
from reconciler.converge.shapes import body_digest
from reconciler.errors import Permanent, Retryable
from reconciler.model.revisions import ChangeSet, DesiredObject, HealthState, Plan, Rendered, Step, Verb

ONE, TWO = "1" * 40, "2" * 40


def desired(name: str, replicas: int = 1, **more: str) -> DesiredObject:
    body = {"replicas": replicas, **more}
    return DesiredObject(f"Service/{name}", "shop", body, f"apps/shop/{name}.yaml", body_digest(body))


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = DirectoryTarget("files", root)

    def put(self, generation: int, *objects: DesiredObject, revision: str = ONE) -> ChangeSet:
        return self.target.apply(self.plan(generation, *objects, revision=revision))

    def plan(self, generation: int, *objects: DesiredObject, revision: str = ONE) -> Plan:
        return self.target.plan(Rendered("shop", "files", "0" * 40, objects), revision, generation)

    def file(self, name: str) -> Path:
        return self.root / "Service" / f"{name}.json"

    def everything(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.root)): p.read_bytes() for p in sorted(self.root.rglob("*")) if p.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out")


def test_a_file_is_the_object_as_sorted_json(folder: Folder) -> None:
    folder.put(1, desired("a", 3))
    assert json.loads(folder.file("a").read_text()) == {"kind": "Service", "metadata": {"name": "a"}, "spec": {"replicas": 3}}


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPDATE, Verb.PRUNE])
@pytest.mark.parametrize("bad", ["Service/../../x", "../x", "Service/a/b", ".homeostat/inventory", "Service/.x", "Service/", "x"])
def test_an_id_cannot_lead_out_of_the_folder(folder: Folder, verb: Verb, bad: str) -> None:
    good = desired("a")
    evil = DesiredObject(bad, "shop", good.spec, "x", good.digest)
    folder.put(1, good)
    before = folder.everything()
    changes = folder.target.apply(Plan("shop", "files", ONE, 1, (Step(verb, bad),), (evil,)))
    assert [r.ok for r in changes.results] == [False]
    assert folder.everything() == before
    assert not (folder.root.parent / "x.json").exists()


class TestWhatIsInTheWay:
    def test_a_foreign_file_is_neither_overwritten_nor_pruned(self, folder: Folder) -> None:
        folder.file("a").parent.mkdir(parents=True)
        folder.file("a").write_text("mine")
        changes = folder.put(1, desired("a"), desired("b"))
        assert {r.id: r.ok for r in changes.results} == {"Service/a": False, "Service/b": True}
        assert "not Homeostat's" in changes.results[0].detail
        folder.target.apply(Plan("shop", "files", ONE, 1, (Step(Verb.PRUNE, "Service/a"),), ()))
        assert folder.file("a").read_text() == "mine"

    @pytest.mark.parametrize("applied_before", [True, False])
    def test_a_link_in_place_of_a_file_is_left_alone(self, folder: Folder, applied_before: bool, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        if applied_before:
            folder.put(1, desired("a"))
            folder.file("a").unlink()
        folder.file("a").parent.mkdir(parents=True, exist_ok=True)
        folder.file("a").symlink_to(secret)
        changes = folder.put(2, desired("a", 2), revision=TWO)
        assert "is a link" in changes.results[0].detail
        assert secret.read_text() == "secret"
        assert folder.file("a").is_symlink()

    def test_a_link_in_place_of_a_folder_is_not_followed(self, folder: Folder, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        folder.root.mkdir()
        (folder.root / "Service").symlink_to(elsewhere)
        changes = folder.put(1, desired("a"))
        assert "not followed" in changes.results[0].detail
        assert list(elsewhere.iterdir()) == []

    def test_a_link_in_place_of_the_inventory_folder_is_not_followed(self, folder: Folder, tmp_path: Path) -> None:
        folder.root.mkdir()
        (folder.root / ".homeostat").symlink_to(tmp_path)
        with pytest.raises(Permanent, match="not followed"):
            folder.target.apply(Plan("shop", "files", ONE, 1, (), ()))
        assert not (tmp_path / "lock").exists()

    def test_a_folder_in_place_of_a_file_is_left_alone(self, folder: Folder) -> None:
        folder.file("a").mkdir(parents=True)
        assert "no ordinary file" in folder.put(1, desired("a")).results[0].detail


class TestDrift:
    def test_the_same_meaning_in_other_bytes_is_drift(self, folder: Folder) -> None:
        folder.put(1, desired("a"))
        folder.file("a").write_text(json.dumps(json.loads(folder.file("a").read_text())))
        assert [s.id for s in folder.plan(1, desired("a")).steps] == ["Service/a"]

    def test_health_tells_missing_and_changed_files(self, folder: Folder) -> None:
        folder.put(1, desired("a"), desired("b"), desired("c"))
        folder.file("a").unlink()
        folder.file("b").write_text("{}")
        states = {h.id: h.state for h in folder.target.health("shop")}
        assert states == {
            "Service/a": HealthState.MISSING,
            "Service/b": HealthState.DEGRADED,
            "Service/c": HealthState.HEALTHY,
        }

    def test_a_file_that_nests_too_deep_is_drift_and_no_crash(self, folder: Folder) -> None:
        folder.put(1, desired("a"))
        folder.file("a").write_text("[" * 200_000)
        assert folder.put(1, desired("a")).ok


@contextmanager
def _full_disk(limit: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `limit` bytes: a real refusal by the system in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestAFullDisk:
    def test_fails_the_object_that_does_not_fit_and_keeps_its_old_file(self, folder: Folder) -> None:
        folder.put(1, desired("a"), desired("b"))
        before = folder.file("a").read_bytes()
        big = desired("a", text="x" * 20_000)
        with _full_disk(10_000):
            changes = folder.put(2, big, desired("b", 2), revision=TWO)
        assert {r.id: r.ok for r in changes.results} == {"Service/a": False, "Service/b": True}
        assert "it is as it was" in changes.results[0].detail
        assert folder.file("a").read_bytes() == before
        assert [p for p in folder.file("a").parent.iterdir() if p.suffix == ".new"] == []
        assert [s.id for s in folder.plan(2, big, desired("b", 2), revision=TWO).steps] == ["Service/a"]
        assert folder.put(2, big, desired("b", 2), revision=TWO).ok

    def test_a_new_object_that_does_not_fit_is_not_claimed(self, folder: Folder) -> None:
        with _full_disk(10_000):
            folder.put(1, desired("a", text="x" * 20_000))
        assert folder.target.inventory() == {}

    def test_for_the_inventory_does_nothing_at_all(self, folder: Folder) -> None:
        folder.put(1, desired("a"))
        before = folder.everything()
        with _full_disk(50), pytest.raises(Retryable, match="cannot write the inventory"):
            folder.put(2, desired("a", 2), revision=TWO)
        assert folder.everything() == before


class TestACrash:
    def _crashed(self, folder: Folder, wrote: bool) -> None:
        """As after a SIGKILL between the first inventory write and the last."""
        new = desired("a", 2)
        files = Files(folder.root)
        held = ledger.load(files, folder.root)
        intent = Entry(
            "shop", held.objects["Service/a"].digest, held.objects["Service/a"].file, new.digest, _digest(content(new))
        )
        ledger.save(files, held.with_entries({"Service/a": intent}))
        if wrote:
            folder.file("a").write_bytes(content(new))

    @pytest.mark.parametrize("wrote", [True, False])
    def test_between_two_inventory_writes_is_made_good(self, folder: Folder, wrote: bool) -> None:
        folder.put(1, desired("a"))
        self._crashed(folder, wrote)
        seen = folder.target.observe("shop")
        assert seen.objects["Service/a"] == desired("a", 2 if wrote else 1).digest
        assert seen.inventory["Service/a"] == desired("a").digest  # work to do, not drift
        assert folder.put(2, desired("a", 2), revision=TWO).ok
        assert folder.target.observe("shop").inventory == {"Service/a": desired("a", 2).digest}

    def test_before_the_first_write_of_a_new_object_claims_nothing(self, folder: Folder) -> None:
        new = desired("a")
        entries = {"Service/a": Entry("shop", "", "", new.digest, _digest(content(new)))}
        ledger.save(Files(folder.root), Ledger(entries))
        assert folder.target.observe("shop").objects == {}
        assert folder.put(1, new).ok

    def test_a_process_that_dies_frees_the_lock(self, folder: Folder) -> None:
        folder.put(1, desired("a"))
        script = "import fcntl, os, sys\nf = open(sys.argv[1], 'w')\nfcntl.flock(f, fcntl.LOCK_EX)\nos.kill(os.getpid(), 9)"
        subprocess.run([sys.executable, "-c", script, str(folder.root / ".homeostat" / "lock")], check=False, timeout=20)
        assert folder.put(1, desired("a", 2)).ok


def _digest(data: bytes) -> str:
    from reconciler.adapters.targets.files import content_digest

    return content_digest(data)


def test_two_processes_do_not_apply_at_once(folder: Folder) -> None:
    folder.put(1, desired("a"))
    with (folder.root / ".homeostat" / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Retryable, match="another process"):
            folder.put(2, desired("a", 2), revision=TWO)
    assert json.loads(folder.file("a").read_text())["spec"] == {"replicas": 1}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"objects": {}}x', b'{"objects": {"a": 1}, "units": {}}', b'{"more": 1}', b"\xff"]
)
def test_an_inventory_that_cannot_be_read_stops_everything(folder: Folder, data: bytes) -> None:
    folder.put(1, desired("a"))
    (folder.root / ".homeostat" / "inventory.json").write_bytes(data)
    before = folder.everything()
    for act in (lambda: folder.target.observe("shop"), lambda: folder.target.apply(Plan("shop", "files", TWO, 9, (), ()))):
        with pytest.raises(Permanent, match=r"inventory\.json cannot be read"):
            act()
    assert folder.everything() == before


def test_a_settled_folder_is_not_written_to(folder: Folder) -> None:
    folder.put(1, desired("a"))
    before = {p: p.stat().st_mtime_ns for p in folder.root.rglob("*.json")}
    folder.put(1, desired("a"))
    assert {p: p.stat().st_mtime_ns for p in folder.root.rglob("*.json")} == before
