"""Masks: which fields of an object Git does not decide, and whether a conflict over the rest may be won.

One answer for diff, apply and display. A field is theirs when a rule says so, or when a scaler writes it through the scale
subresource or an Operation has scaled to zero: that needs no rule. The last rule that matches counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from reconciler.adapters.targets.kubernetes.fields import owners
from reconciler.model.revisions import FieldRule, Owner

SCALE = "scale"
OPERATIONS = "homeostat-operations"  # who writes what a one-shot act does
ZERO = "homeostat-zero"  # who writes replicas when one scales to zero, until another one scales back


def theirs(rules: Sequence[FieldRule], object_id: str, live: Mapping[str, Any], paths: Iterable[str]) -> frozenset[str]:
    """Those of `paths` that are not Git's."""
    return frozenset(p for p in paths if owner(rules, object_id, p, owners(live, p)) is Owner.THEIRS)


def left_out(rules: Sequence[FieldRule], object_id: str) -> frozenset[str]:
    """Paths that a rule gives away whoever writes them: they are never sent."""
    anybody = [rule for rule in rules if not rule.manager]
    given = {r.path for r in anybody if r.path and r.owner is Owner.THEIRS and _object(r, object_id)}
    return frozenset(p for p in given if owner(anybody, object_id, p, ()) is Owner.THEIRS)


def contested(rules: Sequence[FieldRule], object_id: str) -> bool:
    """Whether who writes a field of this object decides if it may be won."""
    return any((r.owner is Owner.REFUSE or r.manager) and _object(r, object_id) for r in rules)


def owner(rules: Sequence[FieldRule], object_id: str, path: str, others: Sequence[tuple[str, str]]) -> Owner:
    found = Owner.THEIRS if any(sub == SCALE or name == ZERO for name, sub in others) else Owner.GIT
    for rule in rules:
        if _object(rule, object_id) and _below(rule.path, path) and _written(rule.manager, others):
            found = rule.owner
    return found


def returned(live: Mapping[str, Any], paths: Iterable[str]) -> frozenset[str]:
    """Those of `paths` that an Operation has given back to Git."""
    return frozenset(p for p in paths if any(name == OPERATIONS for name, _ in owners(live, p)))


def _object(rule: FieldRule, object_id: str) -> bool:
    kind, _, rest = object_id.partition("/")
    return (not rule.kind or rule.kind == kind) and (not rule.name or fnmatchcase(rest.rpartition("/")[2], rule.name))


def _below(rule: str, path: str) -> bool:
    return not rule or path == rule or path.startswith((rule + "/", rule + "["))


def _written(manager: str, others: Sequence[tuple[str, str]]) -> bool:
    return not manager or any(fnmatchcase(name, manager) for name, _ in others)
