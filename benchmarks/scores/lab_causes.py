"""The loop's own diagnosis in the lab: the bad change among several, and whether a confidence is as often right as it says.

HR@1 is the share of episodes whose first cause is the broken commit and its component; "unknown" is a miss. The baseline names
the change that was applied last before the alarm. The expected calibration error is over ten bins of equal width, of every
answer that named a cause, in episodes with a bad change and with a fault that no change brought; false alarms are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import Figure

from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis

from .lab_episodes import Episode, play
from .lab_site import History, scratch
from .resample import interval, told

CHANGED, SCORED = 300, 200
UNCHANGED = 220
BINS = 10
# What is right where no change broke anything.
RIGHT = {
    "leak": {CauseKind.MEMORY},
    "surge": {CauseKind.LOAD},
    "slow-database": {CauseKind.DEPENDENCY, CauseKind.SATURATION},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One episode's answer, judged."""

    diagnosis: Diagnosis
    right: bool
    latest: bool  # whether the change that came last before the alarm is the broken one
    changes: int

    @property
    def claimed(self) -> float | None:
        return float(self.diagnosis.top.confidence) if self.diagnosis.top else None


def right(episode: Episode, cause: Cause | None, calls: Sequence[tuple[str, str]]) -> bool:
    """A surge is as rightly named where it enters as at the first callee that gives way."""
    drawn = episode.drawn
    if cause is None:
        return False
    if drawn.fault == "change":
        return bool(episode.guilty) and (cause.commit, cause.component) == (episode.guilty, drawn.broken)
    places = _below(drawn.broken, calls) if drawn.fault == "surge" else {drawn.broken}
    return cause.kind in RIGHT[drawn.fault] and cause.component in places


def _below(component: str, calls: Sequence[tuple[str, str]]) -> set[str]:
    found = {component}
    for _ in calls:
        found |= {callee for caller, callee in calls if caller in found}
    return found


def answer(history: History, seed: int, kind: str) -> Answer:
    episode = play(history, seed, kind)
    latest = bool(episode.commits) and episode.commits[-1][2].bad
    return Answer(episode.diagnosis, right(episode, episode.diagnosis.top, history.topology.calls), latest, len(episode.commits))


def calibration_error(claims: Sequence[tuple[float, bool]]) -> float:
    """The mean distance between what was claimed and how often it was right, over bins, weighted by how many."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for claim in claims:
        bins.setdefault(min(int(claim[0] * BINS), BINS - 1), []).append(claim)
    return sum(abs(sum(sure - hit for sure, hit in held)) for held in bins.values()) / len(claims)


def figures(_: Path) -> Iterator[Figure]:
    with scratch() as home:
        history = History(home / "infra.git")
        changed = [answer(history, seed, "changed") for seed in range(CHANGED)]
        unchanged = [answer(history, seed, "unchanged") for seed in range(UNCHANGED)]
    yield from _found(changed[:SCORED])
    yield from _sure([*changed, *unchanged])
    named = [float(a.right) for a in unchanged]
    yield Figure("lab fault without a change, first cause right", _mean(named), "share", higher_is_better=True, note=told(named))
    blamed = [float(a.diagnosis.top is not None and bool(a.diagnosis.top.commit)) for a in unchanged]
    yield Figure("lab fault without a change, a change blamed", _mean(blamed), "share", note=told(blamed))


def _found(answers: Sequence[Answer]) -> Iterator[Figure]:
    hits, latest = [float(a.right) for a in answers], [float(a.latest) for a in answers]
    low, high = interval([h - b for h, b in zip(hits, latest, strict=True)])
    chance = _mean([1.0 / a.changes for a in answers])
    beside = f"chance {chance:.3f}; over the most recent change {low:+.2f} to {high:+.2f}"
    yield Figure(
        "lab bad change HR@1", _mean(hits), "share", 0.85, _mean(latest), higher_is_better=True, note=f"{told(hits)}; {beside}"
    )
    unknown = [float(a.claimed is None) for a in answers]
    yield Figure("lab bad change, answered unknown", _mean(unknown), "share", note=told(unknown))
    several = [a for a in answers if a.changes > 1]
    hits, latest = [float(a.right) for a in several], [float(a.latest) for a in several]
    yield Figure(
        "lab bad change among two or more", _mean(hits), "share", None, _mean(latest), higher_is_better=True, note=told(hits)
    )


def _sure(answers: Sequence[Answer]) -> Iterator[Figure]:
    claims = [(a.claimed, a.right) for a in answers if a.claimed is not None]
    draws = np.random.default_rng(20_260_101).integers(0, len(claims), size=(1_000, len(claims)))
    low, high = np.quantile([calibration_error([claims[i] for i in draw]) for draw in draws], [0.025, 0.975])
    note = f"95 % interval {low:.3g} to {high:.3g} (resampling alone raises it), {len(claims)} answers of {len(answers)} episodes"
    yield Figure("lab confidence, expected calibration error", calibration_error(claims), "share", 0.08, note=note)
    base = _mean([float(hit) for _, hit in claims])
    gained = [(base - hit) ** 2 - (sure - hit) ** 2 for sure, hit in claims]
    yield Figure(
        "lab confidence, Brier gained",
        _mean(gained),
        "score",
        higher_is_better=True,
        note=f"under the base rate {base:.2f}; {told(gained)}",
    )
    sure = [(c, h) for c, h in claims if c >= 0.8]
    hits = [float(h) for _, h in sure]
    yield Figure("lab confidence of 0.8 and more, right", _mean(hits), "share", higher_is_better=True, note=told(hits))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
