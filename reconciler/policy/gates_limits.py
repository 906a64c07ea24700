"""The gate that nothing overrides: how far values may be moved. And what cannot be taken back needs a person.

A limit denies moving a value further outside. It never denies bringing it back, nor restoring what people had merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

from reconciler.documents.limits import Limit
from reconciler.model.judging import Effect
from reconciler.model.proposals import Irreversibility, Scalar
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench, Finding, Rule
from reconciler.policy.facts import ValueMove


def limits(bench: Bench) -> Iterator[Finding]:
    """One line for each limit that an edited field meets, and one that says so when none does."""
    capacity = dict(bench.rules.capacity)
    met = False
    for limit, place in bench.rules.limits:
        moves = [move for move in bench.facts.moves if _concerns(limit, move) and move.path not in bench.facts.deleted]
        if moves:
            met = True
            yield _judged(bench, limit, place, moves, capacity)
    if not met:
        rule = Rule("limit", "no limited field is moved", Reason.LIMIT, "", Effect.DENY, hard=True)
        yield bench.finding(rule, ok=True, values=(("moved fields", str(len(bench.facts.moves))),))


def _judged(bench: Bench, limit: Limit, place: str, moves: list[ValueMove], capacity: dict[str, int]) -> Finding:
    broken = [
        (move, why) for move in moves if (why := violation(limit, move, capacity, restores=move.restores or bench.fast_lane))
    ]
    rule = Rule(
        f"limit/{limit.name}",
        _words(limit, capacity, moves[0]),
        Reason.LIMIT,
        "; ".join(f"{move.dotted} {why}" for move, why in broken)[:200],
        Effect.DENY,
        command="choose a smaller edit, or propose another limit in policies/",
        document=place,
        hard=True,
    )
    values = tuple((f"{move.path} {move.dotted}", f"{_shown(move.before)} to {_shown(move.after)}") for move in moves[:10])
    return bench.finding(rule, ok=not broken, values=values)


def _concerns(limit: Limit, move: ValueMove) -> bool:
    return fnmatchcase(move.dotted, limit.field) and (
        not limit.paths or any(fnmatchcase(move.path, glob) for glob in limit.paths)
    )


def violation(limit: Limit, move: ValueMove, capacity: dict[str, int], *, restores: bool) -> str:
    """Why a move breaks a limit, "" when it does not."""
    if restores or (type(move.before) is type(move.after) and move.before == move.after):
        return ""
    if limit.fixed:
        return "is never moved by the machine"
    if move.after is None:
        return "is removed, and what stands in its place is unknown"
    after, before = _number(move.after), _number(move.before)
    if after is None:
        return "is no number"
    floor, ceiling = bounds(limit, move, capacity)
    outside = _outside(after, floor, ceiling)
    if outside.is_infinite() or (outside > 0 and (before is None or outside > _outside(before, floor, ceiling))):
        return f"would be {after}, allowed is {_span(floor, ceiling)}"
    return _ratio(limit, before, after)


def bounds(limit: Limit, move: ValueMove, capacity: dict[str, int]) -> tuple[Decimal | None, Decimal | None]:
    """Floor and ceiling of a limit for one field; a share without a known capacity allows nothing."""
    size = capacity.get(str(move.field[-1])) if move.field else None
    floors = [limit.min] if limit.min is not None else []
    ceilings = [limit.max] if limit.max is not None else []
    if limit.min_share is not None:
        floors.append(limit.min_share * size if size else Decimal("Infinity"))
    if limit.max_share is not None:
        ceilings.append(limit.max_share * size if size else Decimal("-Infinity"))
    return max(floors, default=None), min(ceilings, default=None)


def _outside(value: Decimal, floor: Decimal | None, ceiling: Decimal | None) -> Decimal:
    below = floor - value if floor is not None else Decimal(0)
    above = value - ceiling if ceiling is not None else Decimal(0)
    return max(below, above, Decimal(0))


def _ratio(limit: Limit, before: Decimal | None, after: Decimal) -> str:
    if before is None or before <= 0:
        return ""
    if limit.min_ratio is not None and after < before * limit.min_ratio:
        return f"would fall from {before} to {after}, at least {limit.min_ratio} of it has to stay"
    if limit.max_ratio is not None and after > before * limit.max_ratio:
        return f"would rise from {before} to {after}, at most {limit.max_ratio} times as much is allowed"
    return ""


def _number(value: Scalar) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _words(limit: Limit, capacity: dict[str, int], move: ValueMove) -> str:
    floor, ceiling = bounds(limit, move, capacity)
    parts = [_span(floor, ceiling)] if floor is not None or ceiling is not None else []
    parts += [f"at least {limit.min_ratio} of before"] if limit.min_ratio is not None else []
    parts += [f"at most {limit.max_ratio} times before"] if limit.max_ratio is not None else []
    parts += ["never moved"] if limit.fixed else []
    return f"{limit.field}: {', '.join(parts)}"


def _span(floor: Decimal | None, ceiling: Decimal | None) -> str:
    low = f"at least {_plain(floor)}" if floor is not None else ""
    high = f"at most {_plain(ceiling)}" if ceiling is not None else ""
    return " and ".join(part for part in (low, high) if part)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f") if number.is_finite() else "unknown capacity"


def _shown(value: Scalar) -> str:
    return "nothing" if value is None else str(value)


def irreversible(bench: Bench) -> Iterator[Finding]:
    """What cannot be taken back always has a person behind it, on the fast lane too."""
    rule = Rule(
        "irreversible",
        "what cannot be undone is approved by a person",
        Reason.IRREVERSIBLE,
        "an approval by a person",
        person=True,
    )
    kind = bench.proposal.irreversibility if bench.proposal else Irreversibility.REVERSIBLE
    yield bench.finding(rule, ok=kind is not Irreversibility.IRREVERSIBLE, values=(("irreversibility", kind.value),))


def deletion(bench: Bench) -> Iterator[Finding]:
    """The machine deletes no file by itself, except by undoing its own commit that made it."""
    rule = Rule(
        "deletion",
        "a repair that deletes files is approved by a person",
        Reason.IRREVERSIBLE,
        "an approval by a person",
        person=True,
    )
    deleted = bench.facts.deleted
    if bench.proposal is None or bench.fast_lane:
        yield bench.not_applicable(rule, "people's edit" if bench.proposal is None else "it undoes the machine's own commit")
        return
    yield bench.finding(rule, ok=not deleted, values=(("deleted", ", ".join(deleted) or "none"),))


def second_revert(bench: Bench) -> Iterator[Finding]:
    """A revert is never itself reverted by the machine (S23)."""
    rule = Rule(
        "no-revert-of-revert",
        "the machine never reverts its own revert",
        Reason.NEEDS_PERSON,
        "an approval by a person",
        person=True,
    )
    if bench.proposal is None or not bench.proposal.is_revert_of:
        yield bench.not_applicable(rule, "this is no revert")
        return
    yield bench.finding(rule, ok=not bench.facts.inverse_of_revert, values=(("reverts", bench.proposal.is_revert_of),))
