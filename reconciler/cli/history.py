"""`homeostat history`: what was applied of a unit or an object, newest first, from the signed log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.cli.common import ago, answer, looking
from reconciler.cli.objects import Applied, applies, named_in, only, wanted
from reconciler.errors import Permanent

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading
    from reconciler.model.revisions import StepResult

SHOWN = 10  # objects of one apply, unless an object was asked for; JSON has them all
_DONE = {"create": "created", "update": "updated", "prune": "deleted"}


def run(arguments: argparse.Namespace) -> int:
    with looking(arguments) as home:
        found = _about(arguments.subject, applies(home))[: arguments.limit]
        value = {"subject": arguments.subject, "applies": [_value(home, one, results) for one, results in found]}
        answer(arguments, value, "\n".join(line for entry in value["applies"] for line in _lines(home, entry)))
    return 0


def _about(subject: str, log: Sequence[Applied]) -> list[tuple[Applied, tuple[StepResult, ...]]]:
    """A unit's applies with all that they did, or an object's with what they did to it."""
    if "/" not in subject:
        found = [(one, one.changes.results) for one in log if one.changes.unit == subject]
        if not found:
            units = ", ".join(sorted({one.changes.unit for one in log})[:20]) or "nothing"
            raise Permanent(f"nothing of a unit {subject!r} was ever applied", next_step=f"applied were: {units}")
        return found
    unit, object_id = only(subject, named_in(log, wanted(subject)))
    return [(one, (result,)) for one in log if one.changes.unit == unit and (result := one.of(object_id))]


def _value(home: Reading, one: Applied, results: tuple[StepResult, ...]) -> dict[str, Any]:
    changes = one.changes
    info = home.repo.commit(changes.revision) if changes.revision else None
    return {
        "record": one.index,
        "clock_ms": one.clock_ms,
        "unit": changes.unit,
        "target": changes.target,
        "revision": changes.revision,
        "subject": info.subject if info else "",
        "who": who(home, changes.revision),
        "reason": changes.reason,
        "ok": all(r.ok for r in results) if results else changes.ok,
        "results": results,
    }


def who(home: Reading, revision: str) -> str:
    """Who brought a commit onto the branch."""
    facts = home.ledger.facts()
    merge, admission = facts.merges.get(revision), facts.admissions.get(revision)
    info = home.repo.commit(revision) if revision else None
    if merge:
        number = f" (#{merge.value.number})" if merge.value.number else ""
        return f"merged by {merge.value.by}{number}"
    if admission and admission.value.principal:
        return admission.value.principal
    return f"{info.author_name} <{info.author_email}>" if info else "unknown"


def _lines(home: Reading, entry: dict[str, Any]) -> Iterator[str]:
    outcome = "ok" if entry["ok"] else f"FAILED ({entry['reason']})"
    when = ago(home.clock, entry["clock_ms"])
    told = f"  {entry['subject']}" if entry["subject"] else ""
    where = f"{entry['unit']} on {entry['target']} at {entry['revision'][:12]}"
    yield f"{when}  {where}  {outcome}{told}   [record {entry['record']}]"
    yield f"    {entry['who']}"
    results = entry["results"]
    bad_first = sorted(results, key=lambda r: r.ok)
    yield from (f"    {result(r)}" for r in bad_first[:SHOWN])
    if len(results) > SHOWN:
        yield f"    and {len(results) - SHOWN} more; --json names them"
    if not results:
        yield "    nothing had to be changed"


def result(found: StepResult) -> str:
    if found.ok:
        return f"{_DONE[found.verb.value]} {found.id}{': ' + found.detail if found.detail else ''}"
    return f"not {_DONE[found.verb.value]} {found.id}: {found.reason}{', ' + found.detail if found.detail else ''}"
