"""EmbeddedForge against file access, crashes in the middle of a transaction, and other processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.forges.embedded import EmbeddedForge
from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.errors import Permanent, Tampered
from reconciler.model.pulls import PullRequest, PullState, ReviewChoice
from reconciler.model.reasons import Reason
from reconciler.ports.repo import MACHINE, RefMove
from reconciler.testing.check_forge import Bench, a_draft, a_review, give, opened, push_by_a_person, start
from reconciler.testing.check_repo import MAIN, NOON_MS, write
from reconciler.testing.clock import ManualClock
from reconciler.testing.signing import MemorySigner

AUTHOR, REVIEWER = MemorySigner("author"), MemorySigner("review")


def forge_on(repo: PygitRepo) -> EmbeddedForge:
    return EmbeddedForge(
        repo, repository="infra", clock=ManualClock(), signer=AUTHOR, verifier=Ed25519Verifier(), review_keys=[REVIEWER.public]
    )


def bench_on(repo: PygitRepo) -> Bench:
    return Bench(repo, forge_on(repo), "infra", REVIEWER, AUTHOR)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_on(PygitRepo(init_bare(tmp_path / "infra.git", author=AUTHOR.public)))


# file access goes around every hook


def tamper(
    bench: Bench, number: int, change: Callable[[dict[str, bytes]], dict[str, bytes | None]], key: MemorySigner = AUTHOR
) -> None:
    """Rewrites the files of a pull request's state, signed with `key`."""
    ref = f"refs/homeostat/pr/{number}"
    tip = bench.repo.ref(ref) or ""
    files = {path: bench.repo.blob(blob) for path, blob in bench.repo.files(tip).items()}
    forged = bench.repo.write(tip, change(files), "forged", MACHINE, NOON_MS, key)
    assert bench.repo.move([RefMove(ref, tip, forged)])


def reviewed(bench: Bench, choice: ReviewChoice = ReviewChoice.REJECT) -> PullRequest:
    pull = opened(bench)
    return give(bench, pull, a_review(pull, choice))


def test_a_state_signed_by_another_key_is_an_alarm_and_no_pull_request(bench: Bench):
    pull = reviewed(bench)
    forge = bench.forge
    tamper(bench, pull.number, lambda files: {"pr.json": files["pr.json"] + b" "}, MemorySigner("author", "other"))
    assert forge.list() == []
    assert [alarm.where for alarm in forge.alarms()] == ["refs/homeostat/pr/1"]
    for act in (lambda: forge.get(1), lambda: forge.land(pull, "homeostat"), lambda: forge.close(1, "")):
        with pytest.raises(Tampered, match="lacks the machine's signature"):
            act()
    assert bench.repo.ref(MAIN) == pull.base


def test_an_unsigned_state_is_an_alarm(bench: Bench):
    pull = opened(bench)
    bare = write(bench.repo, "", {"pr.json": b"{}"})
    assert bench.repo.move([RefMove("refs/homeostat/pr/7", "", bare)])
    assert [p.number for p in bench.forge.list()] == [pull.number]
    with pytest.raises(Tampered):
        bench.forge.get(7)


def test_one_pull_requests_state_does_not_pass_for_another(bench: Bench):
    opened(bench)
    assert bench.repo.move([RefMove("refs/homeostat/pr/2", "", bench.repo.ref("refs/homeostat/pr/1") or "")])
    with pytest.raises(Tampered, match="belongs to another"):
        bench.forge.get(2)


def kept(files: dict[str, bytes]) -> tuple[str, dict[str, str]]:
    path = next(path for path in files if path.startswith("reviews/"))
    return path, json.loads(files[path])


def turned_into_approval(files: dict[str, bytes]) -> dict[str, bytes | None]:
    path, review = kept(files)
    return {path: json.dumps({**review, "payload": review["payload"].replace("reject", "approve")}).encode()}


def signed_by_the_author_role(files: dict[str, bytes]) -> dict[str, bytes | None]:
    path, review = kept(files)
    other = MemorySigner("review", "other")
    return {path: json.dumps({**review, "signature": "AAAA", "key": other.public.hex()}).encode()}


def cut_short(files: dict[str, bytes]) -> dict[str, bytes | None]:
    path, _ = kept(files)
    return {path: files[path][:-9]}


@pytest.mark.parametrize("change", [turned_into_approval, signed_by_the_author_role, cut_short])
def test_an_altered_review_counts_nothing_and_raises_an_alarm(
    bench: Bench, change: Callable[[dict[str, bytes]], dict[str, bytes | None]]
):
    pull = reviewed(bench)
    tamper(bench, pull.number, change)
    found = bench.forge.get(pull.number)
    assert found is not None
    assert found.reviews == ()
    assert "reviews/" in bench.forge.alarms()[0].what


def test_a_review_carried_over_from_another_pull_request_counts_nothing(bench: Bench):
    first = reviewed(bench, ReviewChoice.APPROVE)
    path, review = kept({p: bench.repo.blob(b) for p, b in bench.repo.files(bench.repo.ref("refs/homeostat/pr/1") or "").items()})
    draft = a_draft(bench, first.base, "f-2")
    second = bench.forge.open(replace(draft, patch=first.patch, trees=first.trees), NOON_MS)
    tamper(bench, second.number, lambda _: {path: json.dumps(review).encode()})
    found = bench.forge.get(second.number)
    assert found is not None
    assert found.reviews == ()
    assert "another pull request" in bench.forge.alarms()[0].what


