"""Health: how often the book of health says what others expect of an object, and what saying it costs.

`DATA=DIR` is a folder of jsonl files, one case a line: `object`, `expect` (Argo CD's or kstatus's word), perhaps `group`.
Without it the development cases beside the checkout are unpacked; where they are absent only the cost is measured. Where
`make peers` was run, the objects of Argo CD's own tests of all other API groups are scored as well.
Held out are API groups whose rules were written without looking at their cases: chosen by a seeded hash of the group's name
before any case was read.

    .venv/bin/python benchmarks/bench_health.py
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import health_argocd
from figures import Figure, report

from reconciler.documents import load_one
from reconciler.documents.health_rule import HealthCases
from reconciler.health import HealthBook, library_files, library_text
from reconciler.model.revisions import HealthState

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "health.tar.gz"
REACH = {"argo-custom": 0.92, "kstatus": 1.0}  # of files by name; any other file is of kinds not seen
UNSEEN_REACH = 0.85
WORDS = {
    "Healthy": "healthy", "Progressing": "progressing", "Degraded": "degraded", "Suspended": "suspended", "Unknown": "unknown",
    "Missing": "missing", "Current": "healthy", "InProgress": "progressing", "Failed": "degraded",
}  # fmt: skip
Case = dict[str, Any]


def held_out(group: str) -> bool:
    """Whether the rules of a group were written blind."""
    return health_argocd.part(group) == 0


@contextmanager
def folder() -> Iterator[Path | None]:
    """Where the cases are, None when there are none."""
    if given := os.environ.get("DATA"):
        yield Path(given)
    elif not ARCHIVE.exists():
        yield None
    else:
        with tempfile.TemporaryDirectory() as unpacked, tarfile.open(ARCHIVE) as archive:
            archive.extractall(unpacked, filter="data")
            yield Path(unpacked)


def right(book: HealthBook, cases: list[Case]) -> float:
    """The share of cases with the expected state."""
    return sum(book.judge(c["object"]).state.value == WORDS[c["expect"]] for c in cases) / len(cases)


def missed(book: HealthBook, cases: list[Case]) -> int:
    """How many degraded objects were called healthy."""
    degraded = [c for c in cases if WORDS[c["expect"]] == "degraded"]
    return sum(book.judge(c["object"]).state is HealthState.HEALTHY for c in degraded)


def scores(files: list[Path]) -> Iterator[Figure]:
    book, bare = HealthBook(), HealthBook(library=False)
    every: list[Case] = []
    for path in files:
        cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        every += cases
        reach = REACH.get(path.stem, UNSEEN_REACH)
        yield share(f"health, right: {path.stem}", right(book, cases), reach, f"{len(cases)} objects")
        if path.stem == "argo-custom":
            blind = [c for c in cases if held_out(c["group"])]
            groups = len({c["group"] for c in blind})
            note = f"{len(blind)} objects of {groups} API groups, rules written without seeing their cases"
            yield share("health, right: held-out groups", right(book, blind), UNSEEN_REACH, note)
            others = list(others_of({c["group"] for c in cases}))
            every += others
            yield from unseen(book, others)
        yield share(f"health, right by inference alone: {path.stem}", right(bare, cases), None, "the library switched off")
    yield Figure("health, degraded called healthy", missed(book, every), "objects", reach=0, note="in all files")
    yield Figure("health, degraded called healthy by inference alone", missed(bare, every), "objects")


def others_of(known: set[str]) -> Iterator[Case]:
    """Argo CD's own, of groups that are not among the development cases."""
    where = None if os.environ.get("DATA") else health_argocd.folder()
    if where is not None:
        yield from health_argocd.cases(where, known)


def unseen(book: HealthBook, cases: list[Case]) -> Iterator[Figure]:
    for looked, name, reach, how in (
        (False, "Argo CD's other groups", UNSEEN_REACH, "rules written without seeing their objects"),
        (True, "Argo CD's other groups, the third that was looked at", None, "rules written with them at hand"),
    ):
        some = [c for c in cases if health_argocd.looked_at(c["group"]) is looked]
        if some:
            note = f"{len(some)} objects of {len({c['group'] for c in some})} API groups, {how}"
            yield share(f"health, right: {name}", right(book, some), reach, note)


def share(name: str, value: float, reach: float | None, note: str) -> Figure:
    return Figure(name, value, "share", reach=reach, higher_is_better=True, note=note)


def cost() -> Figure:
    """Of one judgement after compile, over the objects of the library's own cases."""
    book = HealthBook()
    objects = [c.object for name in library_files() for c in _cases(name).spec.cases]
    for live in objects:
        book.judge(live)
    spent = []
    for live in objects:
        start = time.perf_counter()
        for _ in range(5):
            book.judge(live)
        spent.append((time.perf_counter() - start) / 5)
    spent.sort()
    middle, slow = spent[len(spent) // 2], spent[len(spent) * 95 // 100]
    return Figure(
        "health, one object (median)", middle * 1e6, "us", reach=100, note=f"p95 {slow * 1e6:.0f} us; {len(spent)} objects"
    )


def _cases(name: str) -> HealthCases:
    path = name.replace(".yaml", ".cases.yaml")
    return load_one(library_text(path) or b"", path, HealthCases).document


def main() -> int:
    with folder() as where:
        files = sorted(where.rglob("*.jsonl")) if where else []
        if not files:
            print("no cases: set DATA to a folder of jsonl files; only the cost is measured", file=sys.stderr)
        figures = [*(scores(files) if files else ()), cost()]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
