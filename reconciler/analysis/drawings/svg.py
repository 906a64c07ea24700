"""What all drawings share: the frame, the colours, text that is escaped, numbers and times in few letters.

Colours are classes: `RULES` in terms of `VARIABLES`, which the pages' style sheet begins with, so that a drawing inside a page is
light or dark as the page is; one that stands alone brings both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

WIDTH, LEFT, RIGHT, TOP = 720, 64, 14, 58

VARIABLES = """\
:root {
  color-scheme: light dark;
  --back: #f6f7f8; --paper: #fff; --ink: #1b2126; --soft: #586570; --line: #d9dfe4; --link: #0a5c9e;
  --good: #17693b; --good-back: #e3f4e9; --bad: #a3242b; --bad-back: #fce8e8; --warn: #7a4d00; --warn-back: #fdf1d6;
  --plain-back: #eaeef1; --brand: #0b6e5d; --focus: #c2410c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #12171b; --paper: #1a2026; --ink: #e4e9ed; --soft: #9fabb5; --line: #313a42; --link: #7ab8f0;
    --good: #7fd6a2; --good-back: #16321f; --bad: #ff9a9a; --bad-back: #3c1a1c; --warn: #f0c36b; --warn-back: #3a2c0d;
    --plain-back: #2a323a; --brand: #4cc2ac; --focus: #ffa35c;
  }
}
"""
RULES = """\
.drawing { display: block; max-width: 100%; height: auto; font: 12px/1.3 system-ui, "Segoe UI", Roboto, sans-serif; }
.drawing .back { fill: var(--paper); }
.drawing text { fill: var(--soft); }
.drawing .title { fill: var(--ink); font-weight: 600; font-size: 13px; }
.drawing .grid { stroke: var(--line); fill: none; }
.drawing .band { fill: var(--brand); fill-opacity: .16; }
.drawing .curve { stroke: var(--link); stroke-width: 1.6; fill: none; stroke-linejoin: round; }
.drawing .limit { stroke: var(--bad); stroke-dasharray: 6 4; fill: none; }
.drawing .alarm { stroke: var(--bad); fill: var(--bad); }
.drawing .change { stroke: var(--warn); fill: var(--warn); }
.drawing .anomaly { stroke: var(--warn); fill: var(--warn); stroke-dasharray: 2 3; }
.drawing .made { stroke: var(--good); fill: var(--good); }
.drawing text.alarm, .drawing text.change, .drawing text.anomaly, .drawing text.made { stroke: none; }
.drawing .call { stroke: var(--soft); fill: none; }
.drawing .tip { fill: var(--soft); }
.drawing .node { fill: var(--plain-back); stroke: var(--line); }
.drawing .node.cause { fill: var(--bad-back); stroke: var(--bad); stroke-width: 2; }
.drawing .node.symptom { fill: var(--warn-back); stroke: var(--warn); }
.drawing .node.affected { stroke: var(--warn); stroke-dasharray: 4 3; }
.drawing .name { fill: var(--ink); }
"""


def svg(width: float, height: float, title: str, parts: Sequence[str], standalone: bool) -> str:
    style = f"<style>{VARIABLES}{RULES}</style>" if standalone else ""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" aria-label="{inert(title)}" {size}>'
    back = f'<rect class="back" width="{width:.0f}" height="{height:.0f}" rx="8"/>'
    return "".join([head, style, back, text_at(RIGHT, 20, cut(title, int(width / 8)), kind="title"), *parts, "</svg>"])


def text_at(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{inert(text)}</text>'


def inert(text: str) -> str:
    """Text that nothing obeys: escaped, and without signs that XML does not know."""
    return escape("".join(c if c.isprintable() else "?" for c in text))


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def short(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if 1_000 <= size < 1e6 else f"{value:.3g}" if math.isfinite(value) else ""


def clock(at_ms: int, span_ms: int) -> str:
    """UTC; the day where more than one is shown. Times that no calendar has are told in seconds."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{at_ms // 1000} s"
    return f"{at:%m-%d %H:%M}" if span_ms > 86_400_000 else f"{at:%H:%M}" if span_ms else f"{at:%H:%M:%S}"
