"""What happened when: one line an event, with its place in time."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.analysis.drawings.svg import LEFT, TOP, WIDTH, clock, cut, inert, svg, text_at
from reconciler.model.drawings import Event, MarkKind

LINE = 24


def timeline_svg(events: Sequence[Event], *, standalone: bool = False) -> str:
    """One line an event, with its place in time."""
    if not events:
        return ""
    start, end = events[0].at_ms, max(events[-1].at_ms, events[0].at_ms + 1)
    axis = 110.0
    parts = [f'<path class="grid" d="M{LEFT + 16} {TOP - 20}V{TOP + LINE * len(events) - 20}H{LEFT + 16 + axis:.0f}"/>']
    for row, event in enumerate(events):
        y = TOP + row * LINE
        x = LEFT + 16 + axis * (event.at_ms - start) / (end - start)
        kind = event.kind if event.kind in set(MarkKind) else "change"
        parts.append(text_at(LEFT + 8, y, clock(event.at_ms, 0), anchor="end"))
        parts.append(
            f'<path class="grid" d="M{LEFT + 16} {y - 4}H{x:.1f}"/><circle class="{kind}" cx="{x:.1f}" cy="{y - 4}" r="4"/>'
        )
        who = f"{event.component}: " if event.component and event.component not in event.text else ""
        told = f"{event.kind}: {who}{event.text}"
        parts.append(f"<g><title>{inert(told)}</title>{text_at(LEFT + 34 + axis, y, cut(told, 70), kind='name')}</g>")
    return svg(WIDTH, TOP + LINE * len(events), "What happened when", parts, standalone)
