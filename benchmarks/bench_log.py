"""The log: what 3,000 records with a checkpoint every 10 weigh after maintenance, and what publishing, reading and proving cost.

Real Git on the disk that TMPDIR names, with every flush that production makes, and real Ed25519 keys. Records have the
size of a verdict with a table of ten requirements (about 3 kB).

    .venv/bin/python benchmarks/bench_log.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, p95, report, times

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing import Ed25519Verifier, FileSigner, generate_keys
from reconciler.audit.keyring import KeyRing
from reconciler.audit.log import Log
from reconciler.audit.remembered import Remembered
from reconciler.audit.state import Trusted
from reconciler.audit.verify import verify_log
from reconciler.audit.view import LogView
from reconciler.model.canonical import digest
from reconciler.model.records import Record, RecordKind, Stamp

COUNT, BATCH = 3_000, 10


def a_record(n: int) -> Record:
    """Every tenth an incident's other kinds; ids are random-looking, as real ones are."""
    kinds = (RecordKind.INCIDENT, RecordKind.DIAGNOSIS, RecordKind.PROPOSAL, RecordKind.BALLOTS, RecordKind.ALARM)
    rows = [
        {
            "name": f"gate-{i}",
            "status": "satisfied",
            "reason": "allowed",
            "expression": "confidence >= threshold",
            "values": [["confidence", f"0.{n % 89 + 10}"]],
        }
        for i in range(10)
    ]
    payload = {
        "head": digest(f"head {n}")[7:47],
        "patch": digest(f"patch {n}"),
        "base": digest(f"base {n // 3}")[7:47],
        "requirements": rows,
    }
    stamp = Stamp(n * 1_000, 1_763_600_000_000 + n * 1_000)
    return Record(
        kinds[n % 5], f"{kinds[n % 5].value}/bench/{n}", digest(f"head {n}")[7:47], f"incident-{n // 10}", stamp, payload
    )


def weight(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "objects").rglob("*") if path.is_file())


def measure(folder: Path) -> list[Figure]:
    publics = generate_keys(folder / "keys")
    signers = {role: FileSigner(folder / "keys" / f"{role}.key", role) for role in publics}
    trusted = Trusted("bench.homeostat.invalid", KeyRing.of({role: key.raw for role, key in publics.items()}), Ed25519Verifier())
    repo = PygitRepo(init_bare(folder / "infra.git", author=publics["author"].raw))
    log = Log(repo, trusted, signers=signers, remembered=Remembered(folder / "checkpoint"))
    tens = []
    for start in range(0, COUNT, BATCH):
        tens += times(lambda start=start: log.publish([a_record(n) for n in range(start, start + BATCH)]), 1)
    loose = weight(repo.path)
    (maintain,) = times(repo.maintain, 1)
    packs = list((repo.path / "objects" / "pack").glob("*.pack"))
    left = sum(1 for path in (repo.path / "objects").glob("[0-9a-f][0-9a-f]/*"))
    packed = weight(repo.path)
    ones = [took for n in range(COUNT, COUNT + 50) for took in times(lambda n=n: log.publish([a_record(n)]), 1)]
    (read,) = times(lambda: sum(1 for _ in Log(repo, trusted).records()), 1)
    (opened,) = times(lambda: Log(repo, trusted).refresh(), 1)
    (view,) = times(lambda: LogView(Log(repo, trusted)).facts(), 1)
    start = time.perf_counter()
    found = verify_log(repo, trusted, memory=log.checkpoint)
    verify = time.perf_counter() - start
    if not found.ok:
        raise SystemExit(f"the log does not verify: {found.problems[:3]}")
    total = COUNT + len(ones)
    kept = _kept(len(packs) + (1 if left else 0), left, packed, loose, maintain)
    return [
        *kept,
        *_taken(ones, tens),
        Figure("log: open at 3,050 records", opened * 1e3, "ms"),
        Figure("log: read and check every record", total / read, "records/s"),
        Figure("log: fold facts from the beginning", view * 1e3, "ms", note="none of these kinds has facts"),
        Figure("log: audit verify", total / verify, "records/s", note=f"{verify:.1f} s; without git fsck"),
    ]


def _kept(packs: int, left: int, packed: int, loose: int, maintain: float) -> list[Figure]:
    return [
        Figure("log: 3,000 records, packs after maintenance", packs, "packs", reach=1, note=f"{left} loose objects left"),
        Figure(
            "log: 3,000 records, size after maintenance",
            packed / 1e6,
            "MB",
            reach=5,
            note=f"{loose / 1e6:.1f} MB before, {maintain:.1f} s to pack",
        ),
    ]


def _taken(ones: list[float], tens: list[float]) -> list[Figure]:
    return [
        Figure(
            f"log: publish {many} to signed checkpoint, median",
            statistics.median(found) * 1e3,
            "ms",
            note=f"p95 {p95(found) * 1e3:.0f} ms",
        )
        for many, found in (("1 record", ones), ("10 records", tens))
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(report(measure(Path(place))))
