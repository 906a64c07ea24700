"""Refusing: what the server's "no" to an apply means, in words that say what a person does next.

Two refusals are no mistake in a manifest, and waiting does not help: a field that cannot be changed on a live object, and a
field that somebody else writes. They are remembered until the object is applied, and told as Troubles of it. Nothing is deleted
because of them, but for one permission: the annotation `homeostat.dev/replace` names the uid of the very object that may be
deleted and made again. The new object has another uid, so a permission that stays in Git permits nothing more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from reconciler.adapters.targets.kubernetes.api import Refused
from reconciler.adapters.targets.kubernetes.fields import pointer
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.sending import words
from reconciler.audit.redact import Redactor
from reconciler.health.facts import said
from reconciler.model.revisions import DesiredObject
from reconciler.model.troubles import Trouble, TroubleKind

REPLACE = "homeostat.dev/replace"  # "UID" or "UID orphan"
SHOWN = 10  # fields of one refusal that are named
_FIXED = re.compile(r"immutable|cannot (be )?change|(may|must) not (be )?change|updates? to .* forbidden", re.IGNORECASE)
_REDACTOR = Redactor()


def fixed(refused: Refused) -> tuple[str, ...]:
    """Fields that the server lets nobody change on a live object, as it names them."""
    if refused.status != 422:
        return ()
    return tuple(name for name, told in refused.causes if _FIXED.search(told))


def permitted(desired: DesiredObject, live: Live | None, refused: Refused) -> str:
    """How the live object may be deleted to be made again; "" when Git does not say that it may."""
    notes = (desired.spec["metadata"].get("annotations") or {}) if live and fixed(refused) else {}
    uid, _, how = str(notes.get(REPLACE, "")).partition(" ")
    if live is None or not uid or uid != live.uid:
        return ""
    return {"": "Background", "orphan": "Orphan"}.get(how.strip(), "")


def explained(refused: Refused, desired: DesiredObject, live: Live | None) -> str:
    """What the server said, and what to do next."""
    if names := fixed(refused):
        return f"{_unchangeable(refused, names, desired)}. {_next_step(live)}"
    told = words(refused, secret=desired.secret)
    return f"{told} of the unit: {_rule(refused, desired)}" if _conflict(refused) and not desired.secret else told


def _conflict(refused: Refused) -> bool:
    return refused.status == 409 and bool(refused.causes)


def _unchangeable(refused: Refused, names: tuple[str, ...], desired: DesiredObject) -> str:
    shown = ", ".join(dict.fromkeys(names[:SHOWN])) or "a field"
    why = next((told for _, told in refused.causes if _FIXED.search(told)), "")
    return f"{shown} cannot be changed on a live object" + ("" if desired.secret else f" ({why[-80:]})")


def _briefly(refused: Refused, desired: DesiredObject, live: Live | None) -> str:
    """What fits into evidence: the reader of a pull request that undoes the commit sees how it could be done instead."""
    if not (names := fixed(refused)):
        return explained(refused, desired, live)
    permit = f'; annotate it {REPLACE}: "{live.uid}" to have it deleted and made again' if live else ""
    return f"{names[0]} cannot be changed on a live object{permit}"


def _next_step(live: Live | None) -> str:
    back = "Put the old value back in Git"
    if live is None or not live.uid:
        return back
    return (
        f"{back}, or permit by a commit to delete it and make it again, which interrupts what it does: annotate it "
        f'{REPLACE}: "{live.uid}" ("UID orphan" keeps what it made)'
    )


def _rule(refused: Refused, desired: DesiredObject) -> str:
    """A rule to copy, for the first field."""
    kind, _, rest = desired.id.partition("/")
    path, manager = _contested(refused)[0]
    return f'{{owner: theirs, kind: {kind}, name: {rest.rpartition("/")[2]}, path: "{path}", manager: "{manager}"}}'


def _contested(refused: Refused) -> tuple[tuple[str, str], ...]:
    """Each field of a conflict, and who writes it."""
    found = refused.causes if _conflict(refused) else ()
    return tuple(dict.fromkeys((pointer(name), told.partition('"')[2].partition('"')[0]) for name, told in found))


@dataclass(frozen=True, slots=True)
class _Noted:
    kind: TroubleKind
    since_ms: int
    detail: str
    contested: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refusals:
    """What the last apply of each unit was refused, as far as only a person's commit can end it."""

    _of: dict[str, dict[str, _Noted]] = field(default_factory=dict)

    def refused(self, desired: DesiredObject, refused: Refused, live: Live | None) -> None:
        if not _conflict(refused) and not fixed(refused):
            return self.well(desired)
        kind = TroubleKind.CONTESTED if _conflict(refused) else TroubleKind.UNCHANGEABLE
        held = self._of.setdefault(desired.unit, {})
        before = held.get(desired.id)
        since = before.since_ms if before and before.kind is kind else int(time.time() * 1_000)
        detail = said(_REDACTOR.text(" ".join(_briefly(refused, desired, live).split())))
        held[desired.id] = _Noted(kind, since, detail, _contested(refused))
        return None

    def well(self, desired: DesiredObject) -> None:
        self._of.get(desired.unit, {}).pop(desired.id, None)

    def only(self, unit: str, wanted: Collection[str]) -> None:
        """What is as Git wants it, or what Git does not name any more, is no trouble."""
        held = self._of.get(unit, {})
        for left in held.keys() - set(wanted):
            del held[left]

    def troubles(self, units: Collection[str]) -> Iterator[Trouble]:
        for unit in sorted(set(units)):
            for at, noted in sorted(self._of.get(unit, {}).items()):
                name = at.rpartition("/")[2]
                yield Trouble(unit, at, name, noted.kind, noted.since_ms, detail=noted.detail, contested=noted.contested)
