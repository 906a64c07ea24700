"""Who calls whom around the cause, callers left: as SVG, and as Mermaid for Markdown that draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.analysis.drawings.svg import RIGHT, TOP, cut, inert, svg, text_at
from reconciler.model.drawings import Graph, Node, Role

BOX, TALL, GAP, ROW = 168, 40, 62, 60  # a box and the room between
DEEPEST = 5  # columns but the first


def graph_svg(graph: Graph, *, standalone: bool = False) -> str:
    """Callers left, what they call right of them."""
    if not graph.nodes:
        return ""
    columns = _columns(graph)
    tallest = max(len(names) for names in columns)
    width = len(columns) * (BOX + GAP) + 2 * RIGHT - GAP / 2  # room for calls that bend around the right
    height = TOP + tallest * ROW
    place: dict[str, tuple[float, float]] = {}
    for column, names in enumerate(columns):
        top = TOP - 14 + (tallest - len(names)) * ROW / 2
        place |= {name: (RIGHT + column * (BOX + GAP), top + row * ROW) for row, name in enumerate(names)}
    calls = [_call(place[a], place[b]) for a, b in graph.calls if a in place and b in place]
    nodes = [_node(node, *place[node.name]) for node in graph.nodes if node.name in place]
    return svg(width, height, "Who calls whom around the cause", [*calls, *nodes], standalone)


def _columns(graph: Graph) -> list[list[str]]:
    """Names by the longest way of calls that leads to them; a call that closes a ring is no way."""
    called: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for a, b in graph.calls:
        if a in called and b in called:
            called[a].append(b)
    order, rings = _walked(called)
    depth = dict.fromkeys(called, 0)
    for caller in order:
        for callee in called[caller]:
            if (caller, callee) not in rings:
                depth[callee] = max(depth[callee], min(depth[caller] + 1, DEEPEST))
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, column in depth.items():
        found[column].append(name)
    return [column for column in found if column]


def _walked(called: Mapping[str, Sequence[str]]) -> tuple[list[str], set[tuple[str, str]]]:
    """Callers before those they call, and the calls that close a ring."""
    ends = {b for callees in called.values() for b in callees}
    done: list[str] = []
    rings: set[tuple[str, str]] = set()
    open_: dict[str, Iterator[str]] = {}
    for start in sorted(called, key=lambda name: name in ends):
        todo = [] if start in done else [start]
        while todo:
            name = todo[-1]
            if name not in open_:
                open_[name] = iter(called[name])
            callee = next(open_[name], None)
            if callee is None:
                done.append(todo.pop())
            elif callee in todo:
                rings.add((name, callee))
            elif callee not in done:
                todo.append(callee)
    return done[::-1], rings


def _call(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A curve from box to box with its tip; a call that goes back or stays in its column bends around the right."""
    y1, y2 = start[1] + TALL / 2, end[1] + TALL / 2
    x1 = start[0] + BOX
    if end[0] > start[0]:
        x2, bend, tip = end[0] - 7, GAP / 2, 7
        path = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    else:
        y1, y2 = y1 + 8, y2 + (8 if y2 < y1 else -8)
        x2, bend, tip = end[0] + BOX + 7, GAP / 2 - 4, -7
        path = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 + bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    point = f"M{x2:.0f} {y2 - 4:.0f}L{x2 + tip:.0f} {y2:.0f}L{x2:.0f} {y2 + 4:.0f}Z"
    return f'<path class="call" d="{path}"/><path class="tip" d="{point}"/>'


def _node(node: Node, x: float, y: float) -> str:
    box = f'<rect class="node {node.role.value}" x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{TALL}" rx="6"/>'
    under = node.text or ("" if node.role is Role.WELL else node.role.value)
    up = 17 if under else 25
    name = text_at(x + BOX / 2, y + up, cut(node.name, 21), anchor="middle", kind="name")
    below = text_at(x + BOX / 2, y + 32, under, anchor="middle") if under else ""
    return f"<g><title>{inert(node.name)}</title>{box}{name}{below}</g>"


def mermaid(graph: Graph) -> str:
    """The same graph for Markdown that draws Mermaid; names keep only what cannot end a label."""
    if not graph.nodes:
        return ""
    number = {node.name: f"n{i}" for i, node in enumerate(graph.nodes)}
    nodes = [
        f'  {number[n.name]}["{_label(n.name)}{_label(" (" + n.text + ")") if n.text else ""}"]:::{n.role.value}'
        for n in graph.nodes
    ]
    calls = [f"  {number[a]} --> {number[b]}" for a, b in graph.calls if a in number and b in number]
    looks = [
        "  classDef cause stroke:#a3242b,stroke-width:3px",
        "  classDef symptom stroke:#7a4d00",
        "  classDef affected stroke-dasharray:4 3",
    ]
    return "\n".join(["graph LR", *nodes, *calls, *looks, "  classDef well opacity:0.8"])


def _label(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in " _.:/()-") else "_" for c in text)
