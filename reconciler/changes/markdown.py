"""A pull request as Markdown: the body that hosted forges show and that the page and CLI print.

In: a PullRequest, and its diff. Out: text that is inert wherever it came from (`wording`), below the size that forges accept.
The requirement table is the verdict's rows, one line each, in the judges' order.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.analysis.drawings import mermaid
from reconciler.changes.wording import code, escape
from reconciler.model.judging import Requirement, Status
from reconciler.model.pulls import Narrative, PullRequest

MAX_BODY = 60_000  # characters; GitHub takes 65,536
MAX_ROWS = 60
MAX_VALUES = 6  # shown of one requirement

_MARKS = {
    Status.SATISFIED: "yes",
    Status.UNSATISFIED: "**no**",
    Status.OVERRIDDEN: "overridden",
    Status.NOT_APPLICABLE: "not applicable",
    Status.ERROR: "**error**",
}


def render_markdown(pull: PullRequest, diff: str = "") -> str:
    """The whole body."""
    told = pull.narrative
    sections = [
        ("What happened", escape(told.what_happened, 800)),
        ("Evidence", _bullets(told.evidence) or "None."),
        *([("Seen before", _bullets(told.seen))] if told.seen else []),
        *_analysis(told),
        *_since(told),
        ("The edit", _bullets(told.edit_in_words)),
        ("Predicted effect", escape(told.predicted)),
        ("Blast radius", escape(told.blast_radius, 800)),
        ("Requirements", requirement_table(pull.requirements)),
        ("How to undo", escape(told.undo)),
        ("Origin", _origin(pull)),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return _with_diff(body[:MAX_BODY], diff) + "\n"


def _analysis(told: Narrative) -> list[tuple[str, str]]:
    """The paragraph, and the calls around the cause as forges draw them; curves are on the incident's page."""
    if not told.explained:
        return []
    drawn = (
        f"\n\n```mermaid\n{mermaid(told.graph)}\n```\n\nThe page of the incident draws the metrics, too." if told.graph else ""
    )
    return [("What the analysis says", escape(told.explained, 800) + drawn)]


def _since(told: Narrative) -> list[tuple[str, str]]:
    """Apart from all that was known when the repair was chosen, and loud where it names another cause."""
    if told.since is None:
        return []
    doubt = "**It names another cause than the one by which this repair was chosen.** " if told.since.doubts else ""
    return [("Seen since", doubt + escape(told.since.text, 800))]


def requirement_table(rows: Sequence[Requirement]) -> str:
    """One line a requirement: what it asks, whether it holds, what it saw, and what would supply the missing part."""
    if not rows:
        return "Not judged yet."
    head = "| requirement | holds | rule | saw | missing | supply it with |\n|---|---|---|---|---|---|"
    more = [f"| and {len(rows) - MAX_ROWS} more in the record |  |  |  |  |  |"] if len(rows) > MAX_ROWS else []
    return "\n".join([head, *(_row(row) for row in rows[:MAX_ROWS]), *more])


def _row(row: Requirement) -> str:
    values = ", ".join(code(f"{name} = {value}", 120) for name, value in row.values[:MAX_VALUES])
    rule = " ".join(filter(None, (code(row.expression, 200), escape(row.document, 120))))
    holds = f"{_MARKS[row.status]} ({escape(row.reason, 40)})"
    return f"| {escape(row.name, 120)} | {holds} | {rule} | {values} | {escape(row.missing)} | {code(row.command)} |"


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"* {escape(text, 600)}" for text in texts)


def _origin(pull: PullRequest) -> str:
    told = pull.narrative
    rows = (("Incident", told.incident), ("Playbook", told.playbook), ("Fingerprint", told.fingerprint), ("Patch", pull.patch),
            ("Base", pull.base), ("Head", pull.head), ("Verdict", pull.verdict))  # fmt: skip
    return "\n".join(f"* {name}: {code(value, 120)}" for name, value in rows if value)


def _with_diff(body: str, diff: str) -> str:
    """The diff in a fence that it cannot close, as far as there is room."""
    room = MAX_BODY - len(body) - 200
    if not diff or room < 200:
        return body
    shown = diff if len(diff) <= room else diff[:room] + "\n(cut here)"
    fence = "`" * max(3, 1 + max(len(run) for run in "".join(c if c == "`" else " " for c in shown).split(" ")))
    return f"{body}\n\n## Diff\n\n{fence}diff\n{shown.rstrip()}\n{fence}"
