"""May a one-shot Operation run? At most once per id, only in its time, and only when the log can prove both.

In: the Operation's expiry, what the log says about its id. Out: a Reason. The runner publishes "started" before it acts,
so a crash in between is found here as started: never repeated, reported as unknown unless the target can go on with it.
An Operation's file name is its id: what the log knows can be told from what is new without reading a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reconciler.documents.base import NAME
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason

FOLDER: Final = "operations"
_PROSE: Final = (".md", ".txt", ".gitkeep")
_FILE: Final = re.compile(rf"{FOLDER}/(?P<id>{NAME.strip('^$')})\.yaml")


@dataclass(frozen=True, slots=True)
class OperationHistory:
    """What the log holds about one Operation id. `readable` is false when the log could not be read or verified."""

    readable: bool
    started: bool
    finished: bool


def eligible(expires_ms: int, now_ms: int, history: OperationHistory) -> Reason:
    """OK, or why the Operation does not run."""
    if not history.readable:
        return Reason.ERROR
    if history.finished:
        return Reason.DUPLICATE
    if history.started:
        return Reason.UNKNOWN
    return Reason.STALE if now_ms >= expires_ms else Reason.OK


def operation_id(path: str) -> str:
    """The id that a file's name gives, "" for a path that names none."""
    found = _FILE.fullmatch(path)
    return found["id"] if found else ""


def operation_path(name: str) -> str:
    return f"{FOLDER}/{name}.yaml"


def is_prose(path: str) -> bool:
    """Files beside Operations that nobody expects to run."""
    return path.endswith(_PROSE)


def stricter(one: Irreversibility, other: Irreversibility) -> Irreversibility:
    """An author cannot call an act less dangerous than the target does."""
    order = tuple(Irreversibility)
    return max(one, other, key=order.index)
