"""People push to the bare repository with plain git: what the hook admits, and every way it refuses."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.adapters.forges import hook
from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.ports.repo import MACHINE, Identity, RefMove
from reconciler.testing.signing import MemorySigner

MAIN = "refs/heads/main"
SIGNER = MemorySigner("author")


def git(where: Path, *arguments: str, data: bytes | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    person = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    person |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"}
    env = {"PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_NOSYSTEM": "1"} | person | settings
    done = subprocess.run(["git", *arguments], cwd=where, env=env, capture_output=True, check=False, input=data)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace"))


class Scene:
    """A bare repository with one signed machine commit on main, and a person's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.bare = init_bare(folder / "infra.git", author=SIGNER.public, max_blob=2_000)
        self.repo = PygitRepo(self.bare)
        self.root = self.repo.write("", {"apps/a.yaml": b"a: 1\n"}, "root", Identity("Ada", "ada@example.org"), 0, None)
        self.tip = self.repo.write(self.root, {"apps/a.yaml": b"a: 2\n"}, "Repair", MACHINE, 1_000, SIGNER)
        assert self.repo.move([RefMove(MAIN, "", self.tip), RefMove("refs/homeostat/pr/1", "", self.tip)])
        git(folder, "clone", "-q", self.bare.as_uri(), "clone")
        self.clone = folder / "clone"

    def commit(self, *arguments: str, **settings: str) -> None:
        git(self.clone, "add", "-A")
        done = git(self.clone, "commit", "-q", "-m", "a step", *arguments, **settings)
        assert done.returncode == 0, done.stderr

    def write(self, path: str, text: str) -> None:
        file = self.clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add_entry(self, mode: str, path: bytes, blob: str = "") -> None:
        """Commits an index entry that the file system here might not carry."""
        blob = blob or git(self.clone, "hash-object", "-w", "--stdin", data=b"x").stdout.strip()
        line = f"{mode} {blob}\t".encode() + path + b"\0"
        done = git(self.clone, "update-index", "-z", "--index-info", data=line)
        assert done.returncode == 0, done.stderr
        assert git(self.clone, "commit", "-q", "-m", "odd").returncode == 0

    def push(self, *what: str) -> subprocess.CompletedProcess[str]:
        return git(self.clone, "push", "origin", *(what or ("main",)))

    def refuses(self, *what: str) -> str:
        before = self.repo.refs("refs/")
        done = self.push(*what)
        assert done.returncode != 0
        assert self.repo.refs("refs/") == before
        return done.stderr


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_plain_push_is_admitted_quickly(scene: Scene):
    scene.write("apps/b.yaml", "b: 1\n")
    scene.commit()
    start = time.perf_counter()
    done = scene.push()
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - start < 2  # the figure is 0.1; a shared machine gets slack
    assert scene.repo.read(scene.repo.ref(MAIN) or "", "apps/b.yaml") == b"b: 1\n"


def test_a_plain_revert_of_a_machine_commit_is_admitted(scene: Scene):
    assert git(scene.clone, "revert", "--no-edit", scene.tip).returncode == 0
    assert scene.push().returncode == 0
    assert scene.repo.read(scene.repo.ref(MAIN) or "", "apps/a.yaml") == b"a: 1\n"


def test_branches_and_tags_come_and_go_freely(scene: Scene):
    assert scene.push("main:topic", "main:refs/tags/v1").returncode == 0
    assert scene.push(":topic").returncode == 0


def test_the_protected_branch_is_not_rewritten(scene: Scene):
    git(scene.clone, "reset", "-q", "--hard", scene.root)
    scene.write("x", "1")
    scene.commit()
    assert "cannot be rewritten" in scene.refuses("+main")


def test_the_protected_branch_is_not_deleted(scene: Scene):
    assert "cannot be deleted" in scene.refuses(":main")


@pytest.mark.parametrize(
    "ref", ["refs/homeostat/pr/1", "refs/homeostat/log", "refs/notes/x", "refs/replace/x", "refs/heads/homeostat"]
)
def test_refs_that_are_not_a_persons_are_refused(scene: Scene, ref: str):
    assert scene.refuses(f"+main:{ref}")


def test_the_hook_itself_refuses_homeostat_refs_when_they_are_not_hidden(scene: Scene):
    pack = "git -c receive.hideRefs=!refs/homeostat -c transfer.hideRefs=!refs/homeostat receive-pack"
    scene.write("x", "1")
    scene.commit()
    done = git(scene.clone, "push", f"--receive-pack={pack}", "origin", "+main:refs/homeostat/pr/1")
    assert done.returncode != 0
    assert "homeostat pr" in done.stderr


def test_homeostat_refs_are_hidden_from_clones(scene: Scene):
    assert "refs/homeostat" not in git(scene.clone, "ls-remote", "origin").stdout


