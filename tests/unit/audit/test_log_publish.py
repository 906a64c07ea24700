import dataclasses
import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.audit import layout
from reconciler.audit.keyring import KeyRing, TrustedKey
from reconciler.audit.log import MACHINE, Log
from reconciler.audit.redact import REDACTED, Redactor
from reconciler.audit.remembered import Remembered
from reconciler.audit.state import Trusted, load
from reconciler.errors import Misconfigured, Retryable, Tampered
from reconciler.model.records import Record, RecordKind
from reconciler.ports.repo import RefMove
from reconciler.testing.signing import MemorySigner

Make = Callable[..., Record]


class Meddling(PygitRepo):
    """A repository in which `before_move` runs before a ref is moved."""

    before_move: Callable[[Sequence[RefMove]], bool] = staticmethod(lambda _moves: True)

    def move(self, moves: Sequence[RefMove]) -> bool:
        return self.before_move(moves) and super().move(moves)


def test_what_was_published_is_read_back_equal(log: Log, record: Make) -> None:
    records = [record(n, words=["a", {"b": None}], flag=True) for n in range(5)]
    logged = log.publish(records)
    assert [entry.index for entry in logged] == list(range(5))
    assert [entry.record for entry in log.records()] == records
    assert log.get(records[3].id) == logged[3] == log.entry(3) == log.by_key(records[3].key)


def test_a_fresh_reader_without_private_keys_reads_the_same(log: Log, repo: PygitRepo, trusted: Trusted, record: Make) -> None:
    logged = log.publish([record(n) for n in range(5)])
    assert list(Log(repo, trusted).records()) == logged


def test_publishing_again_changes_nothing(log: Log, repo: PygitRepo, record: Make) -> None:
    first = log.publish([record(1), record(2)])
    head = repo.ref(layout.LOG_REF)
    assert log.publish([record(2), record(1)]) == first[::-1]
    assert repo.ref(layout.LOG_REF) == head


def test_a_key_is_written_once_even_twice_in_one_batch_and_by_another_process(
    log: Log, repo, trusted, signers, record: Make
) -> None:
    log.publish([record(1), record(1)])
    other = Log(repo, trusted, signers=signers)
    other.publish([record(1, changed=True), record(2)])
    assert [entry.record.key for entry in log.records()] == [record(1).key, record(2).key]
    assert log.by_key(record(1).key).record == record(1)


def test_a_crash_before_the_checkpoint_is_healed_by_the_next_publish(
    tmp_path: Path, repo, trusted, signers, record: Make
) -> None:
    meddling = Meddling(repo.path)

    def crash_at_checkpoint(moves: Sequence[RefMove]) -> bool:
        if len(moves) == 1:
            raise InterruptedError
        return True

    meddling.before_move = crash_at_checkpoint
    with pytest.raises(InterruptedError):
        Log(meddling, trusted, signers=signers).publish([record(1)])
    healed = Log(repo, trusted, signers=signers)
    assert healed.size == 0
    assert list(healed.records()) == []
    assert [entry.index for entry in healed.publish([record(1), record(2)])] == [0, 1]
    assert healed.size == 2


def test_nothing_is_signed_before_its_leaves_won_the_ref(repo, trusted, signers, record: Make) -> None:
    meddling = Meddling(repo.path)
    seen: list[tuple[str, ...]] = []

    def watch(moves: Sequence[RefMove]) -> bool:
        seen.append(tuple(move.name for move in moves))
        state = load(repo, repo.ref(layout.LOG_REF) or "", trusted)
        if len(moves) == 1:
            assert state.size == 1
            assert state.signed_size == 0
        return True

    meddling.before_move = watch
    Log(meddling, trusted, signers=signers).publish([record(1)])
    assert seen == [(layout.PAYLOADS + "2025-11", layout.LOG_REF), (layout.LOG_REF,)]


def test_a_worker_that_loses_the_race_appends_behind_the_winner(repo, trusted, signers, record: Make) -> None:
    meddling, winner = Meddling(repo.path), Log(repo, trusted, signers=signers)
    races = iter([record(n) for n in range(100, 104)])

    def lose(_moves: Sequence[RefMove]) -> bool:
        if (rival := next(races, None)) is not None:
            winner.publish([rival])
        return True

    meddling.before_move = lose
    loser = Log(meddling, trusted, signers=signers)
    (logged,) = loser.publish([record(1)])
    assert loser.entry(logged.index) == logged
    assert {entry.record.key for entry in winner.records()} == {record(n).key for n in (1, 100, 101, 102, 103)}
    assert winner.size == 5


def test_a_log_that_is_always_busy_is_left_for_later(repo, trusted, signers, record: Make) -> None:
    meddling = Meddling(repo.path)
    meddling.before_move = lambda _moves: False
    with pytest.raises(Retryable, match="busy"):
        Log(meddling, trusted, signers=signers).publish([record(1)])


