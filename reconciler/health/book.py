"""The book of health: which rule judges an object, and the judgement. Total: whatever comes in, a Judgement comes out.

Order, each before the next:
1. an object that cannot be read is unknown;
2. one that is being deleted, or whose status speaks of an older generation, is progressing;
3. the rule of its kind: from Git, else from the library, the exact group before a wildcard and the kind before `*`;
4. without one, or where the rule leaves it open, inference.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Final, cast

from reconciler.documents import Loaded, load
from reconciler.documents.health_rule import HealthRule
from reconciler.errors import Misconfigured
from reconciler.health.compiled import Rule, compile_rule
from reconciler.health.facts import read
from reconciler.health.inference import infer
from reconciler.health.judgement import Judgement
from reconciler.model.revisions import Health, HealthState

LIBRARY: Final = "library"
CORE: Final = "core"  # the file of the group without a name
_WILD: Final = "any."  # `any.example.org.yaml` holds the rules of `*.example.org`
Key = tuple[str, str]


class HealthBook:
    """The rules of one revision over the shipped library. Immutable, and safe to share."""

    def __init__(self, rules: Iterable[Loaded[HealthRule]] = (), *, library: bool = True) -> None:
        self._library = library
        self._own = _by_kind(rules)

    def judge(self, live: object) -> Judgement:
        """What is said of one object."""
        facts = read(live)
        if facts.problem:
            return Judgement(HealthState.UNKNOWN, facts.problem, "the object")
        if facts.deleting:
            return Judgement(HealthState.PROGRESSING, "it is being deleted", "deletionTimestamp")
        rule = self.rule_of(facts.group, facts.kind)
        if facts.behind and not (rule and rule.document.spec.any_generation):
            words = "its controller has not seen the newest spec yet"
            return Judgement(HealthState.PROGRESSING, words, "observedGeneration")
        return rule.judge(facts) if rule else infer(facts)

    def health(self, live: object, id: str) -> Health:  # noqa: A002 - the name that Health has for it
        """The same as the value that converge shows."""
        found = self.judge(live)
        return Health(id, found.state, found.message)

    def rule_of(self, group: str, kind: str) -> Rule | None:
        """The rule that judges a kind, None when inference does."""
        for pattern in _patterns(group) if self._own else ():
            for name in (kind, "*"):
                if rule := self._own.get((pattern, name)):
                    return rule
        return _shipped(group, kind) if self._library else None


def library_files() -> Iterator[str]:
    """The names of the shipped rule files, sorted."""
    folder = resources.files("reconciler.health") / LIBRARY
    yield from sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml") and ".cases." not in item.name)


def library_text(name: str) -> bytes | None:
    """The bytes of a shipped file, None when there is none."""
    try:
        return (resources.files("reconciler.health") / LIBRARY / name).read_bytes()
    except FileNotFoundError:
        return None


@functools.lru_cache(maxsize=4_096)
def _shipped(group: str, kind: str) -> Rule | None:
    """Compiled when its kind is first met."""
    for pattern in _patterns(group):
        rules = _file(pattern)
        if loaded := rules.get(kind) or rules.get("*"):
            return compile_rule(loaded)
    return None


@functools.lru_cache(maxsize=1_024)
def _file(pattern: str) -> Mapping[str, Loaded[HealthRule]]:
    """The rules of one shipped file by kind, read when its group is first met."""
    name = _file_name(pattern)
    if not name or (data := library_text(name)) is None:
        return {}
    documents = (cast("Loaded[HealthRule]", item) for item in load(data, f"library/{name}"))
    return {kind: item for item in documents for kind in item.document.spec.kinds}


def _file_name(pattern: str) -> str:
    """A group names its file; one that could name anything else has none."""
    if not all(ch.isalnum() or ch in ".-*" for ch in pattern) or len(pattern) > 253:
        return ""
    return f"{_WILD}{pattern[2:]}.yaml" if pattern.startswith("*.") else f"{pattern or CORE}.yaml"


def _patterns(group: str) -> Iterator[str]:
    yield group
    parts = group.split(".")[:12]
    for start in range(1, len(parts) - 1):
        yield "*." + ".".join(parts[start:])


def _by_kind(rules: Iterable[Loaded[HealthRule]]) -> dict[Key, Rule]:
    found: dict[Key, Rule] = {}
    for loaded in rules:
        rule = compile_rule(loaded)
        for index, kind in enumerate(loaded.document.spec.kinds):
            key = (loaded.document.spec.group, kind)
            if key in found:
                where = loaded.locate("spec", "kinds", index)
                raise Misconfigured(f"{kind} has a rule already, at {found[key].where}", where=where, next_step="merge the two")
            found[key] = rule
    return found
