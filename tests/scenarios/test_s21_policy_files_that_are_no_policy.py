"""S21, Google 2025-06: blank policy fields took everything down in seconds. Here they do not load and the last good stays."""

from pathlib import Path

from installation import CHECKOUT, Installation

LIMITS = "policies/limits.yaml"
HEAD = b"apiVersion: homeostat/v1\nkind: Limits\nmetadata:\n  name: extra\nspec:\n"
NASTY = {
    "null-fields": HEAD + b"  capacity: ~\n  limits: ~\n",
    "blank-fields": HEAD + b"  limits:\n    - name:\n      field:\n      max:\n",
    "unknown-key": HEAD + b"  limits: []\n  limit: 3\n",
    "duplicate-key": HEAD + b"  limits: []\n  limits: []\n",
    "alias": HEAD + b"  limits: &a []\n  more: *a\n",
    "wrong-type": HEAD + b'  limits: "none"\n',
    "not-utf8": HEAD + b"  limits: [] # \xff\xfe\n",
    "too-deep": b"[" * 5_000,
    "tabs": b"\tkind: Limits\n",
    "unknown-kind": b"apiVersion: homeostat/v1\nkind: Limit\nmetadata: {name: x}\nspec: {}\n",
    "cut-off": HEAD[: len(HEAD) // 2],
}


def push_file(site: Installation, path: str, data: bytes | None) -> None:
    site.pull()
    file = Path(site.clone / path)
    if data is None:
        file.unlink()
    else:
        file.write_bytes(data)
    site.git("add", "-A")
    site.git("commit", "-qm", f"Write {path}", "--allow-empty")
    site.git("push", "-q")
    site.settle()


def test_a_broken_policy_file_is_not_followed_and_the_last_good_rules_stay(site: Installation) -> None:
    good = site.system.world.cursor.applied
    for name, data in NASTY.items():
        push_file(site, "policies/extra.yaml", data)
        world = site.system.world
        assert world.cursor.applied == good, name
        assert "policies/extra.yaml" in world.cursor.refused[1], name
        push_file(site, "policies/extra.yaml", None)
        good = world.cursor.applied
        assert good == site.head(), name
    alarms = [a for a in site.payloads("alarm") if "policies/extra.yaml" in a["why"]]
    assert len(alarms) == len(NASTY)  # each told once, with its place


def test_what_was_open_before_stays_unmerged_while_the_rules_are_broken(site: Installation) -> None:
    site.allow("rollback-release", "review")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)
    push_file(site, "policies/extra.yaml", NASTY["null-fields"])
    site.advance(60)
    site.review(1)
    site.advance(30)
    assert site.machine_commits() == []
    push_file(site, "policies/extra.yaml", None)
    site.advance(45)
    assert site.live("checkout", "release") == "1.4.2"


def test_a_deleted_policy_opens_nothing_up(site: Installation) -> None:
    """Without the Autonomy document everything is in shadow; without the Quorum nothing loads."""
    push_file(site, "policies/autonomy.yaml", None)
    site.bad_release("failing")
    site.advance(60)
    assert site.pulls() == []
    assert 'release: "1.5.0"' in site.file(CHECKOUT)
    good = site.system.world.cursor.applied
    push_file(site, "policies/quorum.yaml", None)
    assert site.system.world.cursor.applied == good
