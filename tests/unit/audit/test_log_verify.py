import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.audit import facts, layout
from reconciler.audit.facts import Merge, admission_record, merge_record, verdict_record
from reconciler.audit.log import MACHINE, Log
from reconciler.audit.state import Trusted
from reconciler.audit.verify import Report, verify_log
from reconciler.errors import Tampered
from reconciler.model.judging import Effect, Subject, Verdict
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.model.revisions import Admission, AdmissionKind
from reconciler.ports.repo import Identity, RefMove
from reconciler.testing.signing import MemorySigner

Make = Callable[..., Record]
MAIN = "refs/heads/main"
STAMP = Stamp(1_700_000_000_000, 1_763_600_000_000)
PERSON = Identity("Ada", "ada@example.com")


def fsck(repo: PygitRepo) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(repo.path), "fsck", "--full", "--strict", "--no-dangling"], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def put(repo: PygitRepo, ref: str, files: dict[str, bytes | None], base: str | None = None) -> None:
    old = repo.ref(ref) or ""
    repo.move([RefMove(ref, old, repo.write(old if base is None else base, files, "meddle\n", MACHINE, 0, None))])


def codes(report: Report) -> set[str]:
    return {problem.code for problem in report.problems}


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_an_honest_log_has_no_problems(log: Log, repo: PygitRepo, trusted: Trusted, record: Make) -> None:
    for start in range(0, 280, 70):
        log.publish([record(n) for n in range(start, start + 70)])
    report = verify_log(repo, trusted, memory=log.checkpoint, objects=lambda: fsck(repo))
    assert report.problems == ()
    assert (report.size, report.entries, report.objects_checked) == (280, 280, True)
    assert report.require() is report


def test_an_empty_repository_has_no_problems_and_an_emptied_one_has(
    log: Log, repo: PygitRepo, trusted: Trusted, record: Make
) -> None:
    assert verify_log(repo, trusted).ok
    log.publish([record(1)])
    memory = log.checkpoint
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), "")])
    report = verify_log(repo, trusted, memory=memory)
    assert "memory" in codes(report)
    with pytest.raises(Tampered, match="rolled back"):
        report.require()


def test_one_flipped_byte_anywhere_in_the_logs_files_is_found(log: Log, repo: PygitRepo, trusted: Trusted, record: Make) -> None:
    log.publish([record(n) for n in range(2)])
    log.publish([record(2)])
    head = repo.ref(layout.LOG_REF)
    for path in repo.files(head):
        data = repo.read(head, path)
        for at in range(0, len(data), 31):
            put(repo, layout.LOG_REF, {path: flipped(data, at)}, base=head)
            assert not verify_log(repo, trusted).ok, f"{path} byte {at}"


def test_one_flipped_byte_anywhere_in_the_payloads_is_found(log: Log, repo: PygitRepo, trusted: Trusted, record: Make) -> None:
    log.publish([record(n) for n in range(2)])
    ref = layout.PAYLOADS + "2025-11"
    head = repo.ref(ref)
    ((path, _),) = repo.files(head).items()
    data = repo.read(head, path)
    for at in range(0, len(data), 23):
        put(repo, ref, {path: flipped(data, at)}, base=head)
        assert "entry" in codes(verify_log(repo, trusted)), f"byte {at}"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/1", "tile/entries/000", "index/000", "edge/1/0/000", "checkpoint"])
def test_one_flipped_byte_in_a_full_tile_is_found(log: Log, repo: PygitRepo, trusted: Trusted, record: Make, path: str) -> None:
    log.publish([record(n) for n in range(260)])
    head = repo.ref(layout.LOG_REF)
    data = repo.read(head, path)
    for at in (0, len(data) - 1):
        put(repo, layout.LOG_REF, {path: flipped(data, at)}, base=head)
        assert not verify_log(repo, trusted).ok, f"byte {at}"


@pytest.mark.parametrize("path", ["checkpoint", "edge/0/0/000", "edge/0/0/001"])
def test_a_missing_file_of_the_log_is_found(log: Log, repo: PygitRepo, trusted: Trusted, record: Make, path: str) -> None:
    log.publish([record(0)])
    log.publish([record(1)])
    put(repo, layout.LOG_REF, {path: None})
    assert not verify_log(repo, trusted).ok


@pytest.mark.parametrize("path", ["note", "edge/0/0/005", "tile/0/000", "index/000"])
def test_a_file_that_does_not_belong_into_the_log_is_found(log: Log, repo, trusted, record: Make, path: str) -> None:
    log.publish([record(0)])
    put(repo, layout.LOG_REF, {path: b"x"})
    assert not verify_log(repo, trusted).ok


