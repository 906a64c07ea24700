"""The errors of every layer: what was attempted, on what, and what to do next.

An expected outcome (denied, unhealthy, unknown) is a value with a `Reason`, never an exception.
What is left is one of four kinds, and the kind alone decides what the loop does with it:

* `Retryable`: the world was in the way (a lock, a timeout); the same step runs again after `after_ms`. When it is
  another process that does the work (`Elsewhere`), nobody is told.
* `Permanent`: this will not work however often it is tried; the case stops and says so.
* `Misconfigured`: a person's document or setting is wrong; `where` names file:line:column.
* `Tampered`: a signature, digest, ref or log does not prove what it claims; everything stops.
"""

from __future__ import annotations


class HomeostatError(Exception):
    """Base of everything raised on purpose. `next_step` tells the reader what to do."""

    exit_code = 1

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} ({self.next_step})" if self.next_step else self.message


class Retryable(HomeostatError):
    """The same step may work later; `after_ms` says when to look again."""

    exit_code = 75

    def __init__(self, message: str, *, after_ms: int = 1_000, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.after_ms = after_ms


class Elsewhere(Retryable):
    """Another process is at it, as it should be. Nothing is wrong; looked at again in case that process ends."""


class Permanent(HomeostatError):
    """No repetition can help; a person or another candidate has to."""

    exit_code = 1


class Misconfigured(HomeostatError):
    """A document or setting is wrong at `where` (file:line:column)."""

    exit_code = 78

    def __init__(self, message: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message, next_step=next_step)
        self.where = where


class Tampered(HomeostatError):
    """Something does not prove what it claims. Nothing is trusted until a person has looked."""

    exit_code = 65
