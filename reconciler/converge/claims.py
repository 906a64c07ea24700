"""Who owns which object of one target: no object in two units, and no deletion of what another unit took over.

In: the renders of the units of one round, the target's inventory. Out: errors per unit, and the ids that each unit must
not delete. Invariants:
* An object that two units want is refused in the unit that does not hold it; the holder goes on.
* An object that moves between units is never deleted, whatever the order of the two units, and also not while the unit
  that should take it over fails to render: nobody can know what that unit would have claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.converge.render import Outcome, RenderedUnit
from reconciler.converge.values import Place, RenderFailure


@dataclass(frozen=True, slots=True)
class Claims:
    """The ownership of one target in one round. `wanted` is id -> unit that may have it."""

    wanted: Mapping[str, str]
    errors: Mapping[str, tuple[Place, ...]]
    blind: str = ""  # a unit of this target that does not render: nothing is deleted meanwhile
    free: bool = False  # nobody else held what was wished for: nothing outside of the renders and the inventory was asked


class ClaimBook:
    """The newest claims of each target. While units, renders and inventory are the same ones, so are free claims."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Mapping[str, Outcome], Mapping[str, str], Claims]] = {}

    def of(
        self, target: str, index: object, renders: Mapping[str, Outcome], inventory: Mapping[str, str], make: Callable[[], Claims]
    ) -> Claims:
        known = self._known.get(target)
        if known and known[0] is index and _the_same(known[1], renders) and known[2] == inventory:
            return known[3]
        made = make()
        if made.free:
            self._known[target] = index, renders, inventory, made
        return made


def _the_same(known: Mapping[str, Outcome], renders: Mapping[str, Outcome]) -> bool:
    return len(known) == len(renders) and all(known.get(name) is made for name, made in renders.items())


def claim(
    renders: Mapping[str, Outcome],
    inventory: Mapping[str, str],
    render_other: Callable[[str], Outcome | None],
    suspended: Callable[[str], str],
    outside: Callable[[str, str], str],
) -> Claims:
    """`render_other` renders a unit that is not part of this round (None: no such unit any more). A suspended unit keeps what
    it holds, whatever Git says meanwhile. `outside` says why a unit may not declare an object at all: such a wish takes nothing
    from anybody who may.
    """
    wanted: dict[str, str] = {}
    errors: dict[str, list[Place]] = {}
    wishes = _wishes(renders, inventory)
    for unit, holder, object_id, place in wishes:
        if why := outside(unit, object_id):
            errors.setdefault(unit, []).append(Place(place, why))
            continue
        if holder not in ("", unit) and (told := suspended(holder)):
            errors.setdefault(unit, []).append(Place(place, f"{object_id} belongs to unit {holder}, which is {told}"))
            continue
        rival = wanted.get(object_id) or _outside(holder, unit, object_id, renders, render_other)
        if rival is None:
            wanted[object_id] = unit
            continue
        errors.setdefault(unit, []).append(Place(place, f"{object_id} already belongs to unit {rival}; write it in one of them"))
    blind = next((name for name in sorted(renders) if _is_partial(renders[name])), "")
    free = all(holder in ("", unit) for unit, holder, *_ in wishes)
    return Claims(wanted, {unit: tuple(found) for unit, found in errors.items()}, blind, free)


def _is_partial(made: Outcome) -> bool:
    """Whether a render may lack objects that its unit wants."""
    return isinstance(made, RenderFailure) or bool(made.errors)


def _wishes(renders: Mapping[str, Outcome], inventory: Mapping[str, str]) -> Sequence[tuple[str, str, str, str]]:
    """(unit, present holder, id, place), holders first so that they win over newcomers, then by name."""
    found = [
        (name, inventory.get(o.id, ""), o.id, made.places.get(o.id, o.path))
        for name, made in renders.items()
        if isinstance(made, RenderedUnit)
        for o in made.rendered.objects
    ]
    return sorted(found, key=lambda wish: (wish[0] != wish[1], wish[0], wish[2]))


def _outside(
    holder: str, unit: str, object_id: str, renders: Mapping[str, Outcome], render_other: Callable[[str], Outcome | None]
) -> str | None:
    """The holder, when it still wants the object (or cannot say)."""
    if holder in ("", unit):
        return None
    made = renders[holder] if holder in renders else render_other(holder)
    if made is None:
        return None
    if isinstance(made, RenderFailure):
        return holder
    return holder if made.errors or any(o.id == object_id for o in made.rendered.objects) else None
