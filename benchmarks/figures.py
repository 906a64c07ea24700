"""How every benchmark reports: one line a figure, the same for people and for programs.

A `Figure` is what was measured (`value`, `unit`), what it is compared with (`baseline`, measured in the same run; `ratio` is
value / baseline) and what was asked for (`reach`: a bound on the ratio when there is a baseline and `by_ratio` is set, on the
value otherwise). `report` prints the table. Environment: `JSON=FILE` also appends a line of JSON a figure to FILE;
`STRICT=1` makes a figure that misses its reach an exit code of 1. A median beside a 95th percentile says how calm the
machine was.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HANDED = "HOMEOSTAT_BENCH_FIGURES"  # where a benchmark that `all.py` runs leaves its figures


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    reach: float | None = None
    baseline: float | None = None
    by_ratio: bool = False  # the reach bounds value / baseline, not the value
    higher_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """None when nothing was asked for; a missing ratio never counts as met."""
        if self.reach is None:
            return None
        found = self.ratio if self.by_ratio else self.value
        if found is None:
            return False
        return found >= self.reach if self.higher_is_better else found <= self.reach


def times(run: Callable[[], object], repeat: int) -> list[float]:
    """Wall seconds of each of `repeat` runs."""
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def _number(value: float | None) -> str:
    return "-" if value is None else format(value, ".4g")


def line(figure: Figure) -> str:
    """One figure for programs: a line of JSON."""
    kept = {"name": figure.name, "value": figure.value, "unit": figure.unit, "baseline": figure.baseline}
    return json.dumps({**kept, "ratio": figure.ratio, "reach": figure.reach, "met": figure.met})


def _row(figure: Figure) -> tuple[str, ...]:
    sign = ">=" if figure.higher_is_better else "<="
    reach = "-" if figure.reach is None else f"{sign} {_number(figure.reach)}{'x' if figure.by_ratio else ''}"
    met = {True: "yes", False: "NO", None: "-"}[figure.met]
    return (figure.name, _number(figure.value), figure.unit, _number(figure.baseline), _number(figure.ratio), reach, met)


def table(figures: Sequence[Figure]) -> str:
    """One row a figure; what was measured exactly stands below."""
    rows = [("figure", "value", "unit", "baseline", "ratio", "reach", "met"), *(_row(f) for f in figures)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"* {f.name}: {f.note}" for f in figures if f.note]
    return "\n".join([*lines, "", *notes] if notes else lines)


def report(figures: Sequence[Figure]) -> int:
    """Print the figures, write JSON and hand them to `all.py` where asked, and return the exit code."""
    if target := os.environ.get(HANDED):
        Path(target).write_text(json.dumps([dataclasses.asdict(f) for f in figures]), encoding="utf-8")
        return 0
    return finish(figures)


def finish(figures: Sequence[Figure]) -> int:
    """The last words of a run."""
    print(table(figures))
    if target := os.environ.get("JSON"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.writelines(line(f) + "\n" for f in figures)
    missed = [f.name for f in figures if f.met is False]
    if missed:
        print(f"\nmissed: {', '.join(missed)}")
    return 1 if missed and os.environ.get("STRICT") == "1" else 0
