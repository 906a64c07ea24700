"""Refreshing forecasts: the choice of methods, which is most of the work, is made once a day and kept.

It is made of what a series was up to the last mark, whole days of it, and of nothing else: a kept choice is the one that would be
made again, so that whoever has kept none forecasts the same. New data ask for another choice in two ways: a mark passes
(midnight UTC), or the last hour was worse foretold than nineteen in twenty of the origins that it was made on. Then, for the
rest of the day, the marks are the hours.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from reconciler.analysis.forecasts.choice import Choice, bucket, mixed
from reconciler.analysis.forecasts.forecast import Choices, choices
from reconciler.analysis.forecasts.history import DAY, HOUR, Array, History
from reconciler.analysis.forecasts.methods import stable
from reconciler.analysis.forecasts.table import size_of

MOST = 500  # choices that are kept: 15 to 30 kB each in the file
USUAL = 0.95  # of the misses at the origins
DRIFTED = 0.5  # of an hour's steps that missed by more


class Kept:
    """Choices by what they were made of; in a file, where one is given, because the process of the detectors comes and goes."""

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._new = file, 0
        self._found: OrderedDict[str, Choices] = OrderedDict(_read(file) if file else {})

    def choices(self, history: History, alone: bool = False) -> Choices:
        """Those of the last mark; of a series too young to have one, its own. `alone`: no pool makes its band."""
        after = int(history.end_s // history.step_s + 1) % DAY
        found = self._at(history, after, alone)
        if found.steps is None or found.hourly is None:
            return choices(history, alone)
        return self._at(history, after % HOUR, alone) if after >= HOUR and drifted(history.values, found.steps, after) else found

    def save(self) -> None:
        """Once for all that is new."""
        if self._file is None or not self._new:
            return
        text, fresh = json.dumps({key: _plain(one) for key, one in self._found.items()}), self._file.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk costs the next process some time, and no forecast
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self._file)
            self._new = 0

    def _at(self, history: History, after: int, alone: bool) -> Choices:
        """Made of whole days up to so many steps ago."""
        past = history.values[: max(0, len(history.values) - after)]
        past = past[len(past) % DAY :]
        key = hashlib.blake2b(past.tobytes(), digest_size=16).hexdigest() + (" alone" if alone else "")
        if key not in self._found:
            self._found[key] = choices(History(past, 0.0), alone)
            self._new += 1
            while len(self._found) > MOST:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return self._found[key]


def drifted(values: Array, choice: Choice, after: int) -> bool:
    """Whether the last hour missed by more than was usual when the choice was made, `after` steps ago."""
    past, leads = values[: len(values) - after], np.arange(after - HOUR, after)
    said = mixed(stable(past, HOUR, leads), choice, leads, HOUR)
    missed = np.abs(values[len(values) - HOUR :] - said) / size_of(past, HOUR)
    usual = np.array([np.quantile(np.abs(residuals), USUAL) for residuals in choice.residuals])
    return bool(np.mean(missed > usual[bucket(leads, HOUR)] + 1e-9) > DRIFTED)


def _plain(found: Choices) -> list[Any]:
    return [
        one and [one.weights, one.errors, [r.tolist() for r in one.residuals], one.origins] for one in (found.steps, found.hourly)
    ]


def _choice(said: Any) -> Choice | None:
    if said is None:
        return None
    weights, errors, residuals, origins = said
    return Choice(tuple(weights), tuple(errors), tuple(np.array(r) for r in residuals), int(origins))


def _read(file: Path) -> dict[str, Choices]:
    """Whatever cannot be read is made again."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return {str(key): Choices(_choice(steps), _choice(hourly)) for key, (steps, hourly) in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
