"""From what the installation has seen to its own model of failures. Runs in a worker process of its own, every hour.

1. Of every failure since the last lessons, the four hours before it become a run that broke.
2. Of every service, four hours of each day that no failure was near, nor one that was foreseen, become a run that was calm. Which
   four hours differ from service to service and from day to day, so that every hour of a day is seen. Of many services each day
   has others.
3. Where runs that broke have come since the model was learned, or a day has gone by with others, it is learned again. What broke
   within two hours is one failure, however many components complained: a model that has seen one of them has seen the others.

A model that would not have been right often enough about runs that it had not seen is kept, and not used (`Model.useful`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from reconciler.adapters.analysts.maintained import without_maintenance
from reconciler.adapters.analysts.runs import Run, Runs, name_of
from reconciler.adapters.jsonfile import write_whole
from reconciler.analysis.failures.features import features
from reconciler.analysis.failures.learning import FEWEST, Past, fit
from reconciler.analysis.failures.panel import MINUTE_MS, Panel
from reconciler.analysis.failures.saving import Learned, dumped, loaded
from reconciler.analysis.failures.services import service_panel, surroundings
from reconciler.errors import HomeostatError
from reconciler.model.canonical import number
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry, Outage
from reconciler.ports.telemetry import BulkTelemetry

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
RUN_MS = 4 * HOUR_MS
BEFORE_MS = 2 * HOUR_MS  # of samples that the first row's trends look back on
RAW_MS = 2 * DAY_MS  # older samples may be means of longer steps, in which failures announce themselves otherwise
LATE_MS = 3 * HOUR_MS
AFTER_MS = HOUR_MS  # in which nothing may fail after a calm run
NEAR_MS = 2 * HOUR_MS  # after a failure: a service that recovers is not calm
SLOTS = DAY_MS // RUN_MS
EVERY = 5  # minutes; one row of so many is kept
LEAST = 12  # rows of a run: an hour
MOST_SERVICES = 100  # a day
VERSION = "2"  # of the detector that uses it


class Teacher(Protocol):
    """Learns of the telemetry that an inquiry is about, and says what; None for nothing new."""

    def learn(self, inquiry: Inquiry) -> Finding | None: ...


def taught(inquiry: Inquiry, teachers: Sequence[Teacher]) -> Answer:
    """What all of them say. One that fails keeps nobody else from it."""
    said, missing = list[Finding | None](), list[str]()
    for teacher in teachers:
        try:
            said.append(teacher.learn(inquiry))
        except HomeostatError as error:
            missing.append(f"telemetry did not answer the lessons: {error.message}")
        except OSError as error:
            where = error.filename or "the home folder"
            missing.append(f"the lessons cannot be kept: {error.strerror}: look at the room and rights of {where}")
        except MemoryError:
            missing.append("the lessons need more memory than they may have: raise analysis.memoryMib in settings.yaml")
    return Answer(tuple(finding for finding in said if finding is not None), "; ".join(dict.fromkeys(missing)))


class Lessons:
    """`folder` holds the runs, `file` what was learned from them."""

    def __init__(self, telemetry: BulkTelemetry, folder: Path, file: Path) -> None:
        self._telemetry, self._file = telemetry, file
        self._names = features(Panel(np.empty(0, np.int64), {})).names
        self._runs = Runs(folder, self._names)
        self._each = 1.0  # services that one of those stands for whose calm runs are kept

    def learn(self, inquiry: Inquiry) -> Finding:
        """What is known now."""
        self._watch(inquiry)
        return _told(self._learned(inquiry.now_ms))

    def _watch(self, inquiry: Inquiry) -> None:
        """Keeps the runs of the inquiry's time that are not kept yet."""
        topology = self._telemetry.topology()
        self._each = max(1.0, len(topology.components) / MOST_SERVICES)
        for broke, service, since_ms, at_ms in (*_broken(inquiry), *_calm(inquiry, topology.components)):
            name = name_of(broke, service, at_ms)
            if self._runs.has(name):
                continue
            around = surroundings(service, topology.calls)
            taken = self._telemetry.window(around, at_ms - RUN_MS - BEFORE_MS, at_ms)
            seen = service_panel(without_maintenance(inquiry, taken), around, at_ms - RUN_MS - BEFORE_MS, at_ms)
            if seen is None:
                continue
            found = features(seen.panel)
            rows = found.known & (seen.panel.ends_ms > since_ms) & (seen.panel.ends_ms // MINUTE_MS % EVERY == 0)
            if rows.sum() >= LEAST:
                minutes = (at_ms - seen.panel.ends_ms[rows]) / MINUTE_MS if broke else np.full(int(rows.sum()), np.nan)
                self._runs.put(name, Run(found.rows[rows], minutes))

    def _learned(self, now_ms: int) -> Learned:
        before = self._kept()
        if before is not None and not _due(before, self._runs.names(), now_ms):
            return before
        runs = dict(self._runs.all())
        model = fit(self._names, _past(runs, self._each), every=1) if runs else None
        learned = Learned(tuple(runs), now_ms, model)
        write_whole(self._file, dumped(learned))
        return learned

    def _kept(self) -> Learned | None:
        try:
            learned = loaded(self._file.read_bytes())
        except (OSError, ValueError):
            return None
        return learned if learned.model is None or learned.model.names == self._names else None


def _past(runs: Mapping[str, Run], each: float) -> Past:
    """By failure and time. A calm run stands for the six of its day and for the services of which none is kept, and where calm
    runs were let go sooner than broken ones, for more.
    """
    names, lengths = tuple(runs), [len(run.minutes) for run in runs.values()]
    weight = each * SLOTS * max(1.0, _days(names, "broke") / _days(names, "calm"))
    minutes, failure = np.concatenate([run.minutes for run in runs.values()]), np.repeat(_failures(names), lengths)
    times = np.repeat([float(name.split("-")[1]) for name in names], lengths) - np.nan_to_num(minutes) * MINUTE_MS
    order = np.lexsort((times, failure))
    return Past(
        np.concatenate([run.rows for run in runs.values()])[order],
        minutes[order],
        failure[order],
        np.where(np.isfinite(minutes), 1.0, weight)[order],
    )


def _failures(names: Sequence[str]) -> list[int]:
    """The number of the failure that each run belongs to, of names that are sorted; a calm run has one for itself."""
    found: list[int] = []
    began_ms = -NEAR_MS
    for name in names:
        at_ms = int(name.split("-")[1])
        alone = name.startswith("calm") or at_ms >= began_ms + NEAR_MS
        began_ms = at_ms if alone else began_ms
        found.append(len(found) and found[-1] + alone)
    return found


def _told(learned: Learned) -> Finding:
    """In words; the numbers are in `values`."""
    failed = [name for name in learned.of if name.startswith("broke")]
    broke, calm = len(set(_failures(failed))), len(learned.of) - len(failed)
    model = learned.model
    if model is None:
        text = f"failures cannot be foretold from this installation's own yet: {broke} of at least {FEWEST} were seen"
    elif not model.useful:
        text = f"learned from {broke} failures, and not used: too few alarms would have been right about runs left out"
    else:
        text = f"failures are foretold by what {broke} of them and {calm} calm runs taught"
    values = {"broke": float(broke), "calm": float(calm)}
    if model is not None:
        worth = model.worth
        values |= {"average precision": worth.precision, "chance": worth.chance, "threshold": model.threshold}
    numbers = tuple((name, number(value)) for name, value in values.items())
    return Finding("failures", VERSION, "", "lesson", "", "", learned.made_ms, "0", numbers, text)


def _due(before: Learned, of: tuple[str, ...], now_ms: int) -> bool:
    new = set(of) - set(before.of)
    return any(name.startswith("broke") for name in new) or bool(new and not 0 <= now_ms - before.made_ms < DAY_MS)


def _days(names: Sequence[str], kind: str) -> float:
    """What the runs of a kind span, a day at least."""
    ends = [int(name.split("-")[1]) for name in names if name.startswith(kind)]
    return max(1.0, (max(ends) - min(ends)) / DAY_MS) if ends else 1.0


def _broken(inquiry: Inquiry) -> Iterator[tuple[bool, str, int, int]]:
    """Failures whose hours before are all known; of several within two hours the first. What was before the end of the one
    before was no calm beginning of this one.
    """
    last: dict[str, int] = {}
    known = max(inquiry.start_ms, inquiry.now_ms - RAW_MS) + RUN_MS + BEFORE_MS
    for outage in sorted((one for one in inquiry.outages if one.happened), key=lambda one: one.start_ms):
        over = last.get(outage.component, -NEAR_MS)
        last[outage.component] = max(outage.end_ms, over)
        if outage.start_ms >= over + NEAR_MS and known <= outage.start_ms <= inquiry.now_ms:
            yield True, outage.component, max(over, outage.start_ms - RUN_MS), outage.start_ms


def _calm(inquiry: Inquiry, components: Sequence[str]) -> Iterator[tuple[bool, str, int, int]]:
    """What has been known for less than three hours: what was missed is not missed, there are enough."""
    for day in range(inquiry.now_ms // DAY_MS - 1, inquiry.now_ms // DAY_MS + 1):
        for service in _chosen(components, day):
            at = _slot(service, day)
            new = inquiry.now_ms - LATE_MS < at + AFTER_MS <= inquiry.now_ms
            if new and not any(_touches(one, service, at) for one in inquiry.outages):
                yield False, service, at - RUN_MS, at


def _chosen(components: Sequence[str], day: int) -> list[str]:
    return sorted(components, key=lambda one: _chance(f"{day}\n{one}"))[:MOST_SERVICES]


def _slot(service: str, day: int) -> int:
    """When the run of a day ends."""
    return day * DAY_MS + (_chance(f"{service}\n{day}") % SLOTS + 1) * RUN_MS


def _chance(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _touches(outage: Outage, service: str, at_ms: int) -> bool:
    return outage.component == service and outage.start_ms < at_ms + AFTER_MS and outage.end_ms + NEAR_MS > at_ms - RUN_MS
