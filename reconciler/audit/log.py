"""Log: publishes records and reads them back. The one writer of `refs/homeostat/log` and the payload refs.

Publishing, in this order, because the other order lets two workers sign a fork:

1. records whose key is in the log already are dropped: a crash between publishing and `Store.published` repeats nothing;
2. the batch's statements and leaves win both refs in one compare-and-swap, on top of exactly the tree that was read;
3. whatever lies behind the newest checkpoint, ours or a dead worker's, is checked entry by entry;
4. the checkpoint of that tree is signed and published by a second compare-and-swap; who loses reads again;
5. the checkpoint is remembered outside Git.

A caller that gets its LoggedRecords back knows that they are in a signed checkpoint. Reading serves signed entries only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from reconciler.audit import layout
from reconciler.audit.append import Entry, appended
from reconciler.audit.keyring import role_of
from reconciler.audit.leaves import digest_of, leaf_for, read_leaf
from reconciler.audit.notes import Checkpoint, sign_checkpoint
from reconciler.audit.remembered import Remembered, refuse_rollback
from reconciler.audit.state import State, Trusted, load
from reconciler.audit.statements import envelope, glance, pae, statement
from reconciler.audit.tiles import WIDTH
from reconciler.errors import Misconfigured, Retryable, Tampered
from reconciler.model.records import LoggedRecord, Record, RecordKind
from reconciler.ports.repo import Identity, RefMove, Repo
from reconciler.ports.signing import Signer

MACHINE = Identity("Homeostat", "homeostat@machine.invalid")
KEPT_MONTHS = 3  # of the months that the log names: more than the 31 days that brakes and budgets reach back
_ATTEMPTS = 100  # lost races in a row before the step is left for later


def _same(record: Record) -> Record:
    return record


class Log:
    """The log of one repository. Without `signers` it only reads. One instance may be shared by threads."""

    def __init__(
        self,
        repo: Repo,
        trusted: Trusted,
        *,
        signers: Mapping[str, Signer] | None = None,
        remembered: Remembered | None = None,
        redact: Callable[[Record], Record] = _same,
    ) -> None:
        self._repo = repo
        self._trusted = trusted
        self._signers = dict(signers or {})
        self._remembered = remembered
        self._redact = redact
        self._lock = threading.RLock()
        self._state = load(repo, "", trusted)
        self._ids: dict[str, int] = {}
        self._scanned = 0

    # reading

    @property
    def size(self) -> int:
        """How many entries the newest checkpoint signs."""
        return self.refresh().signed_size

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self.refresh().checkpoint

    def refresh(self) -> State:
        """The log as its ref names it now; Tampered when it is not a continuation of what was seen before."""
        with self._lock:
            memory = self._remembered.read().checkpoint if self._remembered else None  # before the ref: never newer than it
            head = self._repo.ref(layout.LOG_REF) or ""
            if head == self._state.commit:
                self._refuse_rollback(self._state, memory)
                return self._state
            if self._state.commit and not (head and self._repo.is_ancestor(self._state.commit, head)):
                raise Tampered(f"{layout.LOG_REF} was not moved forward", next_step="homeostat audit verify")
            found = load(self._repo, head, self._trusted, self._state)
            self._refuse_rollback(found, memory)
            self._refuse_rollback(found, self._state.checkpoint)
            self._state = found
            return found

    def _refuse_rollback(self, state: State, memory: Checkpoint | None) -> None:
        covered = memory is not None and memory.size <= state.signed_size
        refuse_rollback(memory, state.signed_size, state.tiles.root(memory.size) if memory and covered else None)

    def entry(self, index: int) -> LoggedRecord:
        """The record at a position below `size`."""
        state = self.refresh()
        if not 0 <= index < state.signed_size:
            raise Misconfigured(f"the log has no entry {index}; it has {state.signed_size}", next_step="homeostat audit log")
        return state.logged(index, self._trusted)

    def get(self, record_id: str) -> LoggedRecord | None:
        """The record with this id, None when the log does not hold it."""
        with self._lock:
            state = self.refresh()
            for index in range(self._scanned, state.signed_size):
                data = state.statement(index)
                if data is not None:
                    self._ids.setdefault(glance(data).id, index)
            self._scanned = state.signed_size
            index = self._ids.get(record_id, -1)
        return state.logged(index, self._trusted) if index >= 0 else None

    def by_key(self, key: str) -> LoggedRecord | None:
        """The record with this key, None when the log does not hold it."""
        state = self.refresh()
        index = self._position(state, key)
        return state.logged(index, self._trusted) if index is not None and index < state.signed_size else None

    def records(
        self, since: int = 0, *, kinds: Collection[RecordKind] = (), incident: str = "", subject: str = "", whole: bool = False
    ) -> Iterator[LoggedRecord]:
        """Entries from position `since` on, oldest first. All are checked against their leaves; the signatures of those
        that pass the filter. Entries whose month was dropped are skipped: their absence is `verify`'s to report. `whole`
        refuses a gap in the newest months instead: retention leaves those alone, and brakes and budgets are in them.
        """
        state = self.refresh()
        needed = state.newest_months(KEPT_MONTHS) if whole else frozenset()
        wanted = {kind.value for kind in kinds}
        for index in range(since, state.signed_size):
            data = state.statement(index)
            if data is None:
                if state.month(index) in needed:
                    raise _gap(index, state.month(index))
                continue
            seen = glance(data)
            if (not wanted or seen.kind in wanted) and incident in ("", seen.incident) and subject in ("", seen.subject):
                yield state.logged(index, self._trusted)
            elif digest_of(pae(data)) != read_leaf(state.leaf(index)).digest:  # or a flipped kind could hide a brake
                raise Tampered(
                    f"the payload of log entry {index} is not the one its leaf names", next_step="homeostat audit verify"
                )

    # writing

    def publish(self, records: Sequence[Record]) -> list[LoggedRecord]:
        """These records, each once, ever, in a signed checkpoint; one LoggedRecord for each of them, in order."""
        wanted = {record.key: self._redact(record) for record in reversed(records)}
        wanted = dict(reversed(wanted.items()))
        entries: dict[str, Entry] = {}
        with self._lock:
            for _ in range(_ATTEMPTS + len(wanted) // WIDTH):
                state = self.refresh()
                missing = [record for key, record in wanted.items() if self._position(state, key) is None]
                if not missing and state.signed_size == state.size:
                    return [self._logged_or_dropped(state, wanted[record.key]) for record in records]
                if missing:
                    batch = missing[: WIDTH - state.size % WIDTH]
                    self._append(state, [self._entry(record, entries) for record in batch])
                else:
                    self._sign(state)
        raise Retryable("the log was busy: other workers won every race", next_step="it is tried again")

    def _entry(self, record: Record, known: dict[str, Entry]) -> Entry:
        """Signed once, however many races are lost: the signature does not depend on the position."""
        if record.key not in known:
            signer = self._signer(role_of(record.kind))
            if not self._trusted.keys.trusts(signer.role, signer.public, self._state.size):
                raise _untrusted(signer)  # before it is written: a leaf that nobody may check blocks the log for all
            data = statement(record)
            signature = signer.sign(pae(data))
            leaf = leaf_for(pae(data), signature, signer.public).data
            known[record.key] = Entry(record, data, leaf, envelope(data, signature, signer.public))
        return known[record.key]

    def _append(self, state: State, batch: Sequence[Entry]) -> None:
        """Numbered step 2. A lost race changes nothing."""
        wall_ms = batch[-1].record.stamp.wall_ms
        new, files, payload = appended(state, batch, layout.month_of(wall_ms))
        ref = layout.PAYLOADS + new.pointers[-1].month
        old = self._repo.ref(ref) or ""
        path = layout.payload_path(state.size, new.pointers[-1].payload)
        message = f"Keep the payloads of log entries {state.size}-{new.size - 1}\n"
        payloads = self._repo.write(old, {path: payload}, message, MACHINE, wall_ms, None)
        message = f"Append log entries {state.size}-{new.size - 1}\n"
        commit = self._repo.write(state.commit, files, message, MACHINE, wall_ms, None)
        if self._repo.move([RefMove(ref, old, payloads), RefMove(layout.LOG_REF, state.commit, commit)]):
            self._state = new.at(commit)

    def _sign(self, state: State) -> None:
        """Numbered steps 3 to 5."""
        newest = 0
        for index in range(state.signed_size, state.size):
            newest = max(newest, state.logged(index, self._trusted).record.stamp.wall_ms)
        signer = self._signer("log")
        if signer.public not in self._trusted.keys.for_checkpoint(state.size):
            raise _untrusted(signer)
        made = sign_checkpoint(self._trusted.origin, state.size, state.tiles.root(), signer)
        message = f"Sign the log at {state.size} entries\n"
        commit = self._repo.write(state.commit, {layout.CHECKPOINT: made.note.encode()}, message, MACHINE, newest, None)
        if self._repo.move([RefMove(layout.LOG_REF, state.commit, commit)]):
            self._state = state.at(commit, made)
            if self._remembered:
                self._remembered.advance(made)

    def _signer(self, role: str) -> Signer:
        if role not in self._signers:
            raise Misconfigured(f"no {role} key: this process only reads the log", next_step="run it where the key is")
        return self._signers[role]

    def _position(self, state: State, key: str) -> int | None:
        """Where a key is in the log. The mark finds; the whole key decides, unless its month was dropped."""
        for index in state.marks.get(layout.key_mark(key), ()):
            data = state.statement(index)
            if data is None or glance(data).key == key:
                return index
        return None

    def _logged_or_dropped(self, state: State, record: Record) -> LoggedRecord:
        index = self._position(state, record.key)
        if index is None:
            raise Tampered(f"the record {record.key!r} was published and is not in the log", next_step="homeostat audit verify")
        if state.statement(index) is None:
            return LoggedRecord(index, record, {})
        return state.logged(index, self._trusted)


def _gap(index: int, month: str) -> Tampered:
    return Tampered(
        f"the payload of log entry {index} is missing, and nothing is decided without it",
        next_step=f"restore {layout.PAYLOADS}{month} from a mirror or a backup",
    )


def _untrusted(signer: Signer) -> Misconfigured:
    return Misconfigured(
        f"the {signer.role} key {signer.key_id} is not trusted by this log", next_step="compare keys/*.pub with the trust roots"
    )
