"""Which values an edit really moves: two parsed documents compared, so that limits need not believe the proposal.

Callers parse both versions of every touched file and hand over their plain values; a path whose file cannot be parsed is
left out of `Facts.examined`, and the judge then denies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from reconciler.model.proposals import Pointer, Scalar
from reconciler.policy.facts import ValueMove


def value_moves(path: str, before: object, after: object) -> tuple[ValueMove, ...]:
    """Every scalar that differs between two plain values (None is "no such document"), in document order."""
    old, new = dict(_scalars(before, ())), dict(_scalars(after, ()))
    fields = [*old, *(field for field in new if field not in old)]
    return tuple(
        ValueMove(path, field, old.get(field), new.get(field)) for field in fields if _differs(old.get(field), new.get(field))
    )


def _scalars(value: object, at: Pointer) -> Iterator[tuple[Pointer, Scalar]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(item, (*at, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scalars(item, (*at, index))
    elif isinstance(value, float):
        yield at, repr(value)  # decimal text: no floats in what is recorded
    elif value is not None:
        yield at, cast("Scalar", value)


def _differs(old: Scalar, new: Scalar) -> bool:
    return type(old) is not type(new) or old != new
