"""May a one-shot Operation run? At most once per id, only in its time, and only when the log can prove both.

In: the Operation's expiry, what the log says about its id. Out: a Reason. The runner publishes "started" before it acts,
so a crash in between is found here as started and reported as unknown, never repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.reasons import Reason


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
