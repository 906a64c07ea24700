"""`homeostat diagnose --from-dir DIR`: the analysis over recorded telemetry, on a machine that runs nothing else of Homeostat.

In: files that somebody recorded. Out: what every detector found, why, and what would refute it; with `--out` also drawn. The same
files and arguments give the same answer. Nothing is changed and nothing is asked over a network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.common import answer, moment, tell
from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    from reconciler.adapters.recordings import Recorded
    from reconciler.model.findings import Finding
    from reconciler.ports.detector import Window

SILENT_S = 2.0  # of work before anything is said about its progress


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 also where the answer is unknown: that is an answer."""
    _installed()
    from reconciler.analysis.detectors import explain
    from reconciler.cli.diagnose_text import told

    progress = _Progress()
    window = _window(arguments, progress)
    findings = _examined(window, progress)
    progress.tell("explaining and drawing")
    explanation = explain(window, findings)
    text = told(explanation, findings)
    if arguments.out:
        from reconciler.cli.diagnose_page import files

        text += f"\n\n{_written(arguments.out, files(explanation, findings))}"
    answer(arguments, {"explanation": explanation, "findings": findings}, text)
    return 0


def _installed() -> None:
    missing = next((name for name in ("numpy", "scipy", "networkx", "pyarrow") if find_spec(name) is None), None)
    if missing:
        raise Misconfigured(
            f"diagnosis of recorded telemetry needs the package {missing}, which is not installed",
            next_step="`pip install 'homeostat[analysis]'` installs what the analysis needs",
        )


class _Progress:
    """Says on stderr what is being done, once it takes long."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, text: str) -> None:
        if time.monotonic() - self._said >= SILENT_S:
            self._said = time.monotonic()
            tell(text)


def _window(arguments: argparse.Namespace, progress: _Progress) -> Window:
    from reconciler.adapters.recordings import read_folder
    from reconciler.adapters.recordings.cells import time_ms
    from reconciler.analysis.causes import Kind, kind_of
    from reconciler.ports.detector import Window

    recorded = read_folder(arguments.from_dir, lambda word: kind_of(word) is not Kind.OTHER, progress.tell)
    newest = max((int(times.max()) for times, _ in recorded.samples.values() if len(times)), default=None)
    if newest is None:
        raise Permanent(f"no file in {arguments.from_dir} has a single number", next_step="the guide shows the layouts")
    alarm = time_ms(arguments.alarm, "--alarm") if arguments.alarm else None
    _within(recorded, alarm, newest)
    _known(arguments.symptom, recorded)
    return Window(
        recorded.samples,
        recorded.calls,
        now_ms=newest,
        alarm_ms=alarm,
        normal_ms=_normal(arguments.normal) or (recorded.normal_ms if alarm is not None else None),
        symptom=arguments.symptom,
        changes=recorded.changes,
        limits=_limits(arguments.limit, recorded),
        counts=recorded.counts,
        traces=recorded.traces,
    )


def _within(recorded: Recorded, alarm: int | None, newest: int) -> None:
    """An alarm at which nothing was recorded is a slip of the pen more often than not."""
    oldest = min(int(times.min()) for times, _ in recorded.samples.values() if len(times))
    if alarm is not None and not oldest - 3_600_000 <= alarm <= newest + 3_600_000:
        raise Misconfigured(
            f"nothing was recorded within an hour of the alarm; the samples are from {moment(oldest)} to {moment(newest)}",
            where="--alarm",
            next_step="times are UTC, or seconds since 1970",
        )


def _known(symptom: str, recorded: Recorded) -> None:
    """A mistyped symptom reaches nothing, and the answer would be about the trouble of nobody."""
    names = {component for component, _ in recorded.samples} | {name for call in recorded.calls for name in call}
    if symptom and symptom not in names:
        from reconciler.documents.nearest import nearest

        raise Misconfigured(
            f"nothing was recorded of {symptom[:80]!r}, and nobody calls it",
            where="--symptom",
            next_step=nearest(symptom, names)[:400],
        )


def _normal(text: str) -> tuple[int, int] | None:
    from reconciler.adapters.recordings.cells import time_ms

    if not text:
        return None
    start, dots, end = text.partition("..")
    if not dots:
        raise Misconfigured(f"{text[:80]!r} is no period", where="--normal", next_step="write two times with .. between them")
    found = time_ms(start, "--normal"), time_ms(end, "--normal")
    if found[0] >= found[1]:
        raise Misconfigured("the period ends before it begins", where="--normal")
    return found


def _limits(given: Sequence[str], recorded: Recorded) -> dict[tuple[str, str], float]:
    from reconciler.adapters.recordings.cells import number

    found = {}
    for text in given:
        name, _, limit = text.rpartition("=")
        component, _, metric = name.partition("|")
        if (component, metric) not in recorded.samples:
            near = ", ".join("|".join(key) for key in sorted(recorded.samples) if key[0] == component) or "no metric"
            raise Misconfigured(
                f"there is no series {name[:80]!r}", where="--limit", next_step=f"of {component[:80]} there is {near[:400]}"
            )
        found[component, metric] = number(limit, "--limit")
    return found


def _examined(window: Window, progress: _Progress) -> tuple[Finding, ...]:
    from reconciler.analysis.detectors import built_in, examine
    from reconciler.analysis.detectors.series import tidy

    seen = tidy(window)
    found: list[Finding] = []
    for detector in built_in():
        progress.tell(f"{detector.name}: looking at {len(seen.samples)} series")
        found += examine(seen, [detector])
    return tuple(found)


def _written(out: Path, files: dict[str, str]) -> str:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Permanent(f"cannot write to {out}: {error.strerror}", next_step="name a folder that you may write to") from error
    return f"written: {out / 'index.html'}, explanation.json and {len(files) - 2} drawings"