def test_threads_and_processes_share_one_log(repo, trusted, signers, record: Make) -> None:
    logs = [Log(repo, trusted, signers=signers) for _ in range(3)]
    work = [
        threading.Thread(target=lambda log=log, i=i: [log.publish([record(10 * i + n)]) for n in range(5)])
        for i, log in enumerate(logs)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(entry.record.payload["n"] for entry in logs[0].records()) == sorted(
        10 * i + n for i in range(3) for n in range(5)
    )


def test_batches_that_cross_a_tile_are_kept_whole_and_in_order(log: Log, repo, trusted, record: Make) -> None:
    records = [record(n) for n in range(600)]
    log.publish(records[:250])
    log.publish(records[250:])
    fresh = Log(repo, trusted)
    assert [entry.record for entry in fresh.records(240)] == records[240:]
    assert fresh.entry(599).record == records[599]
    assert fresh.checkpoint == log.checkpoint


def test_a_full_tile_replaces_its_edge(log: Log, repo: PygitRepo, record: Make) -> None:
    for start in range(0, 260, 65):
        log.publish([record(n) for n in range(start, start + 65)])
    head = repo.ref(layout.LOG_REF)
    assert sorted(repo.files(head)) == [
        "checkpoint",
        "edge/1/0/000",
        "index/000",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/000",
    ]


def test_records_are_filtered_by_position_kind_incident_and_subject(log: Log, record: Make) -> None:
    log.publish([record(n, RecordKind.ALARM if n % 2 else RecordKind.INCIDENT) for n in range(10)])
    assert [e.index for e in log.records(4)] == [4, 5, 6, 7, 8, 9]
    assert [e.index for e in log.records(kinds={RecordKind.ALARM})] == [1, 3, 5, 7, 9]
    assert [e.index for e in log.records(incident="incident-1")] == [1, 8]
    assert [e.index for e in log.records(subject="subject-3")] == [3]


def test_each_kind_is_signed_by_the_key_of_its_role(log: Log, signers, record: Make) -> None:
    kinds = (RecordKind.VERDICT, RecordKind.REVIEW, RecordKind.MERGE)
    logged = log.publish([record(n, kind) for n, kind in enumerate(kinds)])
    used = [entry.envelope["signatures"][0]["keyid"] for entry in logged]
    assert used == [signers[role].key_id for role in ("judge", "review", "log")]


def test_a_verdict_signed_by_another_role_is_refused_by_readers(repo, trusted, signers, record: Make) -> None:
    thief = Log(
        repo,
        Trusted(trusted.origin, KeyRing((*trusted.keys.keys, TrustedKey("judge", signers["log"].public))), trusted.verifier),
        signers=signers | {"judge": signers["log"]},
    )
    thief.publish([record(1, RecordKind.VERDICT)])
    with pytest.raises(Tampered, match="not signed by a judge key"):
        list(Log(repo, trusted).records())


def test_a_worker_does_not_sign_leaves_that_it_cannot_check(repo, trusted, signers, record: Make) -> None:
    rogue_key = MemorySigner("log", "rogue")
    rogue = Log(
        repo, Trusted(trusted.origin, KeyRing.of({"log": rogue_key.public}), trusted.verifier), signers={"log": rogue_key}
    )
    meddling = Meddling(repo.path)
    meddling.before_move = lambda moves: len(moves) == 2
    rogue._repo = meddling
    with pytest.raises(Retryable):
        rogue.publish([record(66)])
    with pytest.raises(Tampered, match="not signed by a log key"):
        Log(repo, trusted, signers=signers).publish([record(1)])


def test_a_process_without_the_key_can_read_and_not_publish(log: Log, repo, trusted, record: Make) -> None:
    log.publish([record(1)])
    reader = Log(repo, trusted)
    with pytest.raises(Misconfigured, match="no log key"):
        reader.publish([record(2)])
    assert reader.publish([record(1)])[0].index == 0


def test_an_untrusted_log_key_is_refused_before_it_signs(repo, trusted, signers, record: Make) -> None:
    stranger = Log(repo, trusted, signers=signers | {"log": MemorySigner("log", "other")})
    with pytest.raises(Misconfigured, match="not trusted"):
        stranger.publish([record(1)])
    assert repo.ref(layout.LOG_REF) is None


def test_a_key_revoked_at_a_position_signs_nothing_behind_it(log: Log, repo, trusted, signers, record: Make) -> None:
    log.publish([record(n) for n in range(3)])
    revoked = KeyRing((TrustedKey("log", signers["log"].public, 0, 2),))
    with pytest.raises(Tampered):
        list(Log(repo, Trusted(trusted.origin, revoked, trusted.verifier)).records())


def test_a_log_whose_ref_moved_back_is_refused(log: Log, repo: PygitRepo, record: Make) -> None:
    log.publish([record(1)])
    old = repo.ref(layout.LOG_REF)
    log.publish([record(2)])
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), old)])
    with pytest.raises(Tampered, match="not moved forward"):
        log.refresh()


def test_a_fresh_process_refuses_a_log_that_was_rolled_back(tmp_path: Path, repo, trusted, signers, record: Make) -> None:
    remembered = Remembered(tmp_path / "checkpoint")
    log = Log(repo, trusted, signers=signers, remembered=remembered)
    log.publish([record(1)])
    old = repo.ref(layout.LOG_REF)
    log.publish([record(2)])
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), old)])
    with pytest.raises(Tampered, match="rolled back"):
        Log(repo, trusted, remembered=remembered).refresh()
    with pytest.raises(Tampered, match="rolled back"):
        Log(repo, trusted, signers=signers, remembered=remembered).publish([record(3)])


