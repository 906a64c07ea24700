"""Enlisting: Operation files that admitted commits added become entries of the log, each once, ever.

In: the commits between the revision that was looked at last and the one that is applied. Out: an "accepted" event in the
log for each new file, and an alarm for everything that looks like an Operation and can never run: a file that was edited
or added again, a name that is no id, too many at once.

Invariants
* An id belongs to the commit that brought it first. What is done later is read from exactly that commit.
* The folder is append-only: removing a file withdraws what has not begun; editing it ends it.
* Cost follows what is new: a commit that leaves the folder alone costs two tree ids. Looking twice enlists once.
* What was there at the pinned root is never run: nobody admitted it.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.audit.facts import OperationEvent, operation_record
from reconciler.audit.view import Fact
from reconciler.converge.commits import claims_machine, shown
from reconciler.converge.operations import FOLDER, is_prose, operation_id, operation_path
from reconciler.documents.loader import Loaded, load_one
from reconciler.documents.operation import Operation
from reconciler.errors import Misconfigured, Permanent
from reconciler.model.canonical import digest
from reconciler.model.operations import ACCEPTED, REFUSED, STARTED, UNKNOWN
from reconciler.model.records import Record, RecordKind
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Repo
from reconciler.steps.world import World

NOTE = "operated"
MOST_AT_ONCE = 50  # Operations of one commit: more is a mistake, and it would be a fast one
FAR = 100  # commits after which the place is noted although nothing was found
RESTORED = "a restored log does not know what became of it"
SHOWN = 5  # files that one alarm names


def begin(world: World) -> dict[str, int]:
    """After a start: how far the last process looked, and from the log what has not come to its end."""
    world.publish()
    noted = world.store.noted(NOTE)
    world.cursor.operated = noted if noted and world.repo.commit(noted) else world.root
    events = world.ledger.facts().operations
    return {name: 0 for name, known in events.items() if known[-1].value.event in (ACCEPTED, STARTED)}


def enlist(world: World, waiting: dict[str, int], applied: str) -> bool:
    """Everything new up to `applied` into the log, and into `waiting`."""
    if world.cursor.operated == applied:
        return False
    found = False
    commits = world.repo.between(world.cursor.operated, applied)
    for commit in commits:
        if not _untouched(world, commit):
            found = _enlist(world, waiting, commit) or found
    world.cursor.operated = applied
    if found or len(commits) >= FAR:  # an unrelated commit costs no write; looking at it again after a start costs little
        world.store.note(NOTE, applied)
    return found


def abandoned(repo: Repo, head: str, known: Mapping[str, list[Fact[OperationEvent]]]) -> tuple[OperationEvent, ...]:
    """For a restore: everything in the folder whose end this log does not know is unknown, so that it never runs.

    A log that is older than the world cannot say what was done meanwhile.
    """
    paths = repo.files(head, FOLDER) if repo.tree(head, FOLDER) else {}
    lost = {name for p in paths if (name := operation_id(p)) and name not in known}
    lost |= {name for name, events in known.items() if events[-1].value.event in (ACCEPTED, STARTED)}
    return tuple(OperationEvent(name, UNKNOWN, _brought(repo, head, known, name), RESTORED) for name in sorted(lost))


def _brought(repo: Repo, head: str, known: Mapping[str, list[Fact[OperationEvent]]], name: str) -> str:
    if name in known:
        return known[name][0].value.commit
    return repo.history(head, limit=1_000, path=operation_path(name))[-1].id


def read_operation(world: World, name: str, commit: str) -> Loaded[Operation] | str:
    """The document as the commit brought it, or what is wrong with it, with its place."""
    path = operation_path(name)
    try:
        data = world.repo.read(commit, path)
        if data is None:
            return f"{path}:1:1: no such file in {commit[:12]}"
        loaded = load_one(data, path, Operation)
    except (Misconfigured, Permanent) as error:
        return str(error)
    if loaded.name != name:
        return f"{loaded.locate('metadata', 'name')}: the name is {loaded.name!r}, the file's is {name!r}; they have to agree"
    return loaded


def _untouched(world: World, commit: CommitInfo) -> bool:
    before = world.repo.tree(commit.parents[0], FOLDER) if commit.parents else None
    return world.repo.tree(commit.id, FOLDER) == before


def _enlist(world: World, waiting: dict[str, int], commit: CommitInfo) -> bool:
    """One commit. Its events are in the log before the next one is looked at."""
    try:
        touched = {p: blobs for p, blobs in world.repo.touched(commit.id).items() if p.startswith(f"{FOLDER}/")}
    except Permanent as error:
        world.keep(*_alarm(world, commit, [str(error)]))
        return True
    known = world.ledger.facts().operations
    fresh = [name for p, (before, after) in touched.items() if (name := operation_id(p)) and _is_new(known, name, before, after)]
    wrong = [line for p, (_, after) in sorted(touched.items()) if after and (line := _wrong(world, commit, p, after, fresh))]
    if len(fresh) > MOST_AT_ONCE:
        wrong, fresh = [f"{len(fresh)} Operations in one commit, at most {MOST_AT_ONCE} are run; none of these is"], []
    accepted = [_event(world, OperationEvent(name, ACCEPTED, commit.id)) for name in sorted(fresh)]
    edited = [operation_id(p) for p, (_, after) in touched.items() if after and _ends(world, commit, operation_id(p), after)]
    ended = [_event(world, OperationEvent(n, REFUSED, commit.id, "its file was edited or added again")) for n in edited]
    if claims_machine(commit):
        _visit(world, commit, touched, known)
    world.keep(*accepted, *ended, *_alarm(world, commit, wrong))
    world.publish()
    now_known = world.ledger.facts().operations  # an id whose records retention has dropped is used up, and not there
    waiting.update({name: 0 for name in fresh if name in now_known and now_known[name][0].value.commit == commit.id})
    for name in edited:
        waiting.pop(name, None)
    return bool(accepted or ended or wrong)


def _is_new(known: Mapping[str, list[Fact[OperationEvent]]], name: str, before: str, after: str) -> bool:
    return bool(after) and not before and name not in known


def _wrong(world: World, commit: CommitInfo, path: str, after: str, fresh: list[str]) -> str:
    """Why a file will not run that one could take for an Operation; "" for one that is fresh, known or prose."""
    name = operation_id(path)
    if name in fresh or is_prose(path):
        return ""
    if not name:
        return f"{shown(path)}:1:1: not run: an Operation is {FOLDER}/NAME.yaml with lower-case letters, digits and dashes"
    if _same(world, commit, name, after):
        return ""
    return f"{path}:1:1: was edited or added again; an Operation runs at most once: add a new file with a new name"


def _same(world: World, commit: CommitInfo, name: str, after: str) -> bool:
    """Seen before: this very commit, or a merge that brings what a side branch added."""
    known = world.ledger.facts().operations.get(name)
    if not known:
        return False
    first = known[0].value.commit
    return first == commit.id or (len(commit.parents) > 1 and _blob(world, first, name) == after)


def _blob(world: World, commit: str, name: str) -> str:
    return world.repo.touched(commit).get(operation_path(name), ("", ""))[1]


def _ends(world: World, commit: CommitInfo, name: str, after: str) -> bool:
    """An edit ends what was accepted and has not begun."""
    known = world.ledger.facts().operations.get(name)
    return known is not None and known[-1].value.event == ACCEPTED and not _same(world, commit, name, after)


def _event(world: World, event: OperationEvent) -> Record:
    merge = world.ledger.facts().merges.get(event.commit)
    return operation_record(event, world.clock.stamp(), merge.incident if merge else "")


def _visit(
    world: World, commit: CommitInfo, touched: Mapping[str, tuple[str, str]], known: Mapping[str, list[Fact[OperationEvent]]]
) -> None:
    """A repair that is an Operation, or its undoing, waits until its unit holds the revision: converge looks at the unit."""
    for path in touched:
        name = operation_id(path)
        source = known[name][0].value.commit if name in known else commit.id
        found = read_operation(world, name, source) if name else ""
        if not isinstance(found, str) and found.document.spec.unit in world.applied_rulebook().units:
            world.cursor.pending |= {found.document.spec.unit}
            world.cursor.retry_ms = 0


def _alarm(world: World, commit: CommitInfo, wrong: list[str]) -> list[Record]:
    """One for each commit: on record, and to a person."""
    if not wrong:
        return []
    more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
    why = f"commit {commit.id[:12]} by {shown(commit.author_email)}: " + "; ".join(wrong[:SHOWN]) + more
    key = f"operations/{commit.id}/{digest(wrong)[7:23]}"
    world.notifier.page(key, f"files in {FOLDER}/ that will not run", why, world.url("/"))
    return [world.record(RecordKind.ALARM, key, {"operations": why}, subject=commit.id)]
