import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import peers

from reconciler.adapters.signing import Ed25519Verifier
from reconciler.audit import layout, text
from reconciler.audit.bundles import bundle, trusted_root
from reconciler.audit.export import c2sp_files
from reconciler.audit.log import Log
from reconciler.audit.merkle import fold, leaf_hash, node_hash, root
from reconciler.audit.notes import open_checkpoint, parse_checkpoint, sign_checkpoint, verifier_key
from reconciler.audit.state import Trusted
from reconciler.audit.tiles import split
from reconciler.audit.verify import Problem, Report
from reconciler.errors import Permanent, Tampered
from reconciler.model.keys import PublicKey
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.testing.signing import MemorySigner

Make = Callable[..., Record]
ROOT = bytes(range(32))


@pytest.mark.parametrize(("n", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")])
def test_tile_numbers_are_written_as_c2sp_writes_them(n: int, path: str) -> None:
    assert layout.number(n) == path
    assert layout.tile_path(1, n, 5) == f"tile/1/{path}.p/5"


@pytest.mark.parametrize(
    "wall_ms", [0, 951_782_400_000, 951_868_800_000, 1_763_600_000_000, 4_102_444_799_999, 1_709_164_800_000]
)
def test_months_and_moments_are_those_of_the_calendar(wall_ms: int) -> None:
    moment = dt.datetime.fromtimestamp(wall_ms // 1000, dt.UTC)
    assert layout.month_of(wall_ms) == moment.strftime("%Y-%m")
    assert text.moment(wall_ms) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_every_edge_path_names_its_first_leaf_and_nothing_else_does() -> None:
    assert {layout.edge_start(layout.edge_path(start)) for start in range(600)} == set(range(600))
    for path in ("edge/0/0/001/x", "edge/0/1/001", "edge/0/0/1", "edge/x/0/001"):
        with pytest.raises(Tampered):
            layout.edge_start(path)


def test_a_checkpoint_is_a_c2sp_note_and_opens_with_its_key_only() -> None:
    signer = MemorySigner("log")
    made = sign_checkpoint("log.test", 7, ROOT, signer)
    assert made.note.startswith("log.test\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\N{EM DASH} log.test ")
    assert open_checkpoint(made.note, "log.test", (signer.public,), Ed25519Verifier()) == made
    with pytest.raises(Tampered, match="not signed"):
        open_checkpoint(made.note, "log.test", (MemorySigner("log", "x").public,), Ed25519Verifier())
    with pytest.raises(Tampered, match="not signed"):
        open_checkpoint(made.note, "log.test", (), Ed25519Verifier())
    with pytest.raises(Tampered, match="is of log"):
        open_checkpoint(made.note, "other.test", (signer.public,), Ed25519Verifier())
    assert verifier_key("log.test", signer.public).startswith("log.test+")


def test_a_witness_line_beside_the_logs_own_is_kept() -> None:
    signer = MemorySigner("log")
    made = sign_checkpoint("log.test", 7, ROOT, signer)
    witnessed = made.note + "\N{EM DASH} witness.test AAAAAAAA\n"
    assert open_checkpoint(witnessed, "log.test", (signer.public,), Ed25519Verifier()).note == witnessed


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n",
        "a\n01\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nx\n",
        "a\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nx\n",
        "a\n1\nAAEC\n\nx\n",
        "a\n1\n!!!\n\nx\n",
        "\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nx\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(Tampered, match="malformed"):
        parse_checkpoint(note)


def test_the_same_tree_signed_twice_is_the_same_note() -> None:
    assert sign_checkpoint("log.test", 7, ROOT, MemorySigner("log")) == sign_checkpoint("log.test", 7, ROOT, MemorySigner("log"))


def test_exported_files_are_c2sp_tiles_that_make_the_checkpoints_root(log: Log, record: Make) -> None:
    log.publish([record(n) for n in range(300)])
    files = dict(c2sp_files(log.refresh()))
    expected = ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
    assert sorted(files) == expected
    leaves = [leaf for path in expected[-2:] for leaf in layout.read_entries(files[path], path)]
    hashes = files["tile/0/000"] + files["tile/0/001.p/44"]
    assert b"".join(leaf_hash(leaf) for leaf in leaves) == hashes
    assert files["tile/1/000.p/1"] == fold(split(files["tile/0/000"]))
    assert parse_checkpoint(files["checkpoint"].decode()) == log.checkpoint
    assert (
        node_hash(
            files["tile/1/000.p/1"],
            root(44, lambda level, at: fold(split(files["tile/0/001.p/44"])[at << level : (at + 1) << level])),
        )
        == log.checkpoint.root
    )


def test_an_entry_that_is_not_signed_yet_has_no_bundle(log: Log, trusted: Trusted, record: Make) -> None:
    log.publish([record(1)])
    with pytest.raises(Permanent, match="not in a signed checkpoint"):
        bundle(log.refresh(), 1, trusted)


@pytest.mark.peer
def test_cosign_verifies_a_bundle_of_any_entry_and_refuses_it_with_one_flipped_byte(
    tmp_path: Path, log: Log, trusted, signers, record: Make
) -> None:
    program = str(peers("cosign") / "cosign")
    logged = log.publish([record(n, RecordKind.VERDICT) for n in range(7)])
    (tmp_path / "key.pem").write_text(PublicKey(signers["judge"].public).pem)
    (tmp_path / "root.json").write_text(json.dumps(trusted_root(trusted)))

    def accepted(content: str, entry: LoggedRecord) -> bool:
        (tmp_path / "bundle.json").write_text(content)
        command = [
            program,
            "verify-blob-attestation",
            "--key",
            str(tmp_path / "key.pem"),
            "--bundle",
            str(tmp_path / "bundle.json"),
        ]
        command += ["--trusted-root", str(tmp_path / "root.json"), "--type", "https://homeostat.dev/attestation/verdict/v1"]
        command += ["--digest", entry.record.id.removeprefix("sha256:"), "--digestAlg", "sha256"]
        return subprocess.run(command, capture_output=True, check=False, env={"HOME": str(tmp_path)}).returncode == 0

    for entry in logged:
        assert accepted(json.dumps(bundle(log.refresh(), entry.index, trusted)), entry)
    made = bundle(log.refresh(), 5, trusted)
    good = json.dumps(made)
    proof = made["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    envelope = made["dsseEnvelope"]
    for field in (
        envelope["payload"],
        envelope["signatures"][0]["sig"],
        proof["hashes"][0],
        proof["checkpoint"]["envelope"][-40:-10],
    ):
        encoded = json.dumps(field)[1:-1]
        at = len(encoded) // 2
        broken = encoded[:at] + ("A" if encoded[at] != "A" else "B") + encoded[at + 1 :]
        assert not accepted(good.replace(encoded, broken), logged[5]), field
    assert not accepted(good, logged[4])


def test_a_line_says_what_when_and_about_whom(log: Log) -> None:
    stamp = Stamp(5, 1_763_600_000_000)
    record = Record(
        RecordKind.MERGE,
        "merge/infra/x",
        "0123456789abcdef0123456789abcdef01234567",
        "i1",
        stamp,
        {"playbook": "restore", "by": "homeostat"},
    )
    (logged,) = log.publish([record])
    assert text.line(logged) == "     0  2025-11-20T00:53:20Z  merge       0123456789ab    playbook=restore  by=homeostat"
    shown = text.show(logged)
    assert record.id in shown
    assert "signed by: SHA256:" in shown
    assert text.as_json(logged)["record"]["key"] == "merge/infra/x"


def test_control_characters_of_a_payload_do_not_reach_the_terminal() -> None:
    record = Record(RecordKind.ALARM, "alarm/x", "s\x1b[2J", "", Stamp(0, 0), {"summary": "\x1b]0;owned\x07"})
    logged = LoggedRecord(0, record, {})
    assert "\x1b" not in text.line(logged) + text.show(logged)


def test_a_report_claims_no_more_than_it_checked() -> None:
    good = Report(3, "r", 3, 2, (), objects_checked=False)
    assert "tamper-evident" in text.report(good)
    assert "immutable" not in text.report(good)
    assert "not checked: the object database" in text.report(good)
    bad = Report(3, "r", 3, 2, (Problem("entry", "entry 2", "its payload is missing"),), objects_checked=True)
    assert "PROBLEM  entry 2: its payload is missing" in text.report(bad)
    assert "tamper-evident:" not in text.report(bad)
    assert text.report_json(bad)["ok"] is False
