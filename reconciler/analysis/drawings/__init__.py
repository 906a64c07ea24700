"""Drawings as SVG and Mermaid: the same values give the same bytes, on every machine, with the standard library alone.

Every text is escaped, and no drawing holds a script, a link or anything from elsewhere.
"""

from __future__ import annotations

from reconciler.analysis.drawings.graphs import graph_svg, mermaid
from reconciler.analysis.drawings.plots import plot_svg
from reconciler.analysis.drawings.svg import RULES, VARIABLES
from reconciler.analysis.drawings.timelines import timeline_svg
from reconciler.model.drawings import Drawings

__all__ = ["RULES", "VARIABLES", "files", "graph_svg", "inline", "mermaid", "plot_svg", "timeline_svg"]


def inline(drawings: Drawings) -> list[str]:
    """Every drawing, for a page that has `RULES` among its styles: timeline and graph first."""
    found = [timeline_svg(drawings.timeline), graph_svg(drawings.graph), *map(plot_svg, drawings.plots)]
    return [text for text in found if text]


def files(drawings: Drawings) -> dict[str, str]:
    """Every drawing as a file that stands alone, by name."""
    found = {f"plot-{n}.svg": plot_svg(plot, standalone=True) for n, plot in enumerate(drawings.plots, start=1)}
    found |= {"graph.svg": graph_svg(drawings.graph, standalone=True), "graph.mmd": mermaid(drawings.graph)}
    found["timeline.svg"] = timeline_svg(drawings.timeline, standalone=True)
    return {name: text for name, text in found.items() if text}
