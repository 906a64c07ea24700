"""The protected branch rewritten, deleted or filled with what no infra repository may hold: refused by the hook, and, behind
the hook's back, frozen by converge with an alarm. What runs keeps running from the last good revision.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from installation import CHECKOUT, Installation

from reconciler.ports.repo import MACHINE, Identity, RefMove

MALLORY = Identity("Mallory", "mallory@example.org")


def desired(site: Installation) -> dict[str, object]:
    return {name: state["spec"] for name, state in site.lab("/state")["services"].items()}


def refused(site: Installation, *what: str) -> str:
    """A push that the hook must refuse; what it said."""
    before = site.refs()
    with pytest.raises(AssertionError) as error:
        site.git("push", "-q", "origin", *what)
    assert site.refs() == before
    return str(error.value)


def frozen(site: Installation, head: str, *words: str) -> None:
    """Nothing of this head is applied, a person was told with a next step, and it stays so after a restart."""
    good, before, pages = site.system.world.cursor.applied, desired(site), len(site.pages())
    site.settle()
    site.advance(10)
    assert site.system.world.cursor.applied == good
    assert desired(site) == before
    text = " ".join(page["text"] for page in site.pages()[pages:])
    assert all(word in text for word in words), text
    assert [alarm for alarm in site.payloads("alarm") if words[0] in alarm["why"]]
    told = len(site.pages())
    site.restart()
    site.advance(20)
    assert (site.system.world.cursor.applied, desired(site)) == (good, before)
    assert len(site.pages()) == told, "told again and again"


def test_a_forced_push_and_a_deletion_are_refused_with_what_to_do_instead(site: Installation) -> None:
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")})
    assert "git revert" in refused(site, "+HEAD~1:main")
    assert "cannot be deleted" in refused(site, ":main")
    assert "homeostat audit" in refused(site, "+HEAD:refs/homeostat/log")


def test_a_symlink_and_colliding_names_are_refused_at_the_push(site: Installation) -> None:
    site.pull()
    (site.clone / "apps" / "link.yaml").symlink_to("/etc/passwd")
    site.git("add", "-A")
    site.git("commit", "-qm", "a link")
    assert "symbolic link" in refused(site, "HEAD:main")
    site.git("reset", "-q", "--hard", "origin/main")
    (site.clone / "apps/shop/CHECKOUT.yaml").write_text("x: 1\n")
    site.git("add", "-A")
    site.git("commit", "-qm", "a twin")
    assert "differ only in case" in refused(site, "HEAD:main")


def test_a_rewritten_branch_freezes_and_follows_again_when_the_history_is_back(site: Installation) -> None:
    head = site.push({CHECKOUT: ("replicas: 3", "replicas: 4")})
    site.settle()
    world = site.system.world
    forged = world.repo.write(world.root, {"apps/edge/extra.yaml": b"x: 1\n"}, "Trust me", MALLORY, world.clock.now(), None)
    assert world.repo.move([RefMove(world.ref, head, forged)])
    frozen(site, forged, "rewritten", "push the old history back")
    assert site.system.world.repo.move([RefMove(world.ref, forged, head)])
    site.settle()
    site.push({CHECKOUT: ("replicas: 4", "replicas: 5")})
    site.settle()
    assert site.live("checkout", "replicas") == 5


def test_a_deleted_branch_freezes_and_is_followed_again_when_it_is_back(site: Installation) -> None:
    world, head = site.system.world, site.head()
    assert world.repo.move([RefMove(world.ref, head, "")])
    frozen(site, "", "deleted", "push the old history back")
    assert site.system.world.repo.move([RefMove(world.ref, "", head)])
    site.push({CHECKOUT: ("replicas: 3", "replicas: 5")})
    site.settle()
    assert site.live("checkout", "replicas") == 5


def test_a_commit_in_the_machines_name_without_its_verdict_is_never_applied(site: Installation) -> None:
    world, head = site.system.world, site.head()
    text = site.file(CHECKOUT).replace("replicas: 3", "replicas: 9").encode()
    for signer in (None, world.author):  # even the author's key alone is not enough
        forged = world.repo.write(head, {CHECKOUT: text}, "checkout: replicas", MACHINE, world.clock.now(), signer)
        assert world.repo.move([RefMove(world.ref, head, forged)])
        site.settle()
        site.advance(10)
        assert site.live("checkout", "replicas") == 3
        assert forged[:12] in site.pages()[-1]["text"]
        assert world.repo.move([RefMove(world.ref, forged, head)])


def _plain(git: pygit2.Repository, path: Path) -> tuple[str, pygit2.enums.FileMode]:
    return "CHECKOUT.yaml", pygit2.enums.FileMode.BLOB


def _link(git: pygit2.Repository, path: Path) -> tuple[str, pygit2.enums.FileMode]:
    return "link.yaml", pygit2.enums.FileMode.LINK


@pytest.mark.parametrize(("entry", "word"), [(_plain, "checkout"), (_link, "link.yaml")])
def test_behind_the_hook_they_stop_the_unit_and_nothing_else(
    site: Installation, entry: Callable[[pygit2.Repository, Path], tuple[str, pygit2.enums.FileMode]], word: str
) -> None:
    """Somebody with access to the files writes such a tree past the hook, together with an honest edit of another unit."""
    before = desired(site)
    commit = bypass(site, *entry(pygit2.Repository(os.fspath(site.home.repository)), site.home.root))
    site.settle()
    site.advance(10)
    assert desired(site)["checkout"] == before["checkout"]
    assert word in " ".join(page["text"] for page in site.pages())
    assert site.head() == commit
    site.restart()
    site.advance(10)
    assert desired(site)["checkout"] == before["checkout"]


def bypass(site: Installation, name: str, mode: pygit2.enums.FileMode) -> str:
    """A commit that adds apps/shop/NAME with this mode, and changes checkout, written straight into the repository."""
    git = pygit2.Repository(os.fspath(site.home.repository))
    head = git[site.head()]
    assert isinstance(head, pygit2.Commit)
    text = site.file(CHECKOUT).replace("replicas: 3", "replicas: 7").encode()
    shop = git.TreeBuilder(head.tree["apps/shop"])
    shop.insert("checkout.yaml", git.create_blob(text), pygit2.enums.FileMode.BLOB)
    shop.insert(name, git.create_blob(b"/etc/passwd"), mode)
    apps = git.TreeBuilder(head.tree["apps"])
    apps.insert("shop", shop.write(), pygit2.enums.FileMode.TREE)
    root = git.TreeBuilder(head.tree)
    root.insert("apps", apps.write(), pygit2.enums.FileMode.TREE)
    who = pygit2.Signature("Ada", "ada@example.org")
    made = str(git.create_commit(None, who, who, "past the hook", root.write(), [head.id]))
    assert site.system.world.repo.move([RefMove(site.system.world.ref, str(head.id), made)])
    return made
