"""Which samples are compared with which: blocks around the alarm, where the departure may have begun, and the normal period.

An alarm may be some minutes late or early, so every block whose start lies within `SEARCH` of it is looked at. The samples that
any block may touch are kept out of the reference, as long as enough of the normal period remains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.causes.recording import Recording

SEARCH = 300.0  # seconds that an alarm may be off
BLOCK = 180.0  # seconds that a departure lasts at least
LEAST = 8  # samples of a reference that is worth the guard
STARTS = 60  # blocks looked at, spread evenly where there are more
REFERENCES = 120  # blocks of the normal period that show what such a block looks like
QUIET = 20  # of them, read as if the alarm had come there: how loud a normal block is
FAR = 3600.0  # seconds after which the normal period is another day
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Windows:
    """`starts`, `references` and `quiet` are the first samples of blocks of `length`; `far`: normal is no neighbour in time."""

    length: int
    starts: Indices
    reference: Mask
    references: Indices
    quiet: Indices
    far: bool


def windows(recording: Recording) -> Windows | None:
    """None where nothing was sampled around the alarm or in the normal period."""
    at, step, alarm = recording.times, recording.step, recording.alarm
    length = max(2, round(BLOCK / step))
    near = np.flatnonzero((at >= alarm - SEARCH - 1.05 * step) & (at <= alarm + SEARCH + (length + 1) * step))
    reference = _reference(recording, length)
    if not len(near) or not reference.any():
        return None
    starts = np.arange(near[0], max(near[0], near[-1] - length + 1) + 1, dtype=np.intp)
    starts = starts[at[starts] <= alarm + SEARCH + 1.05 * step]
    normal = np.flatnonzero(reference)
    references = normal[normal + length - 1 <= normal[-1]]
    gap = float(np.abs(at[normal] - at[near[0]]).min())
    return Windows(length, _thin(starts, STARTS), reference, _thin(references, REFERENCES), _thin(references, QUIET), gap > FAR)


def _reference(recording: Recording, length: int) -> Mask:
    at, step, alarm = recording.times, recording.step, recording.alarm
    normal = (at >= recording.normal[0]) & (at < recording.normal[1])
    low, high = alarm - SEARCH - 2 * step, alarm + SEARCH + (length + 1) * step
    guarded: Mask = normal & ((at < low) | (at > high))
    if guarded.sum() >= LEAST:
        return guarded
    before: Mask = normal & ((at < alarm - step) | (at > high))
    return before if before.sum() >= LEAST // 2 - 1 else normal


def _thin(indices: Indices, most: int) -> Indices:
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).astype(np.intp)]
