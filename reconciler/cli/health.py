"""`homeostat health`: the cases beside the health rules, and why an object has the health it has.

Exit code 1 when a case differs, and when an explained object is degraded or unknown, so that scripts can ask.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.common import answer, table
from reconciler.cli.rules import report
from reconciler.errors import Permanent

if TYPE_CHECKING:
    from reconciler.health import HealthBook

Result = tuple[str, str, str]  # where, name, what differs ("" when nothing does)
MAX_BYTES = 64 * 1024 * 1024  # of a file of live objects
MAX_DEPTH = 200


def test(arguments: argparse.Namespace) -> int:
    """Every case beside the rules; a rule without cases fails too, because nothing shows what it says."""
    return report(arguments, list(_shipped() if arguments.library else _own(arguments.path)))


def _shipped() -> Iterator[Result]:
    from reconciler.health import HealthBook, library_files, library_text

    files = {name: library_text(name) or b"" for name in library_files()}
    cases = {name: data for name in files if (data := library_text(_beside(name)))}
    for name in files:
        yield from _run(HealthBook(), name, _beside(name), cases.get(name))


def _own(path: Path) -> Iterator[Result]:
    from reconciler.bootstrap.checkout import documents
    from reconciler.documents import load_tree
    from reconciler.documents.health_rule import HealthRule
    from reconciler.documents.tree import CASES
    from reconciler.health import HealthBook

    files = documents(path)
    rules = load_tree(files).of(HealthRule)
    book = HealthBook(rules)
    for name in sorted({loaded.path for loaded in rules}):
        stem = name.rsplit(".", 1)[0]
        beside = next((stem + suffix for suffix in CASES if stem + suffix in files), stem + CASES[0])
        yield from _run(book, name, beside, files.get(beside))


def _run(book: HealthBook, name: str, beside: str, data: bytes | None) -> Iterator[Result]:
    from reconciler.documents import load_one
    from reconciler.documents.health_rule import HealthCases
    from reconciler.health import run_cases

    if data is None:
        yield name, name, f"has no cases: write {beside}"
        return
    for result in run_cases(book, load_one(data, beside, HealthCases)):
        yield result.where, result.name, result.difference


def _beside(name: str) -> str:
    return name.removesuffix(".yaml") + ".cases.yaml"


def explain(arguments: argparse.Namespace) -> int:
    """One line an object: state, who decided, what it says."""
    book = _book(arguments.path)
    found = [(_named(live), book.judge(live)) for live in _objects(arguments.file)]
    if not found:
        raise Permanent(f"{arguments.file} holds no objects", next_step="kubectl get KIND NAME -o yaml > FILE")
    rows = [(judged.state.value, name, judged.decided_by, judged.message) for name, judged in found]
    value = [{"object": name, "state": state, "decided_by": by, "message": text} for state, name, by, text in rows]
    answer(arguments, value, table(rows))
    return 1 if any(state in ("degraded", "unknown") for state, *_ in rows) else 0


def _book(path: Path | None) -> HealthBook:
    from reconciler.health import HealthBook

    if path is None:
        return HealthBook()
    from reconciler.bootstrap.checkout import documents
    from reconciler.documents import load_tree
    from reconciler.documents.health_rule import HealthRule

    return HealthBook(load_tree(documents(path)).of(HealthRule))


def _objects(file: Path) -> Iterator[object]:
    from reconciler.yamltext import Reading, kubernetes, parse

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise Permanent(f"cannot read {file}: {error.strerror}") from error
    for document in parse(data, str(file), Reading(MAX_BYTES, 10_000, MAX_DEPTH, kubernetes)):
        value = document.value
        items = value.get("items") if isinstance(value, Mapping) and str(value.get("kind", "")).endswith("List") else None
        yield from items if isinstance(items, list) else () if value is None else (value,)


def _named(live: object) -> str:
    """Kind, namespace and name, as far as they are there."""
    if not isinstance(live, Mapping):
        return "?"
    metadata: Any = live.get("metadata")
    names = [metadata.get(key) for key in ("namespace", "name")] if isinstance(metadata, Mapping) else []
    return "/".join(str(part) for part in (live.get("kind", "?"), *names) if part)
