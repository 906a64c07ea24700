"""How every benchmark reports: one line a figure, the same for people and for programs.

A `Figure` is what was measured (`value`, `unit`), what it is compared with (`baseline`, measured in the same run; `ratio` is
value / baseline) and what was asked for (`reach`: a bound on the ratio when there is a baseline and `by_ratio` is set, on the
value otherwise). `report` prints the table. Environment: `JSON=FILE` also writes the figures to FILE, keeping what other
benchmarks of the same run left there; `STRICT=1` makes a figure that misses its reach an exit code of 1.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path


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


def _row(figure: Figure) -> tuple[str, ...]:
    sign = ">=" if figure.higher_is_better else "<="
    reach = "-" if figure.reach is None else f"{sign} {_number(figure.reach)}{'x' if figure.by_ratio else ''}"
    met = {True: "yes", False: "NO", None: "-"}[figure.met]
    cells = (figure.name, _number(figure.value), figure.unit, _number(figure.baseline), _number(figure.ratio), reach, met)
    return (*cells, figure.note)


def _keep(path: Path, figures: Sequence[Figure]) -> None:
    """Replace these figures by name, so that a run of all benchmarks leaves one file."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    names = {f.name for f in figures}
    rows = [r for r in kept if r["name"] not in names]
    rows += [{**dataclasses.asdict(f), "ratio": f.ratio, "met": f.met} for f in figures]
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def report(figures: Sequence[Figure]) -> int:
    """Print the figures, write JSON where asked, and return the exit code."""
    rows = [("name", "value", "unit", "baseline", "ratio", "reach", "met", "note"), *(_row(f) for f in figures)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if target := os.environ.get("JSON"):
        _keep(Path(target), figures)
    missed = [f.name for f in figures if f.met is False]
    return 1 if missed and os.environ.get("STRICT") == "1" else 0
