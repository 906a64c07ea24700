"""Calls that fail where whoever is called says nothing of it: it does not answer, or nothing arrives.

1. Callers measure which share of the calls to each callee fails (`Kind.CALL_ERRORS` with a callee).
2. What the callee itself says of its failures explains them and is taken off.
3. A caller whose calls to others fail as loudly, and unexplained, has a trouble of its own: only what sets its calls to one
   callee apart counts.
4. The evidence against the way to a callee is how loud the loudest caller is, times how far the others agree: a caller whose
   calls go well speaks against it as much as one whose calls fail speaks for it.
5. A callee that is measured and says that all is well is half believed where one caller speaks, less where several do: one may
   ask for what it must not.
6. As much is taken off the callers' own failures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.causes.kinds import Kind
from reconciler.analysis.causes.paths import loudness
from reconciler.analysis.causes.recording import Array, Recording

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Losses:
    """Per block and service: the evidence for failures on the way to it, and how much of its own failures are such calls."""

    to: Array
    met: Array


def losses(recording: Recording, shown: Array, failing: Array, known: NDArray[np.bool_]) -> Losses:
    """`failing` is how loudly each service says that it fails itself, `known` whether it is measured, per block and service."""
    place = {s: i for i, s in enumerate(recording.services)}
    to, met = np.zeros(failing.shape), np.zeros(failing.shape)
    calls: dict[str, list[int]] = {}
    for index, column in enumerate(recording.columns):
        if column.kind is Kind.CALL_ERRORS and column.callee not in ("", column.service):
            calls.setdefault(column.callee, []).append(index)
    every = {index: loudness(np.nan_to_num(shown[:, index])) for columns in calls.values() for index in columns}
    left_of = {index: np.maximum(0.0, said - failing[:, place[recording.columns[index].callee]]) for index, said in every.items()}
    for callee, columns in calls.items():
        of = place[callee]
        measured = np.isfinite(shown[:, columns])
        loud = np.column_stack([np.maximum(0.0, every[index] - _elsewhere(recording, index, left_of)) for index in columns])
        loudest = loud.max(axis=1)
        speaking = loud.sum(axis=1) / np.maximum(loudest, 1e-9)  # as many callers, were they all as loud
        agree = np.maximum(0.0, 2.0 * speaking / np.maximum(measured.sum(axis=1), 1) - 1.0)
        left = np.maximum(0.0, loudest * agree - failing[:, of])
        to[:, of] = left * np.where(known[:, of], 1.0 - HALF / np.maximum(speaking, 1.0), 1.0)
        for entry, index in enumerate(columns):
            caller = place[recording.columns[index].service]
            met[:, caller] = np.maximum(met[:, caller], np.minimum(loud[:, entry], to[:, of]))
    return Losses(to, met)


def _elsewhere(recording: Recording, index: int, left_of: dict[int, Array]) -> Array:
    """3. How loudly the caller's calls to others fail that nobody explains."""
    own = recording.columns[index]
    others = [
        left
        for i, left in left_of.items()
        if recording.columns[i].service == own.service and recording.columns[i].callee != own.callee
    ]
    return np.max(others, axis=0) if others else np.zeros(len(left_of[index]))
