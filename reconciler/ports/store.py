"""Store: accepted alerts, cases and the outbox. Losing it loses no authority and undoes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.cases import Case
from reconciler.model.records import Record
from reconciler.model.signals import Signal


class Store(Protocol):
    """Every write is one durable transaction (committed with fsync before returning)."""

    def accept(self, signals: Sequence[Signal]) -> int:
        """Stores signals, ignoring ids already known; how many were new."""
        ...

    def pending_signals(self, limit: int = 1_000) -> Sequence[Signal]:
        """Accepted and not yet grouped, oldest first."""
        ...

    def open_case(self, case: Case, signals: Sequence[str], records: Sequence[Record]) -> bool:
        """Inserts a case and marks these signals grouped, in one transaction; False when the id exists."""
        ...

    def join(self, case: Case, signals: Sequence[str]) -> bool:
        """Commits a case with more signals in it; like `commit`."""
        ...

    def drop_signals(self, signals: Sequence[str], reason: str) -> None: ...

    def case(self, case_id: str) -> Case | None: ...

    def cases(self, *, open_only: bool = False, limit: int = 1_000) -> Sequence[Case]:
        """Newest first."""
        ...

    def commit(self, case: Case, records: Sequence[Record]) -> bool:
        """Stores the case with `version + 1` if the stored version equals `case.version`, and its records in the
        outbox, in one transaction. False when another worker was first: then nothing is written.
        """
        ...

    def keep(self, records: Sequence[Record]) -> None:
        """Records without a case, into the outbox. A key already there is ignored."""
        ...

    def outbox(self, limit: int = 1_000) -> Sequence[Record]:
        """Not yet published, in the order they were written."""
        ...

    def published(self, keys: Sequence[str]) -> None: ...

    def prune(self, before_ms: int) -> int:
        """Forgets signals received before this that are grouped or dropped; how many."""
        ...

    def note(self, key: str, value: str) -> None:
        """A small rebuildable fact (caches, cursors). Never authority."""
        ...

    def noted(self, key: str) -> str: ...
