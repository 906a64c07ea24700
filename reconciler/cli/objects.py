"""Naming objects on a command line, and finding what the log says of them.

`Deployment/shop/checkout`, `Deployment.apps/shop/checkout` and `shop:Deployment/checkout` name the same object: the group
may be left out, and so may the namespace where that leaves one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Permanent
from reconciler.model.canonical import decode, plain
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.model.revisions import ChangeSet, StepResult

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as a person named it; `unit` is "" when they named none."""

    unit: str
    kind: str
    rest: str

    def fits(self, unit: str, object_id: str) -> bool:
        kind, _, rest = object_id.partition("/")
        same_kind = self.kind.lower() in (kind.lower(), kind.partition(".")[0].lower())
        return self.unit in ("", unit) and same_kind and (rest == self.rest or rest.endswith(f"/{self.rest}"))


@dataclass(frozen=True, slots=True)
class Applied:
    """One apply of a unit, where the log has it and when it was."""

    index: int
    clock_ms: int
    changes: ChangeSet

    def of(self, object_id: str) -> StepResult | None:
        return next((r for r in self.changes.results if r.id == object_id), None)


def wanted(text: str) -> Wanted:
    unit, colon, named = text.strip().rpartition(":")
    kind, slash, rest = named.partition("/")
    if not (kind and slash and rest) or (colon and not unit):
        raise Permanent(f"{text!r} names no object", next_step="write Deployment/shop/checkout, or UNIT:Deployment/checkout")
    return Wanted(unit, kind, rest)


def only(text: str, found: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The unit and id that a person meant, or why that cannot be told."""
    known = sorted(set(found))
    exact = [pair for pair in known if pair[1] == text.rpartition(":")[2]] or known
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise Permanent(f"no object {text} was ever declared here", next_step="homeostat tree --all names them")
    raise Permanent(
        f"{text} can be {len(exact)} objects", next_step=f"one of {', '.join(f'{unit}:{i}' for unit, i in exact[:5])}"
    )


def applies(home: Reading) -> Sequence[Applied]:
    """All of the log, newest first."""
    return [_applied(entry) for entry in home.log.records(kinds=(RecordKind.APPLY,))][::-1]


def _applied(entry: LoggedRecord) -> Applied:
    changes = decode(ChangeSet, plain(dict(entry.record.payload)))
    return Applied(entry.index, entry.record.stamp.clock_ms, changes)


def named_in(log: Iterable[Applied], wish: Wanted) -> Iterator[tuple[str, str]]:
    """Every object that fits."""
    for one in log:
        yield from ((one.changes.unit, r.id) for r in one.changes.results if wish.fits(one.changes.unit, r.id))