def test_odd_names_on_the_shelf_are_ignored(bench: Bench):
    pull = opened(bench)
    for name in ("01", "x", "0", "9999999999", "2/3"):
        assert bench.repo.move([RefMove(f"refs/homeostat/pr/{name}", "", pull.head)])
    assert bench.forge.list() == [pull]


# power fails in the middle of a transaction


class PowerFailure(Exception):
    pass


class FailingRepo(PygitRepo):
    """Carries out the first `survives` moves of the next transaction of several refs, then fails."""

    survives = -1

    def move(self, moves: Sequence[RefMove]) -> bool:
        if self.survives < 0 or len(moves) <= self.survives:
            return super().move(moves)
        assert all(super(FailingRepo, self).move([move]) for move in moves[: self.survives])
        raise PowerFailure


def failing(bench: Bench, survives: int) -> EmbeddedForge:
    assert isinstance(bench.repo, PygitRepo)
    repo = FailingRepo(bench.repo.path)
    repo.survives = survives
    return forge_on(repo)


@pytest.mark.parametrize("survives", [0, 1])
def test_opening_again_after_a_crash_opens_one(bench: Bench, survives: int):
    draft = a_draft(bench, start(bench))
    with pytest.raises(PowerFailure):
        failing(bench, survives).open(draft, NOON_MS)
    assert bench.forge.list() == []
    pull = bench.forge.open(draft, NOON_MS)
    assert bench.forge.list() == [pull]
    assert bench.repo.refs("refs/heads/homeostat/") == {f"refs/heads/{pull.source}": pull.head}


@pytest.mark.parametrize("survives", [0, 1, 2])
def test_landing_again_after_a_crash_lands_once(bench: Bench, survives: int):
    pull = opened(bench)
    with pytest.raises(PowerFailure):
        failing(bench, survives).land(pull, "homeostat")
    landed = bench.forge.land(pull, "homeostat")
    assert (landed.reason, landed.commit) == (Reason.MERGED, pull.head)
    assert bench.repo.refs("refs/heads/") == {MAIN: pull.head}
    assert [p.state for p in bench.forge.list()] == [PullState.MERGED]


def test_a_rejection_in_the_middle_of_a_landing_wins(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    pull = opened(bench)
    move = bench.repo.move

    def reviewed_first(moves: list[RefMove]) -> bool:
        monkeypatch.undo()
        give(bench, pull, a_review(pull, ReviewChoice.REJECT))
        return move(moves)

    monkeypatch.setattr(bench.repo, "move", reviewed_first)
    landed = bench.forge.land(pull, "homeostat")
    assert (landed.ok, landed.reason) == (False, Reason.REVIEWED)
    assert bench.repo.ref(MAIN) == pull.base


@pytest.mark.parametrize("survives", [0, 1])
def test_closing_again_after_a_crash_clears_the_branch(bench: Bench, survives: int):
    pull = opened(bench)
    with pytest.raises(PowerFailure):
        failing(bench, survives).close(pull.number, "no")
    assert bench.forge.close(pull.number, "no").state is PullState.CLOSED
    assert bench.repo.refs("refs/heads/homeostat/") == {}


def test_a_leftover_branch_goes_to_the_next_pull_request(bench: Bench):
    pull = opened(bench)
    with pytest.raises(PowerFailure):
        failing(bench, 1).close(pull.number, "no")
    again = bench.forge.open(a_draft(bench, pull.base, content=b"release: 0\n"), NOON_MS)
    bench.forge.close(pull.number, "no")
    assert bench.repo.ref(f"refs/heads/{again.source}") == again.head


@pytest.mark.parametrize("survives", [0, 1])
@pytest.mark.parametrize("moved_again", [False, True])
def test_rebuilding_again_after_a_crash_rebuilds(bench: Bench, survives: int, moved_again: bool):
    pull = opened(bench)
    base = push_by_a_person(bench)
    draft = a_draft(bench, base)
    with pytest.raises(PowerFailure):
        failing(bench, survives).rebuild(pull.number, base, draft.head, draft.patch, draft.trees)
    if moved_again:
        base = push_by_a_person(bench, content=b"once more\n")
        draft = a_draft(bench, base)
    rebuilt = bench.forge.rebuild(pull.number, base, draft.head, draft.patch, draft.trees)
    assert (rebuilt.base, rebuilt.head) == (base, draft.head)
    assert bench.forge.land(rebuilt, "homeostat").ok


def test_a_persons_push_to_a_leftover_branch_is_not_overwritten(bench: Bench):
    draft = a_draft(bench, start(bench))
    theirs = write(bench.repo, draft.head, {"README.md": b"mine"})
    assert bench.repo.move([RefMove(f"refs/heads/{draft.source}", "", theirs)])
    with pytest.raises(Permanent, match="in use by others"):
        bench.forge.open(draft, NOON_MS)


# other processes

OPENER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_git_forge import bench_on
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.testing.check_forge import NOON_MS, a_draft
bench = bench_on(PygitRepo(sys.argv[1]))
draft = a_draft(bench, sys.argv[3])
sys.stdin.readline()
pull = bench.forge.open(draft, NOON_MS)
print(pull.number, bench.forge.land(pull, "homeostat").reason)
"""


def test_many_processes_open_and_land_one_pull_request(bench: Bench):
    base = start(bench)
    assert isinstance(bench.repo, PygitRepo)
    command = [sys.executable, "-c", OPENER, str(bench.repo.path), str(Path(__file__).parent), base]
    openers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    answers = [opener.communicate(timeout=60)[0].strip() for opener in openers]
    assert set(answers) == {"1 merged"}
    assert [pull.state for pull in bench.forge.list()] == [PullState.MERGED]
    assert bench.repo.ref(MAIN) == bench.forge.list()[0].head