def test_a_fork_of_the_same_size_is_refused(tmp_path: Path, repo, trusted, signers, record: Make) -> None:
    remembered = Remembered(tmp_path / "checkpoint")
    Log(repo, trusted, signers=signers, remembered=remembered).publish([record(1)])
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), "")])
    Log(repo, trusted, signers=signers).publish([record(2)])
    with pytest.raises(Tampered, match="forked"):
        Log(repo, trusted, remembered=remembered).refresh()


def test_a_restored_older_log_is_accepted_in_a_new_epoch_that_remembers_the_old_one(
    tmp_path: Path, repo, trusted, signers, record: Make
) -> None:
    remembered = Remembered(tmp_path / "checkpoint")
    log = Log(repo, trusted, signers=signers, remembered=remembered)
    log.publish([record(1)])
    old, newest = repo.ref(layout.LOG_REF), log.publish([record(2)])
    lost = log.checkpoint
    repo.move([RefMove(layout.LOG_REF, repo.ref(layout.LOG_REF), old)])
    assert remembered.open_epoch(Log(repo, trusted).checkpoint) == 1
    restored = Log(repo, trusted, signers=signers, remembered=remembered)
    assert restored.publish([record(3)])[0].index == newest[0].index
    assert remembered.read().earlier == (lost.note,)
    assert remembered.read().checkpoint == restored.checkpoint


def test_a_damaged_memory_is_tampering_and_a_missing_one_a_first_use(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "checkpoint")
    assert remembered.read().checkpoint is None
    (tmp_path / "checkpoint").write_text('{"epoch":"x"}')
    with pytest.raises(Tampered, match="damaged"):
        remembered.read()


def test_the_memory_only_moves_forward(tmp_path: Path, log: Log, record: Make) -> None:
    log.publish([record(1)])
    older = log.checkpoint
    log.publish([record(2)])
    remembered = Remembered(tmp_path / "checkpoint")
    remembered.advance(log.checkpoint)
    remembered.advance(older)
    assert remembered.read().checkpoint == log.checkpoint


def test_a_dropped_month_keeps_its_leaves_its_keys_and_the_rest_readable(log: Log, repo, trusted, signers, record: Make) -> None:
    log.publish([record(1)])
    later = Record(RecordKind.INCIDENT, "incident/later", "", "", record(1).stamp.__class__(0, 1_769_000_000_000), {})
    log.publish([later])
    ref = layout.PAYLOADS + "2025-11"
    repo.move([RefMove(ref, repo.ref(ref), "")])
    fresh = Log(repo, trusted, signers=signers)
    assert [entry.record.key for entry in fresh.records()] == ["incident/later"]
    assert fresh.publish([record(1)])[0].index == 0
    assert fresh.size == 2
    with pytest.raises(Tampered, match="payload of log entry 0 is missing"):
        fresh.entry(0)


def test_a_planted_secret_is_nowhere_in_the_repository(repo: PygitRepo, trusted, signers, record: Make) -> None:
    canary = "hunter2-canary-value"
    log = Log(repo, trusted, signers=signers, redact=Redactor([canary]).record)
    (logged,) = log.publish(
        [record(1, text=f"login with {canary}", password="pw-canary-2", nested=[{"apiToken": "tk-canary-3"}])]
    )
    assert logged.record.payload["password"] == REDACTED
    month = repo.ref(layout.PAYLOADS + "2025-11")
    stored = b"".join(repo.read(commit, path) for commit in (month, repo.ref(layout.LOG_REF)) for path in repo.files(commit))
    assert b"canary" not in stored


def test_a_kind_flipped_to_hide_a_record_is_found_while_reading(log: Log, repo: PygitRepo, trusted, record: Make) -> None:
    log.publish([record(1, RecordKind.BRAKE)])
    ref = layout.PAYLOADS + "2025-11"
    head = repo.ref(ref)
    ((path, _),) = repo.files(head).items()
    hidden = repo.read(head, path).replace(b"attestation/brake/", b"attestation/alarm/")
    log_head = repo.ref(layout.LOG_REF)
    pointer, leaves = layout.read_edge(repo.read(log_head, "edge/0/0/000"), "")
    digest = hashlib.sha256(hidden).hexdigest()
    moved = repo.write(head, {layout.payload_path(0, digest): hidden}, "meddle\n", MACHINE, 0, None)
    edge = layout.write_edge(dataclasses.replace(pointer, payload=digest), leaves)
    forged = repo.write(log_head, {"edge/0/0/000": edge}, "meddle\n", MACHINE, 0, None)
    repo.move([RefMove(ref, head, moved), RefMove(layout.LOG_REF, log_head, forged)])
    with pytest.raises(Tampered, match="not the one its leaf names"):
        list(Log(repo, trusted).records(kinds={RecordKind.BRAKE}))
