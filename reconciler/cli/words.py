"""Requirements and verdicts as text: the same lines wherever the CLI shows them."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.changes.wording import line
from reconciler.cli.common import table
from reconciler.model.judging import Requirement, Status

WIDE = 100  # of the values that counted; the page and --json show all
_MARKS = {
    Status.SATISFIED: "ok",
    Status.OVERRIDDEN: "overridden",
    Status.NOT_APPLICABLE: "n/a",
    Status.UNSATISFIED: "MISSING",
    Status.ERROR: "ERROR",
}


def requirements(rows: Sequence[Requirement]) -> str:
    """One line each; what is missing comes with the command that supplies it."""
    if not rows:
        return ""
    lines = [(f"  {_MARKS[r.status]}", r.name, line(", ".join(f"{k}={v}" for k, v in r.values), WIDE), r.document) for r in rows]
    missing = [
        f"  {r.name}: {r.missing or r.expression}{f'   ->  {r.command}' if r.command else ''}" for r in rows if not r.passes
    ]
    return table(lines) + ("\nmissing\n" + "\n".join(missing) if missing else "")
