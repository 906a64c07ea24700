"""From what is desired and what a target holds to the steps of a plan. Targets share this, so that all plan alike.

Steps are in the order in which they are done: creations and updates by id, then deletions by id in reverse.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model.revisions import Observed, Plan, Rendered, Step, Verb

MAX_FIELDS = 20
MAX_TEXT = 80
ABSENT = ""
HIDDEN = "(hidden)"


def make_plan(
    rendered: Rendered,
    observed: Observed,
    body: Callable[[str], Mapping[str, Any]],
    revision: str,
    generation: int,
    *,
    shown: bool = True,
) -> Plan:
    """`body` reads the live body of one object, for the fields that a person is shown."""
    steps = tuple(_steps(rendered, observed, body if shown else None))
    return Plan(rendered.unit, rendered.target, revision, generation, steps, rendered.objects)


def _steps(rendered: Rendered, observed: Observed, body: Callable[[str], Mapping[str, Any]] | None) -> Iterator[Step]:
    wanted = {o.id: o for o in rendered.objects}
    for object_id in sorted(wanted):
        desired = wanted[object_id]
        if object_id not in observed.objects:
            yield Step(Verb.CREATE, object_id, field_changes({}, desired.spec, hide=desired.secret) if body else ())
        elif observed.objects[object_id] != desired.digest:
            changes = field_changes(body(object_id), desired.spec, hide=desired.secret) if body else ()
            yield Step(Verb.UPDATE, object_id, changes)
    for object_id in sorted(set(observed.inventory) - set(wanted), reverse=True):
        yield Step(Verb.PRUNE, object_id)


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any], *, hide: bool = False) -> tuple[tuple[str, str, str], ...]:
    """(dotted field, before, after) for each leaf that differs, capped in number and length; with `hide` without the values."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    rows = ((key[:MAX_TEXT], old.get(key, ABSENT), new.get(key, ABSENT)) for key in changed[:MAX_FIELDS])
    return tuple((key, was and HIDDEN, now and HIDDEN) for key, was, now in rows) if hide else tuple(rows)


def _leaves(value: object, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{at}.{key}" if at else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{at}[{index}]")
    else:
        yield at, _text(value)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
