"""RecordIndex: where in the log an incident, a commit or a kind of record is mentioned.

In: the log. Out: positions, kept current at the cost of what is new, from a glance that believes nothing: the records
themselves are read, and proved, when they are shown. It owns no fact, and a restart builds it anew. Safe for threads.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict

from reconciler.audit.log import Log
from reconciler.audit.statements import Glance, glance
from reconciler.model.records import LoggedRecord, RecordKind

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


class RecordIndex:
    """Positions by what is asked for, in log order."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._next = 0
        self._incidents: dict[str, list[int]] = defaultdict(list)
        self._subjects: dict[str, list[int]] = defaultdict(list)
        self._kinds: dict[str, list[int]] = defaultdict(list)
        self._heads: dict[str, set[str]] = defaultdict(set)

    def incident(self, incident: str) -> list[int]:
        """What is about an incident: its own records, and those about the commits that it made."""
        with self._lock:
            self._refresh()
            found = set(self._incidents.get(incident, ()))
            for head in self._heads.get(incident, ()):
                found.update(self._subjects.get(head, ()))
            return sorted(found)

    def subject(self, subject: str) -> list[int]:
        with self._lock:
            self._refresh()
            return list(self._subjects.get(subject, ()))

    def kind(self, kind: RecordKind) -> list[int]:
        with self._lock:
            self._refresh()
            return list(self._kinds.get(kind.value, ()))

    def read(self, positions: list[int]) -> list[LoggedRecord]:
        """The records at these positions, proved."""
        return [self._log.entry(position) for position in positions]

    def newest(self, kind: RecordKind, subject: str) -> LoggedRecord | None:
        """The newest record of a kind about a subject."""
        about = set(self.subject(subject))
        found = [position for position in self.kind(kind) if position in about]
        return self._log.entry(found[-1]) if found else None

    def _refresh(self) -> None:
        state = self._log.refresh()
        for index in range(self._next, state.signed_size):
            data = state.statement(index)  # None: its month was dropped, and there is nothing to show
            if data is not None:
                self._add(index, glance(data))
        self._next = max(self._next, state.signed_size)

    def _add(self, index: int, seen: Glance) -> None:
        self._kinds[seen.kind].append(index)
        if seen.subject:
            self._subjects[seen.subject].append(index)
        if seen.incident:
            self._incidents[seen.incident].append(index)
            if _COMMIT.match(seen.subject):
                self._heads[seen.incident].add(seen.subject)
