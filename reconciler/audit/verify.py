"""The whole proof: does the log say what was signed, all of it, and does the protected branch hold what it says?

In: a Repo, the public keys, the remembered checkpoint and (from the caller, because it needs the git program) a check of
the object database. Out: a Report that names every problem with its place. Nothing is trusted that is not checked here:

1. every object of the repository hashes to its name (`objects`, what `git fsck` says);
2. the newest checkpoint is signed, and the tree's root is its root;
3. the remembered checkpoint is contained in it: not rolled back, not forked;
4. every file of the log is exactly what the leaves make it: tiles and pointers are computed again, extra files refused;
5. every entry's payload is there, hashes to its leaf, and is signed by a key that had the role at that position;
6. no key was written twice;
7. the log's ref only ever grew: each commit of it has one parent, and each checkpoint of its history is contained;
8. every machine commit on the protected branch is signed by the author key, and was judged and merged, in that order,
   with records about exactly this commit; every merge on record is on the branch.

A problem in one step does not hide those of the next, except where nothing is left to check.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from reconciler.audit import branch, layout
from reconciler.audit.branch import MACHINE_EMAIL, Problem
from reconciler.audit.leaves import read_leaf
from reconciler.audit.merkle import leaf_hash
from reconciler.audit.notes import Checkpoint, open_checkpoint, parse_checkpoint
from reconciler.audit.remembered import refuse_rollback
from reconciler.audit.state import State, Trusted, check_entry, load
from reconciler.audit.tiles import WIDTH, Tiles, widths
from reconciler.audit.view import Facts, fold
from reconciler.errors import HomeostatError, Tampered
from reconciler.ports.repo import Repo


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and what was wrong. Without a witness, no problems means tamper-evident, not immutable."""

    size: int
    root: str
    entries: int
    commits: int
    problems: tuple[Problem, ...]
    objects_checked: bool
    checkpoint: str = ""
    dropped: tuple[int, ...] = ()  # entries whose month retention removed, with the caller's consent

    @property
    def ok(self) -> bool:
        return not self.problems

    def require(self) -> Report:
        """The report itself, or Tampered with the first problem."""
        if self.problems:
            first = self.problems[0]
            raise Tampered(f"{first.where}: {first.text} ({len(self.problems)} in all)", next_step="homeostat audit verify")
        return self


@dataclass(slots=True)
class _Proof:
    repo: Repo
    trusted: Trusted
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    commits: int = 0
    dropped_months: Collection[str] = ()
    dropped: list[int] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)

    def found(self, code: str, where: str, text: str) -> None:
        self.problems.append(Problem(code, where, text))

    def attempt(self, code: str, where: str, step: Callable[[], None]) -> None:
        """Runs a step; whatever it cannot read or refuses is a problem of the log, not of the reader."""
        try:
            step()
        except HomeostatError as error:
            self.found(code, where, error.message)


def verify_log(
    repo: Repo,
    trusted: Trusted,
    *,
    memory: Checkpoint | None = None,
    objects: Callable[[], Sequence[str]] | None = None,
    main: str = "refs/heads/main",
    dropped_months: Collection[str] = (),
    machine_email: str = MACHINE_EMAIL,
) -> Report:
    """Checks everything; raises nothing for what it finds."""
    proof = _Proof(repo, trusted, dropped_months=dropped_months)
    if objects is not None:
        for line in objects():
            proof.found("object", "git fsck", line)
    state: State | None = None
    try:
        state = load(repo, repo.ref(layout.LOG_REF) or "", trusted)
        _check_log(proof, state, memory)
    except HomeostatError as error:
        proof.found("checkpoint", layout.LOG_REF, error.message)
        proof.attempt("memory", "remembered checkpoint", partial(refuse_rollback, memory, 0, None))
    if state is not None:
        proof.attempt("branch", main, partial(_check_branch, proof, state, main, machine_email))
    return _report(proof, state, objects is not None)


def _report(proof: _Proof, state: State | None, objects_checked: bool) -> Report:
    checkpoint = state.checkpoint if state else None
    return Report(
        size=checkpoint.size if checkpoint else 0,
        root=base64.b64encode(checkpoint.root).decode() if checkpoint else "",
        entries=proof.entries,
        commits=proof.commits,
        problems=tuple(proof.problems),
        objects_checked=objects_checked,
        checkpoint=checkpoint.note if checkpoint else "",
        dropped=tuple(proof.dropped),
    )


def _check_log(proof: _Proof, state: State, memory: Checkpoint | None) -> None:
    proof.attempt("memory", "remembered checkpoint", partial(_check_memory, state, memory))
    if state.commit:
        proof.attempt("layout", layout.LOG_REF, partial(_check_files, proof, state))
        proof.attempt("history", layout.LOG_REF, partial(_check_history, proof, state))
        proof.attempt("payload", layout.PAYLOADS, partial(_check_payload_files, proof, state))
    if state.signed_size < state.size:
        proof.found("unsigned", layout.LOG_REF, f"{state.size - state.signed_size} entries are not in a signed checkpoint")
    _check_entries(proof, state)


def _check_memory(state: State, memory: Checkpoint | None) -> None:
    """Numbered step 3."""
    covered = memory is not None and memory.size <= state.signed_size
    refuse_rollback(memory, state.signed_size, state.tiles.root(memory.size) if memory and covered else None)


