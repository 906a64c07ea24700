"""An explanation as files that stand alone: one page, every drawing, and all of it as JSON. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape

from reconciler.analysis.drawings import RULES, VARIABLES, inline
from reconciler.analysis.drawings import files as drawn
from reconciler.cli.diagnose_text import FORETOLD
from reconciler.model.canonical import plain
from reconciler.model.explanations import Explanation, call_in_words, in_words, shares_in_words
from reconciler.model.findings import Finding

STYLE = """
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem}h2{font-size:1.08rem;margin:1.6rem 0 .4rem}p,li{overflow-wrap:anywhere}.drawing{margin:.8rem 0}
.drawing .back{stroke:var(--line)}table{border-collapse:collapse;font-size:.88rem}.wide{overflow-x:auto}
td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
"""


def files(explanation: Explanation, findings: Sequence[Finding]) -> dict[str, str]:
    """By name."""
    value = plain({"explanation": explanation, "findings": tuple(findings)})
    return {
        "index.html": page(explanation, findings),
        "explanation.json": json.dumps(value, sort_keys=True, indent=1) + "\n",
    } | drawn(explanation.drawings)


def page(explanation: Explanation, findings: Sequence[Finding]) -> str:
    """The same content as the terminal's, with the drawings."""
    title = f"Likeliest cause: {explanation.cause}" if explanation.cause else "No cause is known"
    rows = [(f"{float(r.confidence):.2f}", r.kind, r.text, r.detector) for r in explanation.evidence]
    body = [
        f"<h1>{escape(title)}</h1><p>{escape(explanation.summary)}</p>",
        _list("How it came", explanation.chain, "ol"),
        _head("Drawn", inline(explanation.drawings)),
        _head("Evidence", [_table(("confidence", "kind", "what", "detector"), rows)] if rows else []),
        _list("Foretold", [f.text for f in findings if f.kind in FORETOLD]),
        _list(f"Metrics that speak most for {explanation.cause}", shares_in_words(explanation)),
        _list("Calls in trouble", map(call_in_words, explanation.calls)),
        _list("Moves with what users see", [f"{metric} of {who}: {alike[:4]}" for who, metric, alike in explanation.health]),
        _list("Longest ways", map(in_words, explanation.paths)),
        _list(f"Falls when {explanation.cause} falls", explanation.falls),
        _list("Confirmed if", explanation.confirm),
        _list("Refuted if", explanation.refute),
        _list("Unknown", [f"{f.detector}: {f.text}" for f in findings if f.kind == "unknown"]),
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    view = '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    return f"{head}{view}<style>{VARIABLES}{STYLE}{RULES}</style><main>{''.join(body)}</main></html>\n"


def _head(title: str, parts: Sequence[str]) -> str:
    return f"<h2>{escape(title)}</h2>{''.join(parts)}" if parts else ""


def _list(title: str, texts: Iterable[str], tag: str = "ul") -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return _head(title, [f"<{tag}>{items}</{tag}>"] if items else [])


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
