"""An explanation as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from reconciler.model.explanations import Explanation, call_in_words, in_words, shares_in_words
from reconciler.model.findings import Finding

WIDE = 110
ROWS = 12
FORETOLD = ("risk", "breach", "forecast")


def told(explanation: Explanation, findings: Sequence[Finding]) -> str:
    """The summary, then why, then what else was seen; what is empty is left out."""
    cause = explanation.cause
    parts = [
        textwrap.fill(explanation.summary, WIDE),
        _section("how it came", [f"{n}. {step}" for n, step in enumerate(explanation.chain, start=1)]),
        _section("evidence", _evidence(explanation)),
        _section("foretold", [f.text for f in findings if f.kind in FORETOLD][:ROWS]),
        _section(f"metrics that speak most for {cause}", shares_in_words(explanation)),
        _section("calls in trouble", list(map(call_in_words, explanation.calls))),
        _section("moves with what users see", [f"{metric} of {who}: {alike[:4]}" for who, metric, alike in explanation.health]),
        _section("longest ways", [in_words(path) for path in explanation.paths]),
        _section(f"falls when {cause} falls", [", ".join(explanation.falls)] if explanation.falls else []),
        _section("confirmed if", [f"- {text}" for text in explanation.confirm]),
        _section("refuted if", [f"- {text}" for text in explanation.refute]),
        _section("unknown", [f"{f.detector}: {f.text}" for f in findings if f.kind == "unknown"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, lines: Sequence[str]) -> str:
    rows = [textwrap.fill(line, WIDE, initial_indent="  ", subsequent_indent="     ", break_on_hyphens=False) for line in lines]
    return "\n".join([title, *rows]) if lines else ""


def _evidence(explanation: Explanation) -> list[str]:
    rows = [f"{float(row.confidence):.2f} {row.kind:<8} {row.text}" for row in explanation.evidence[:ROWS]]
    more = len(explanation.evidence) - ROWS
    return [*rows, *([f"and {more} more with --json"] if more > 0 else [])]
