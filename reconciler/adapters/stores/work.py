"""WorkTable: which case is advanced next, by whom, once (`ports.work.Work`), as columns on the case's own row.

In: an owner's name and both times. Out: one lease, or None. A claim is one UPDATE, so two workers cannot take the
same case. A lease ends by `done`, by the wall clock (`lease_until_wall`) or with all of its owner's (`free`); each
claim raises the fence, so a lease that ran out cannot end the lease of whoever came after. What a late worker writes is
refused by the version of the case, not by the lease: the lease only saves double work.

Claims are committed without fsync (`synchronous=NORMAL`): a power cut may forget who holds a case, never the case.
"""

from __future__ import annotations

import threading
from pathlib import Path

from reconciler.adapters.stores.connection import BUSY_MS, connect, transaction, translated
from reconciler.ports.work import Lease

LEASE_MS = 30_000  # several times the longest step; a worker that never comes back keeps its case this long

_FREE = "stage <> 'done' AND due_ms <= :now AND lease_until_wall <= :wall"
_ALONE = """ AND NOT EXISTS (SELECT 1 FROM incident_case AS other WHERE other.lease_until_wall > :wall
    AND other.repository = mine.repository AND other.target = mine.target)"""
_CLAIM = """UPDATE incident_case SET lease_owner = :owner, lease_until_wall = :until, fence = fence + 1
    WHERE id = (SELECT id FROM incident_case AS mine WHERE {free} ORDER BY due_ms, rowid LIMIT 1) RETURNING id, fence"""


class WorkTable:
    """`serialise`: never two leases at once for one (repository, target)."""

    def __init__(self, path: Path, *, serialise: bool = False, busy_ms: int = BUSY_MS, lease_ms: int = LEASE_MS) -> None:
        self._work_path = path
        self._lease_ms = lease_ms
        self._claim = _CLAIM.format(free=_FREE + (_ALONE if serialise else ""))
        self._work_guard = threading.Lock()
        self._work = connect(path, synchronous="NORMAL", busy_ms=busy_ms)

    def close(self) -> None:
        self._work.close()

    def claim(self, owner: str, now_ms: int, wall_ms: int) -> Lease | None:
        until = wall_ms + self._lease_ms
        values = {"owner": owner, "until": until, "now": now_ms, "wall": wall_ms}
        with self._work_guard, transaction(self._work, self._work_path) as connection:
            row = connection.execute(self._claim, values).fetchone()
        return Lease(case=row[0], owner=owner, until_wall_ms=until, fence=row[1]) if row else None

    def done(self, lease: Lease) -> None:
        release = "UPDATE incident_case SET lease_owner = '', lease_until_wall = 0 WHERE id = ? AND lease_owner = ? AND fence = ?"
        with self._work_guard, transaction(self._work, self._work_path) as connection:
            connection.execute(release, (lease.case, lease.owner, lease.fence))

    def free(self, owner: str) -> None:
        release = "UPDATE incident_case SET lease_owner = '', lease_until_wall = 0 WHERE lease_owner = ?"
        with self._work_guard, transaction(self._work, self._work_path) as connection:
            connection.execute(release, (owner,))

    def next_due(self) -> int | None:
        with self._work_guard, translated(self._work_path):
            query = "SELECT min(due_ms) FROM incident_case WHERE stage <> 'done'"
            (due,) = self._work.execute(query).fetchone()
        return None if due is None else int(due)
