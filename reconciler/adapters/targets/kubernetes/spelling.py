"""Which fields really differ, told without asking the server: for objects that we may only read.

A field that is ours alone is as we applied it, however the server spells it: whoever changes a value takes the field. Elsewhere
two spellings of one quantity are the same. Defaults and admission are the server's own and stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Refused
from reconciler.adapters.targets.kubernetes.fields import apart, escaped, owned, owners, value_at
from reconciler.edits.quantities import quantity

NOT_TRIED: Final = "not tried by the server, because the right to patch is missing: admission and defaults may change it"
_NO_RIGHT: Final = re.compile(r'cannot (patch|create|update|impersonate[\w:-]*) resource "')


def lost(desired: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Leaves of an object, applied as it is desired, that somebody has taken since."""
    ours = frozenset(owned(found).paths)
    taken = [p for p in apart(desired, found) if p not in ours or owners(found, p)]
    return tuple(p for p in _spread(desired, taken) if not same(value_at(desired, p), value_at(found, p)))


def changed(desired: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Leaves in which a desired object differs from a live one, and those of ours that it no longer names."""
    return tuple(p for p in _spread(desired, apart(desired, found)) if not same(value_at(desired, p), value_at(found, p)))


def same(one: Any, other: Any) -> bool:
    if one == other:
        return True
    if isinstance(one, bool) or isinstance(other, bool) or not (isinstance(one, int | str) and isinstance(other, int | str)):
        return False
    amounts = quantity(one), quantity(other)
    return amounts[0] is not None and amounts[1] is not None and amounts[0].amount == amounts[1].amount


def no_right(refused: Refused) -> bool:
    """Whether the server did not even look at it. Webhooks and quotas refuse with the same status."""
    return refused.status == 403 and _NO_RIGHT.search(refused.told) is not None


def _spread(desired: Mapping[str, Any], paths: list[str] | tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        yield from _leaves(value_at(desired, path), path)


def _leaves(value: Any, at: str) -> Iterator[str]:
    """Of a map that is apart as a whole, each of its fields; lists stay whole."""
    if not isinstance(value, Mapping) or not value:
        yield at
        return
    for key, below in value.items():
        yield from _leaves(below, f"{at}/{escaped(str(key))}")
