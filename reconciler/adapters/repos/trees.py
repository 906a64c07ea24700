"""Trees: reading them with every hostile entry refused by name, and writing only along changed paths.

In: a tree and the files to change. Out: plain maps of path to blob id, or the id of a new tree. Only regular files and
folders exist here: a symlink could point out of the repository, a submodule out of what was judged, and two names
that fold to the same would be one file on another machine. A write costs one object per changed file and folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pygit2
from pygit2.enums import FileMode

from reconciler.adapters.repos.libgit import intact, lasting, need_tree, oid, writing
from reconciler.errors import Permanent
from reconciler.model.paths import MAX_DEPTH, collision, refuse_name, refuse_path

MAX_FILES = 100_000  # in one listing: ten times the largest repository this is measured on
MAX_BLOB = 8 * 1024 * 1024  # bytes read or written as one file; configuration is text
_REGULAR = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)

Plan = dict[str, "bytes | Plan | None"]


def entry_at(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    """The object at `path`, None when there is none; "" is the tree itself."""
    at: pygit2.Object = tree
    for name in map(lasting, path.split("/") if path else ()):
        if not isinstance(at, pygit2.Tree) or name not in at:
            return None
        at = at[name]
    return at


def read_blob(git: pygit2.Repository, blob: str) -> bytes:
    """A blob's bytes; its size is looked at before it is read."""
    wanted = oid(blob)
    if wanted is None:
        raise Permanent(f"{blob!r} is no object id")
    with intact(f"blob {blob}"):
        kind, size = git.odb.read_header(wanted)
        if int(kind) != pygit2.enums.ObjectType.BLOB:
            raise Permanent(f"object {blob} is no file")
        if size > MAX_BLOB:
            raise Permanent(f"blob {blob} has {size} bytes, more than {MAX_BLOB}", next_step="keep large files elsewhere")
        return bytes(git.odb.read(wanted)[1])


def list_files(tree: pygit2.Tree, under: str) -> dict[str, str]:
    """Path to blob id, sorted by path, with `under` as prefix."""
    found: dict[str, str] = {}
    with intact(f"tree {tree.id}"):
        for path, blob in _walk(tree, under, 0):
            found[path] = blob
            if len(found) > MAX_FILES:
                raise Permanent(
                    f"{under or 'the repository'} holds more than {MAX_FILES} files", next_step="split it into several"
                )
    return found


def _walk(tree: pygit2.Tree, at: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        raise Permanent(f"{at}: deeper than {MAX_DEPTH} folders", next_step="flatten it")
    check_siblings(tree, at)
    for entry in tree:
        path = f"{at}/{entry.name}" if at else str(entry.name)
        if isinstance(entry, pygit2.Tree):
            yield from _walk(entry, path, depth + 1)
        else:
            check_regular(entry, path)
            yield path, str(entry.id)


def check_siblings(tree: pygit2.Tree, at: str) -> None:
    """Refuses the names of one folder that could be read in two ways."""
    names = [entry_name(entry, at) for entry in tree]
    for name in names:
        if why := refuse_name(name):
            raise Permanent(f"{_join(at, name)!r}: {why}", next_step="rename it")
    if pair := collision(names):
        raise Permanent(f"{_join(at, pair[0])!r} and {_join(at, pair[1])!r} differ only in case or composition",
                        next_step="rename one of them")  # fmt: skip


def entry_name(entry: pygit2.Object, at: str) -> str:
    raw = entry.raw_name or b""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Permanent(f"{_join(at, repr(raw))}: a name that is not UTF-8", next_step="rename it") from error


def check_regular(entry: pygit2.Object | None, path: str) -> None:
    """Refuses what is no regular file, by name."""
    mode = FileMode(entry.filemode) if entry is not None else FileMode.UNREADABLE
    if mode in _REGULAR:
        return
    kind = {FileMode.LINK: "a symbolic link", FileMode.COMMIT: "a submodule"}.get(mode, "no regular file")
    raise Permanent(f"{path!r} is {kind}", next_step="replace it by the file itself")


def find_path(tree: pygit2.Tree, path: str) -> str | None:
    """One regular file's blob, None when nothing is there; links and folders are refused by name."""
    with intact(f"{path!r} in tree {tree.id}"):
        entry = entry_at(tree, path)
    if entry is None or isinstance(entry, pygit2.Tree):
        return None
    check_regular(entry, path)
    return str(entry.id)


def plan_of(files: Mapping[str, bytes | None]) -> Plan:
    """Files as nested folders; refuses unsafe paths and a path that is both file and folder."""
    plan: Plan = {}
    for path, content in files.items():
        if why := refuse_path(path):
            raise Permanent(f"cannot write {path!r}: {why}", next_step="choose another path")
        if content is not None and len(content) > MAX_BLOB:
            raise Permanent(f"cannot write {path!r}: {len(content)} bytes, more than {MAX_BLOB}")
        *folders, name = path.split("/")
        at = plan
        for folder in folders:
            inner = at.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise Permanent(f"cannot write {path!r}: {folder!r} is a file in the same commit")
            at = inner
        if name in at:
            raise Permanent(f"cannot write {path!r}: it is a folder in the same commit")
        at[name] = content
    return plan


def write_tree(git: pygit2.Repository, base: pygit2.Tree | None, plan: Plan, at: str = "") -> pygit2.Oid | None:
    """The id of `base` with the plan carried out, None when nothing is left in it."""
    with intact(f"tree {at or '/'}"):
        builder = git.TreeBuilder(base) if base is not None else git.TreeBuilder()
        before = {name: base[name] for name in map(lasting, plan) if name in base} if base is not None else {}
    for name, want in plan.items():
        _put(git, builder, before.get(name), want, _join(at, name))
    if len(builder) == 0:
        return None
    with writing(f"tree {at or '/'}"):
        written = builder.write()
    if any(name not in before for name in plan):
        check_siblings(need_tree(git, written), at)
    return written


def _put(
    git: pygit2.Repository, builder: pygit2.TreeBuilder, old: pygit2.Object | None, want: bytes | Plan | None, path: str
) -> None:
    name = path.rpartition("/")[2]
    if isinstance(want, dict):
        if old is not None and not isinstance(old, pygit2.Tree):
            raise Permanent(f"cannot write below {path!r}: it is a file")
        inner = write_tree(git, old, want, path)
        _set(builder, name, inner, FileMode.TREE, old)
        return
    if isinstance(old, pygit2.Tree) or (want is None and old is None):
        raise Permanent(
            f"cannot {'delete' if want is None else 'write'} {path!r}: {'it is a folder' if old else 'it is not there'}"
        )
    mode = FileMode.BLOB
    if old is not None:
        check_regular(old, path)
        mode = FileMode(old.filemode)  # an executable stays one
    with writing(f"blob {path!r}"):
        blob = git.create_blob(want) if want is not None else None
    _set(builder, name, blob, mode, old)


def _set(builder: pygit2.TreeBuilder, name: str, new: pygit2.Oid | None, mode: FileMode, old: pygit2.Object | None) -> None:
    if new is not None:
        builder.insert(name, new, mode)
    elif old is not None:
        builder.remove(name)


def _join(at: str, name: str) -> str:
    return f"{at}/{name}" if at else name