@pytest.mark.parametrize("role", ["AUTHOR", "COMMITTER"])
@pytest.mark.parametrize("field", [("EMAIL", MACHINE.email.upper()), ("NAME", "homeostat")])
def test_the_machines_name_without_its_signature_is_refused(scene: Scene, role: str, field: tuple[str, str]):
    scene.write("x", "1")
    scene.commit(**{f"GIT_{role}_{field[0]}": field[1]})
    assert "--reset-author" in scene.refuses()


def test_an_old_machine_signature_on_a_rewritten_commit_is_refused(scene: Scene):
    scene.write("x", "1")
    git(scene.clone, "add", "-A")
    assert git(scene.clone, "commit", "-q", "--amend", "--no-edit").returncode == 0  # keeps the machine as author
    git(scene.clone, "reset", "-q", "--soft", "HEAD")
    assert "lacks its signature" in scene.refuses("main:topic")


def test_another_keys_signature_in_the_machines_name_is_refused(scene: Scene, tmp_path: Path):
    other = PygitRepo(init_bare(tmp_path / "other.git", author=MemorySigner("author", "other").public))
    forged = other.write("", {"x": b"1"}, "forged", MACHINE, 0, MemorySigner("author", "other"))
    assert other.move([RefMove(MAIN, "", forged)])
    done = git(other.path, "push", str(scene.bare), f"{MAIN}:refs/heads/topic")
    assert "lacks its signature" in done.stderr


def test_a_truly_signed_machine_commit_is_admitted(scene: Scene, tmp_path: Path):
    other = PygitRepo(init_bare(tmp_path / "other.git", author=SIGNER.public))
    signed = other.write("", {"x": b"1"}, "restored", MACHINE, 0, SIGNER)
    assert other.move([RefMove(MAIN, "", signed)])
    done = git(other.path, "push", str(scene.bare), f"{MAIN}:refs/heads/topic")
    assert done.returncode == 0, done.stderr


def test_a_symbolic_link_is_refused_even_when_a_later_commit_removes_it(scene: Scene):
    (scene.clone / "link").symlink_to("/etc/passwd")
    scene.commit()
    (scene.clone / "link").unlink()
    scene.commit()
    assert "'link' is a symbolic link" in scene.refuses()


def test_a_submodule_is_refused(scene: Scene):
    scene.add_entry("160000", b"sub", scene.root)
    assert "'sub' is a submodule" in scene.refuses()


@pytest.mark.parametrize("path", [b"apps/A.yaml", b"Apps/c.yaml"])
def test_names_that_differ_only_in_case_are_refused(scene: Scene, path: bytes):
    scene.add_entry("100644", path)
    assert "differ only in case" in scene.refuses()


@pytest.mark.parametrize("path", [b"apps/\xff.yaml", "e\u0301.yaml".encode(), "a\u202eb".encode()])
def test_names_that_systems_read_differently_are_refused(scene: Scene, path: bytes):
    scene.add_entry("100644", path)
    assert "rename it" in scene.refuses()


def test_an_oversize_file_is_refused_with_its_size(scene: Scene):
    scene.write("big", "x" * 2_001)
    scene.commit()
    assert "'big' has 2001 bytes, more than 2000" in scene.refuses()


@pytest.mark.parametrize("broken", ["receive.json", "interpreter"])
def test_a_hook_that_cannot_work_refuses_and_says_what_to_do(scene: Scene, broken: str):
    if broken == "receive.json":
        (scene.bare / "homeostat" / "receive.json").write_text("{}")
    else:
        hook = scene.bare / "hooks" / "pre-receive"
        hook.write_text(hook.read_text().replace("python", "no-such-python"))
    scene.write("x", "1")
    scene.commit()
    assert "could not check this push" in scene.refuses()


def test_the_pushers_environment_cannot_mislead_the_hook(scene: Scene):
    (scene.clone / "link").symlink_to("/etc/passwd")
    scene.commit()
    hostile = {"PYTHONPATH": "/nonexistent", "PYTHONSTARTUP": "/nonexistent", "GIT_CONFIG_COUNT": "1"}
    hostile |= {"GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/dev/null"}
    done = git(scene.clone, "push", "origin", "main", **hostile)
    assert "symbolic link" in done.stderr


def test_a_push_of_too_many_commits_is_refused_before_they_are_read(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_DIR", str(scene.bare))
    monkeypatch.setattr(hook, "MAX_COMMITS", 2)
    tip = scene.tip
    for n in range(3):
        tip = scene.repo.write(tip, {"n": str(n).encode()}, "x", Identity("Ada", "ada@example.org"), 0, None)
    rules = hook.load_rules(str(scene.bare))
    assert hook.check(rules, hook.Move(scene.tip, tip, MAIN)) == [f"{MAIN}: more than 2 new commits; push them in steps"]
    monkeypatch.setattr(hook, "MAX_COMMITS", 3)
    assert hook.check(rules, hook.Move(scene.tip, tip, MAIN)) == []
