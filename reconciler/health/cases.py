"""Health tests: every case of a cases file judged with the rules beside it. `homeostat health test` and the library's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.documents import Loaded
from reconciler.documents.health_rule import HealthCase, HealthCases
from reconciler.health.book import HealthBook
from reconciler.health.judgement import Judgement


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: where it is written, what it promises, and how the answer differs ("" when it does not)."""

    where: str
    name: str
    difference: str
    judgement: Judgement


def run_cases(book: HealthBook, item: Loaded[HealthCases]) -> Iterator[CaseResult]:
    """Every case of one file, in order."""
    for index, case in enumerate(item.document.spec.cases):
        found = book.judge(case.object)
        yield CaseResult(item.at("spec", "cases", index), case.name, _difference(case, found), found)


def _difference(case: HealthCase, found: Judgement) -> str:
    decided = f"{found.state}: {found.message} (decided by {found.decided_by})"
    if found.state is not case.expect:
        return f"expected {case.expect}\nfound    {decided}"
    return f"expected to say {case.says!r}\nfound    {decided}" if case.says not in found.message else ""