def _check_files(proof: _Proof, state: State) -> None:
    """Numbered step 4."""
    expected = _expected_files(state)
    present = proof.repo.files(state.commit)
    for path in sorted(set(present) - set(expected) - {layout.CHECKPOINT}):
        proof.found("layout", path, "does not belong into the log")
    for path, data in expected.items():
        if proof.repo.read(state.commit, path) != data:
            proof.found("layout", path, "is not what the leaves make it")


def _expected_files(state: State) -> dict[str, bytes]:
    """All files of the log but the checkpoint, made again from the leaves and the pointers."""
    files: dict[str, bytes] = {}
    tiles = Tiles(0, [], lambda _level, _number: None)
    full = state.size // WIDTH
    for n in range(full):
        path = layout.entries_path(n)
        data = state.repo.read(state.commit, path) or b""
        leaves = layout.read_entries(data, path)
        for leaf in leaves:
            tiles.append(leaf_hash(leaf))
        files[path] = layout.write_entries(leaves)
        files[layout.index_path(n)] = layout.write_index(state.pointers_of(n))
    for leaf in state.edge:
        tiles.append(leaf_hash(leaf))
    if tiles.size != state.size or tiles.root() != state.tiles.root():
        raise Tampered("the leaves do not make the root that the checkpoint signs")
    return files | _tile_files(tiles) | _edge_files(state, full)


def _tile_files(tiles: Tiles) -> dict[str, bytes]:
    files = {layout.tile_path(level, n): data for (level, n), data in tiles.fresh.items()}
    for level, width in list(enumerate(widths(tiles.size)))[1:]:
        if width:
            files[layout.tile_path(level, (tiles.size >> (8 * level)) // WIDTH, width)] = b"".join(tiles.rows[level])
    return files


def _edge_files(state: State, full: int) -> dict[str, bytes]:
    files, at = {}, 0
    for pointer in state.pointers_of(full):
        leaves = state.edge[at : at + pointer.count]
        files[layout.edge_path(full * WIDTH + at)] = layout.write_edge(pointer, leaves)
        at += pointer.count
    return files


def _check_history(proof: _Proof, state: State) -> None:
    """Numbered step 7."""
    newest: int | None = None
    last = b""
    for info in proof.repo.history(state.commit, limit=1 << 40):
        if len(info.parents) > 1:
            proof.found("history", info.id, "the log's history has a merge")
        raw = proof.repo.read(info.id, layout.CHECKPOINT) or b""
        if raw in (last, b""):
            continue
        last = raw
        proof.attempt("history", info.id, partial(_check_old_checkpoint, proof, state, raw))
        size = parse_checkpoint(raw.decode(errors="replace")).size
        if newest is not None and size >= newest:
            proof.found("history", info.id, "the log's history is not growing")
        newest = size


def _check_old_checkpoint(proof: _Proof, state: State, raw: bytes) -> None:
    note = raw.decode(errors="replace")
    publics = proof.trusted.keys.for_checkpoint(parse_checkpoint(note).size)
    found = open_checkpoint(note, proof.trusted.origin, publics, proof.trusted.verifier)
    refuse_rollback(found, state.signed_size, state.tiles.root(found.size) if found.size <= state.signed_size else None)


def _check_payload_files(proof: _Proof, state: State) -> None:
    """Every payload file is one that the log points to."""
    named = {(p.month, layout.payload_path(start, p.payload)) for start, p in zip(state.starts, state.pointers, strict=True)}
    for ref, commit in proof.repo.refs(layout.PAYLOADS).items():
        month = ref.removeprefix(layout.PAYLOADS)
        for path in proof.repo.files(commit):
            if (month, path) not in named:
                proof.found("payload", f"{ref}:{path}", "belongs to no entry of the log")


def _check_entries(proof: _Proof, state: State) -> None:
    """Numbered steps 5 and 6, entry by entry; the facts that step 8 needs are folded on the way."""
    for start, pointer in zip(state.starts, state.pointers, strict=True):
        for at in range(pointer.count):
            proof.attempt("entry", f"entry {start + at}", partial(_check_entry, proof, state, start + at, pointer))


def _check_entry(proof: _Proof, state: State, index: int, pointer: layout.Pointer) -> None:
    data = state.statement(index)
    if data is None:
        if pointer.month not in proof.dropped_months:
            raise Tampered(f"its payload of {pointer.month} is missing")
        proof.dropped.append(index)
        return
    logged = check_entry(index, read_leaf(state.leaf(index)), data, proof.trusted)
    key = logged.record.key
    if layout.key_mark(key) != state.mark(index):
        raise Tampered("its pointer names another key")
    if key in proof.keys:
        raise Tampered(f"the key {key!r} was written before, as entry {proof.keys[key]}")
    proof.keys[key] = index
    proof.entries += 1
    fold(proof.facts, logged)


def _check_branch(proof: _Proof, state: State, main: str, machine_email: str) -> None:
    """Numbered step 8."""

    def root(size: int) -> bytes:
        return state.tiles.root(size) if size <= state.size else b""

    checked, problems = branch.check(proof.repo, proof.trusted, proof.facts, main, machine_email, root)
    proof.commits = checked
    proof.problems += problems
