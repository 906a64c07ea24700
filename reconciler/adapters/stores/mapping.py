"""Rows to values and back: the only code that knows both. What is read is decoded strictly, as if it were hostile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from reconciler.errors import Misconfigured, Permanent
from reconciler.model.canonical import decode, encode
from reconciler.model.cases import Case, Stage
from reconciler.model.records import Record
from reconciler.model.signals import Signal

T = TypeVar("T")

CASE_COLUMNS = "id, repository, target, fingerprint, stage, due_ms, opened_ms, data, reason, detail, attempts, version"


def signal_row(signal: Signal) -> tuple[str, str, int]:
    return signal.id, encode(signal).decode(), signal.received_ms


def to_signal(body: str) -> Signal:
    return _strict(Signal, body)


def record_row(record: Record) -> tuple[str, str]:
    return record.key, encode(record).decode()


def to_record(body: str) -> Record:
    return _strict(Record, body)


def case_row(case: Case) -> tuple[Any, ...]:
    data = encode(case.data).decode()
    head = (case.id, case.repository, case.target, case.fingerprint, case.stage.value, case.due_ms, case.opened_ms)
    return (*head, data, case.reason, case.detail, case.attempts, case.version)


def to_case(row: Sequence[Any]) -> Case:
    """A row of CASE_COLUMNS as a value. What cannot be read (an unknown stage was written by another release) comes back as
    it stands in the row, at a stage of its own: one such row hides no other, and can be ended like any case.
    """
    stage, data = _stage_and_data(row[4], row[7])
    repository, target, fingerprint, _, due_ms, opened_ms, _, reason, detail, attempts, version = row[1:]
    return Case(row[0], repository, target, fingerprint, stage, due_ms, opened_ms, data, reason, detail, attempts, version)


def _stage_and_data(stage: str, data: str) -> tuple[Stage, dict[str, Any]]:
    try:
        found = json.loads(data)
        if isinstance(found, dict):
            return Stage(stage), found
    except (ValueError, RecursionError):
        pass  # said by the stage
    return Stage.UNREADABLE, {"stage": stage, "data": data}


def _strict(kind: type[T], body: str) -> T:
    try:
        return decode(kind, json.loads(body))
    except (ValueError, Permanent) as error:
        raise _damaged(f"a {kind.__name__.lower()}") from error


def _damaged(what: str) -> Misconfigured:
    return Misconfigured(
        f"the store holds {what} that this release cannot read",
        next_step="run the release that wrote it, or restore a backup with `homeostat restore`",
    )
