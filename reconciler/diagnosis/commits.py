"""What the recently applied commits changed: which fields of which component, a release or something else.

A commit is read from Git, before and after, through the strict parser; only service documents (`metadata.name`) count.
A file that cannot be read on either side is left out: it can make no claim. Everything is capped.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.diagnosis.sight import NAME
from reconciler.errors import Misconfigured
from reconciler.ports.repo import Repo
from reconciler.yamltext import Value, parse

RECENT_MS = 1_800_000
MAX_COMMITS = 20
MAX_FILES = 50
MAX_TEXT = 100
MAX_KEPT = 16_384  # bytes of a file whose leaves are kept in memory
RELEASE_KEYS = frozenset({"release", "image", "tag", "version"})
ROOM_KEYS = frozenset({"replicas", "workers", "cpuMillis", "memoryMiB", "connections", "limit"})  # more of it is more room
WIDER_KEYS = frozenset({"replicas", "workers"})


@dataclass(frozen=True, slots=True)
class Applied:
    """One commit of the infra repository and when it was applied to the target."""

    commit: str
    applied_ms: int


@dataclass(frozen=True, slots=True)
class Touch:
    """What one applied commit changed on one component: (dotted field, before, after), sorted."""

    commit: str
    applied_ms: int
    component: str
    fields: tuple[tuple[str, str, str], ...]

    @property
    def releases(self) -> bool:
        return any(field.rsplit(".", 1)[-1] in RELEASE_KEYS for field, _, _ in self.fields)

    @property
    def room(self) -> int:
        """1 when all it did was to give more room, -1 when it took some away, 0 when it did something else."""
        given = [_more(*field) for field in self.fields]
        return min(given) if -1 in given or 0 not in given else 0

    @property
    def widens(self) -> bool:
        """Whether more workers are at work after it: each of them holds a connection to every database it asks."""
        return any(_more(*field) > 0 for field in self.fields if field[0].rsplit(".", 1)[-1] in WIDER_KEYS)

    @property
    def asks(self) -> bool:
        """Whether it changed how long and how often this component asks others."""
        return any(".calls." in field for field, _, _ in self.fields)

    @property
    def shown(self) -> tuple[str, str, str]:
        """The field that says most: a release before anything else."""
        return min(self.fields, key=lambda f: (f[0].rsplit(".", 1)[-1] not in RELEASE_KEYS, f))


def _more(field: str, before: str, after: str) -> int:
    if field.rsplit(".", 1)[-1] not in ROOM_KEYS or not (before.isdecimal() and after.isdecimal()):
        return 0
    return 1 if int(after) > int(before) else -1


def touches(repo: Repo, applied: Sequence[Applied], until_ms: int) -> tuple[Touch, ...]:
    """Who was touched by what was applied within half an hour before `until_ms`, newest first."""
    recent = [a for a in applied if until_ms - RECENT_MS <= a.applied_ms <= until_ms]
    recent.sort(key=lambda a: (-a.applied_ms, a.commit))
    return tuple(touch for entry in recent[:MAX_COMMITS] for touch in _touches(repo, entry))


def _touches(repo: Repo, entry: Applied) -> list[Touch]:
    commit = repo.commit(entry.commit)
    if commit is None or not commit.parents:  # an installation's first commit changed nothing that ran before
        return []
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, blobs in sorted(repo.touched(entry.commit).items())[:MAX_FILES]:
        if path.endswith((".yaml", ".yml")):
            earlier, later = (_components(repo, blob, path) for blob in blobs)
            if earlier is None or later is None:
                continue
            for component in sorted(earlier.keys() | later.keys()):
                found.setdefault(component, []).extend(_fields(earlier.get(component, {}), later.get(component, {})))
    return [Touch(entry.commit, entry.applied_ms, c, tuple(sorted(fields))) for c, fields in found.items() if fields]


def _components(repo: Repo, blob: str, path: str) -> Mapping[str, Mapping[str, str]] | None:
    """The leaves of every service document of a file by component; None for what does not parse."""
    if not blob:
        return {}
    data = repo.blob(blob)
    return (_told if len(data) <= MAX_KEPT else _told.__wrapped__)(data, path)


@functools.lru_cache(maxsize=64)  # each look at an incident asks for the same few files
def _told(data: bytes, path: str) -> Mapping[str, Mapping[str, str]] | None:
    try:
        documents = [d.value for d in parse(data, path)]
    except Misconfigured:
        return None
    found = {}
    for document in documents:
        metadata = document.get("metadata") if isinstance(document, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(document, dict) and isinstance(name, str) and NAME.fullmatch(name):
            found[name] = dict(_leaves(document.get("spec"), "spec"))
    return found


def _leaves(value: Value, at: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{at}.{key}")]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in _leaves(inner, f"{at}.{index}")]
    return [(at[:MAX_TEXT], str(value)[:MAX_TEXT])]


def _fields(earlier: Mapping[str, str], later: Mapping[str, str]) -> list[tuple[str, str, str]]:
    keys = sorted(earlier.keys() | later.keys())
    return [(k, earlier.get(k, ""), later.get(k, "")) for k in keys if earlier.get(k) != later.get(k)]
