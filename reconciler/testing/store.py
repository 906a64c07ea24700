"""MemoryStore: the store and the work table in memory, through the same kits as the SQLite one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.cases import Case, Stage
from reconciler.model.records import Record
from reconciler.model.signals import Signal
from reconciler.ports.work import Lease

LEASE_MS = 30_000


class MemoryStore:
    """`ports.store.Store` and `ports.work.Work`. Nothing here outlives the process; that is all it lacks."""

    def __init__(self, *, serialise: bool = False) -> None:
        self._serialise = serialise
        self._guard = threading.RLock()
        self._signals: dict[str, Signal] = {}
        self._settled: dict[str, str] = {}  # signal id -> case id, or the reason it was dropped for
        self._cases: dict[str, Case] = {}
        self._outbox: dict[str, Record] = {}
        self._published: set[str] = set()
        self._notes: dict[str, str] = {}
        self._leases: dict[str, Lease] = {}
        self._fences: dict[str, int] = {}

    def accept(self, signals: Sequence[Signal]) -> int:
        with self._guard:
            before = len(self._signals)
            for signal in signals:
                self._signals.setdefault(signal.id, signal)
            return len(self._signals) - before

    def pending_signals(self, limit: int = 1_000) -> Sequence[Signal]:
        with self._guard:
            return [one for one in self._signals.values() if one.id not in self._settled][:limit]

    def open_case(self, case: Case, signals: Sequence[str], records: Sequence[Record]) -> bool:
        with self._guard:
            if case.id in self._cases:
                return False
            self._cases[case.id] = case
            self._settle(signals, case.id)
            self.keep(records)
            return True

    def join(self, case: Case, signals: Sequence[str]) -> bool:
        with self._guard:
            joined = self.commit(case, ())
            if joined:
                self._settle(signals, case.id)
            return joined

    def drop_signals(self, signals: Sequence[str], reason: str) -> None:
        with self._guard:
            self._settle(signals, reason)

    def prune(self, before_ms: int) -> int:
        with self._guard:
            old = [one for one in self._settled if one in self._signals and self._signals[one].received_ms < before_ms]
            for one in old:
                del self._signals[one], self._settled[one]
            return len(old)

    def case(self, case_id: str) -> Case | None:
        return self._cases.get(case_id)

    def cases(self, *, open_only: bool = False, limit: int = 1_000) -> Sequence[Case]:
        with self._guard:
            kept = [case for case in reversed(self._cases.values()) if not (open_only and case.stage is Stage.DONE)]
        return sorted(kept, key=lambda case: -case.opened_ms)[:limit]

    def commit(self, case: Case, records: Sequence[Record]) -> bool:
        with self._guard:
            stored = self._cases.get(case.id)
            if stored is None or stored.version != case.version:
                return False
            self._cases[case.id] = replace(case, version=case.version + 1)
            self.keep(records)
            return True

    def keep(self, records: Sequence[Record]) -> None:
        with self._guard:
            for record in records:
                self._outbox.setdefault(record.key, record)

    def outbox(self, limit: int = 1_000) -> Sequence[Record]:
        with self._guard:
            return [record for key, record in self._outbox.items() if key not in self._published][:limit]

    def published(self, keys: Sequence[str]) -> None:
        with self._guard:
            self._published.update(keys)

    def note(self, key: str, value: str) -> None:
        self._notes[key] = value

    def noted(self, key: str) -> str:
        return self._notes.get(key, "")

    def claim(self, owner: str, now_ms: int, wall_ms: int) -> Lease | None:
        with self._guard:
            due = [case for case in self._cases.values() if self._is_free(case, now_ms, wall_ms)]
            if not due:
                return None
            case = min(due, key=lambda one: one.due_ms)
            self._fences[case.id] = self._fences.get(case.id, 0) + 1
            lease = Lease(case.id, owner, wall_ms + LEASE_MS, self._fences[case.id])
            self._leases[case.id] = lease
            return lease

    def done(self, lease: Lease) -> None:
        with self._guard:
            if self._leases.get(lease.case) == lease:
                del self._leases[lease.case]

    def free(self, owner: str) -> None:
        with self._guard:
            self._leases = {case: lease for case, lease in self._leases.items() if lease.owner != owner}

    def next_due(self) -> int | None:
        with self._guard:
            return min((case.due_ms for case in self._cases.values() if case.stage is not Stage.DONE), default=None)

    def _settle(self, signals: Sequence[str], where: str) -> None:
        for one in signals:
            self._settled.setdefault(one, where)

    def _is_free(self, case: Case, now_ms: int, wall_ms: int) -> bool:
        held = {key for key, lease in self._leases.items() if lease.until_wall_ms > wall_ms}
        if case.stage is Stage.DONE or case.due_ms > now_ms or case.id in held:
            return False
        keys = {(self._cases[one].repository, self._cases[one].target) for one in held}
        return not (self._serialise and (case.repository, case.target) in keys)
