"""One metric over time: its curve, what was to be expected, its limit and its marks."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from reconciler.analysis.drawings.svg import LEFT, RIGHT, TOP, WIDTH, clock, cut, inert, short, svg, text_at
from reconciler.model.drawings import Mark, MarkKind, Plot

HEIGHT, BOTTOM = 230, 26
LABELLED = (MarkKind.ALARM, MarkKind.MADE, MarkKind.CHANGE, MarkKind.ANOMALY)
LETTER = 7.0  # pixels of a small letter: enough to keep labels apart


def plot_svg(plot: Plot, *, standalone: bool = False) -> str:
    """One metric: its curve, what was to be expected, its limit and its marks."""
    title = f"{plot.metric} of {plot.component}"
    if len(plot.points) < 2:
        return svg(WIDTH, HEIGHT, title, [text_at(LEFT, TOP + 40, "nothing was measured")], standalone)
    scale = _Scale(plot)
    curve = " ".join(f"{scale.x(at):.1f},{scale.y(float(value)):.1f}" for at, value in plot.points)
    parts = [
        *_axes(scale),
        *_band(scale, plot),
        f'<polyline class="curve" points="{curve}"/>',
        *_limit(scale, plot),
        *_marks(scale, plot),
    ]
    return svg(WIDTH, HEIGHT, title, parts, standalone)


class _Scale:
    """From times and values to places; the curve and the limit are seen whole, an expectation as far as it fits."""

    def __init__(self, plot: Plot) -> None:
        self.start, self.end = plot.points[0][0], max(plot.points[-1][0], plot.points[0][0] + 1)
        values = [float(value) for _, value in plot.points]
        if plot.limit:
            values.append(float(plot.limit))
        low, high = min(values), max(values)
        within = [float(edge) for _, *edges in plot.band for edge in edges]
        reach = high - low or abs(high) or 1.0
        values += [edge for edge in within if low - reach <= edge <= high + reach]
        self.low, self.high = min(values), max(values)
        if self.high / 2 - self.low / 2 <= 0:
            room = max(abs(self.low or 1.0) / 2, sys.float_info.min)  # half of the least number is nothing
            self.low, self.high = self.low - room, self.high + room

    def x(self, at_ms: int) -> float:
        share = (at_ms - self.start) / (self.end - self.start)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        half = self.high / 2 - self.low / 2  # halves: the range of the largest numbers overflows
        share = (value / 2 - self.low / 2) / half
        return HEIGHT - BOTTOM - min(1.05, max(-0.05, share)) * (HEIGHT - TOP - BOTTOM)


def _axes(scale: _Scale) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        value = scale.low * (1 - share) + scale.high * share
        y = scale.y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield text_at(LEFT - 6, y + 4, short(value), anchor="end")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = round(scale.start + share * (scale.end - scale.start))
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        yield text_at(scale.x(at), HEIGHT - 8, clock(at, scale.end - scale.start), anchor=anchor)


def _band(scale: _Scale, plot: Plot) -> Iterator[str]:
    if len(plot.band) < 2 or plot.band[-1][0] <= scale.start or plot.band[0][0] >= scale.end:
        return
    upper = [f"{scale.x(at):.1f},{scale.y(float(high)):.1f}" for at, _, high in plot.band]
    lower = [f"{scale.x(at):.1f},{scale.y(float(low)):.1f}" for at, low, _ in reversed(plot.band)]
    yield f'<polygon class="band" points="{" ".join(upper + lower)}"/>'
    yield text_at(LEFT, TOP - 22, f"shaded: {plot.band_means}")


def _limit(scale: _Scale, plot: Plot) -> Iterator[str]:
    if plot.limit:
        y = scale.y(float(plot.limit))
        yield f'<path class="limit" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield text_at(WIDTH - RIGHT, y - 4, f"limit {short(float(plot.limit))}", anchor="end")


def _marks(scale: _Scale, plot: Plot) -> Iterator[str]:
    """A line each; a label where there is room, the alarm's first; what has none still tells when pointed at."""
    taken: list[tuple[float, float]] = []
    for mark in sorted(plot.marks, key=lambda m: (LABELLED.index(m.kind), m.at_ms)):
        x = scale.x(mark.at_ms)
        yield f'<path class="{mark.kind.value}" d="M{x:.1f} {TOP - 4}V{HEIGHT - BOTTOM}"><title>{_said(mark)}</title></path>'
        text = cut(mark.text, 34)
        wide = LETTER * len(text)
        for begin in (min(max(x - wide / 2, LEFT), WIDTH - RIGHT - wide), x - wide - 4, x + 4):
            fits = begin >= LEFT and begin + wide <= WIDTH - RIGHT
            if fits and all(begin > right + 8 or begin + wide + 8 < left for left, right in taken):
                yield text_at(begin, TOP - 8, text, kind=mark.kind.value)
                taken.append((begin, begin + wide))
                break


def _said(mark: Mark) -> str:
    return inert(f"{mark.text}, {clock(mark.at_ms, 0)}")