def test_a_payload_file_that_no_entry_names_is_found(log: Log, repo, trusted, record: Make) -> None:
    log.publish([record(0)])
    put(repo, layout.PAYLOADS + "2025-11", {"000/0/" + "0" * 64: b"x"})
    assert codes(verify_log(repo, trusted)) == {"payload"}


def test_a_dropped_month_is_a_problem_until_retention_is_named(log: Log, repo, trusted, record: Make) -> None:
    log.publish([record(0)])
    ref = layout.PAYLOADS + "2025-11"
    repo.move([RefMove(ref, repo.ref(ref), "")])
    assert codes(verify_log(repo, trusted)) == {"entry"}
    report = verify_log(repo, trusted, dropped_months=["2025-11"])
    assert report.ok
    assert report.dropped == (0,)


def test_one_flipped_byte_anywhere_in_a_pack_is_found(
    tmp_path: Path, log: Log, repo: PygitRepo, trusted: Trusted, record: Make
) -> None:
    log.publish([record(n) for n in range(3)])
    repo.maintain()
    (pack,) = (repo.path / "objects" / "pack").glob("*.pack")
    good = pack.read_bytes()
    pack.chmod(0o644)
    for at in range(0, len(good), max(1, len(good) // 25)):
        pack.write_bytes(flipped(good, at))
        fresh = repo.path
        assert not verify_log(PygitRepo(fresh), trusted, objects=lambda: fsck(repo)).ok, f"byte {at} of {len(good)}"
    pack.write_bytes(good)
    assert verify_log(PygitRepo(repo.path), trusted, objects=lambda: fsck(repo)).ok


def test_a_rewritten_history_is_found_even_when_its_newest_tree_is_right(log: Log, repo, trusted, record: Make) -> None:
    log.publish([record(0)])
    log.publish([record(1)])
    head = repo.ref(layout.LOG_REF)
    note = repo.read(head, layout.CHECKPOINT)
    put(repo, layout.LOG_REF, {layout.CHECKPOINT: repo.read(repo.history(head)[2].id, layout.CHECKPOINT)})
    put(repo, layout.LOG_REF, {layout.CHECKPOINT: note})
    assert "history" in codes(verify_log(repo, trusted))


def test_leaves_without_a_checkpoint_are_reported(log: Log, repo, trusted, record: Make) -> None:
    log.publish([record(0)])
    log.publish([record(1)])
    parent = repo.history(repo.ref(layout.LOG_REF))[1].id
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), parent)])
    assert codes(verify_log(repo, trusted)) == {"unsigned"}


def test_a_log_signed_by_another_key_is_refused(repo, trusted, signers, log: Log, record: Make) -> None:
    log.publish([record(0)])
    other = Trusted(trusted.origin, trusted.keys.__class__.of({"log": MemorySigner("log", "x").public}), trusted.verifier)
    assert codes(verify_log(repo, other)) == {"checkpoint"}
    renamed = Trusted("elsewhere.test", trusted.keys, trusted.verifier)
    assert codes(verify_log(repo, renamed)) == {"checkpoint"}


# the protected branch


class Branch:
    """A protected branch with a root that init pinned, and machine commits with their records."""

    def __init__(self, repo: PygitRepo, log: Log, author: MemorySigner) -> None:
        self.repo, self.log, self.author = repo, log, author
        self.tip = repo.write("", {"a": b"0\n"}, "Begin\n", MACHINE, 0, None)
        repo.move([RefMove(MAIN, "", self.tip)])
        log.publish([admission_record("infra", Admission(self.tip, AdmissionKind.ROOT, "owner"), STAMP)])

    def commit(self, text: str, signer: MemorySigner | None, who: Identity = MACHINE, message: str = "Repair\n") -> str:
        made = self.repo.write(self.tip, {"a": text.encode()}, message, who, 0, signer)
        self.repo.move([RefMove(MAIN, self.tip, made)])
        self.base, self.tip = self.tip, made
        return made

    def judge(self, head: str, effect: Effect = Effect.MERGE) -> LoggedRecord:
        verdict = Verdict(Subject("infra", "main", self.base, head, "p", (), "d"), effect, "allowed", (), 0)
        return self.log.publish([verdict_record(verdict, STAMP)])[0]

    def merge(self, commit: str, verdict: str, base: str | None = None, by: str = "homeostat") -> None:
        merge = Merge("infra", "main", commit, self.base if base is None else base, verdict, by, machine=True)
        self.log.publish([merge_record(merge, STAMP)])


@pytest.fixture
def branch(repo: PygitRepo, log: Log, signers: dict[str, MemorySigner]) -> Branch:
    return Branch(repo, log, signers["author"])


def problems(repo: PygitRepo, trusted: Trusted) -> list[str]:
    return [problem.text for problem in verify_log(repo, trusted).problems]


def test_a_judged_and_merged_machine_commit_and_a_persons_commit_pass(branch: Branch, repo, trusted) -> None:
    trailer = f"Repair\n\nHomeostat-Checkpoint: {branch.log.checkpoint.trailer}\n"
    commit = branch.commit("1\n", branch.author, message=trailer)
    branch.merge(commit, branch.judge(commit).record.id)
    branch.commit("2\n", None, PERSON)
    assert problems(repo, trusted) == []


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda b: b.commit("1\n", b.author), "without a merge record"),
        (lambda b: b.merge(b.commit("1\n", b.author), "sha256:none"), "without the verdict"),
        (lambda b: b.merge(b.commit("1\n", None), b.judge(b.tip).record.id), "author key did not sign"),
        (
            lambda b: b.merge(b.commit("1\n", MemorySigner("author", "thief")), b.judge(b.tip).record.id),
            "author key did not sign",
        ),
        (lambda b: b.merge(b.commit("1\n", b.author), b.judge(b.tip, Effect.DENY).record.id), "against its verdict"),
        (lambda b: b.merge(b.commit("1\n", b.author), b.judge(b.tip, Effect.REVIEW).record.id), "needed a person"),
        (lambda b: b.merge(b.commit("1\n", b.author), b.judge(b.tip).record.id, base="0" * 40), "another base"),
        (
            lambda b: b.commit("1\n", None, PERSON) and b.commit("2\n", b.author, message="R\n\nHomeostat-Checkpoint: 1 AAAA\n"),
            "names a checkpoint",
        ),
        (lambda b: b.commit("1\n", b.author, message="R\n\nHomeostat-Checkpoint: 99 AAAA\n"), "names a checkpoint"),
    ],
)
def test_a_machine_commit_without_its_records_is_found(
    branch: Branch, repo, trusted, break_it: Callable[[Branch], object], said: str
) -> None:
    break_it(branch)
    assert any(said in text for text in problems(repo, trusted))


def test_a_verdict_about_another_head_does_not_count(branch: Branch, repo, trusted) -> None:
    first = branch.commit("1\n", branch.author)
    verdict = branch.judge(first).record.id
    branch.merge(first, verdict)
    second = branch.commit("2\n", branch.author)
    branch.merge(second, verdict)
    assert any("without the verdict" in text for text in problems(repo, trusted))


def test_a_verdict_given_after_the_merge_is_found(branch: Branch, repo, trusted) -> None:
    commit = branch.commit("1\n", branch.author)
    verdict = Verdict(Subject("infra", "main", branch.base, commit, "p", (), "d"), Effect.MERGE, "allowed", (), 0)
    branch.merge(commit, verdict_record(verdict, STAMP).id)
    branch.judge(commit)
    assert any("before it was judged" in text for text in problems(repo, trusted))


def test_a_branch_that_was_rolled_back_is_found(branch: Branch, repo, trusted) -> None:
    commit = branch.commit("1\n", branch.author)
    branch.merge(commit, branch.judge(commit).record.id)
    repo.move([RefMove(MAIN, commit, branch.base)])
    assert any("no longer on main" in text for text in problems(repo, trusted))


def test_a_review_that_a_person_merged_passes(branch: Branch, repo, trusted) -> None:
    commit = branch.commit("1\n", branch.author)
    branch.merge(commit, branch.judge(commit, Effect.REVIEW).record.id, by="ada")
    assert problems(repo, trusted) == []


def test_every_kind_of_record_can_be_published_and_verified(log: Log, repo, trusted, record: Make) -> None:
    quiet = {
        RecordKind.INCIDENT,
        RecordKind.DIAGNOSIS,
        RecordKind.PROPOSAL,
        RecordKind.BALLOTS,
        RecordKind.REFUSAL,
    }
    quiet |= {RecordKind.CLOSED, RecordKind.ALARM, RecordKind.CONFIGURED}
    log.publish([record(n, kind) for n, kind in enumerate(sorted(quiet))])
    assert verify_log(repo, trusted).ok


def test_a_review_is_published_and_verified_and_one_that_does_not_fit_is_told(log: Log, repo, trusted, record: Make) -> None:
    said = Review("ada", ReviewChoice.APPROVE, "h", "p", (), "cli", 1)
    log.publish([facts.record(RecordKind.REVIEW, "infra/1/ada/1/approve", Stamp(1, 1), facts.Reviewed(1, said), subject="h")])
    assert verify_log(repo, trusted).ok
    log.publish([record(9, RecordKind.REVIEW)])
    assert not verify_log(repo, trusted).ok
