"""A HealthRule made ready: its conditions compiled once, each against the variables it mentions, and asked in order.

Fail closed: a condition that cannot be answered makes the object unknown, whatever stands below it. A condition sees only
the fields of metadata, spec and status that it names, so that an object of any size costs what is asked of it.

Objects of one kind look alike: what came of these very values before is remembered, and the engine is not asked again. Only
the clause is: what is said of the object is read from it.
"""

from __future__ import annotations

import contextlib
import itertools
import marshal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from reconciler.documents import Loaded
from reconciler.documents.health_rule import HEALTH_VARIABLES, HealthClause, HealthRule
from reconciler.errors import Misconfigured
from reconciler.expressions import CelType, Condition, compile_condition, tree
from reconciler.expressions.bounds import identifiers, refusal, tokens
from reconciler.health.facts import Condition as Said
from reconciler.health.facts import Facts, read, said
from reconciler.health.inference import contradiction, doubt, evidence, infer
from reconciler.health.judgement import Judgement
from reconciler.health.words import Tone
from reconciler.model.revisions import HealthState

_TREES: Final = frozenset(name for name, kind in HEALTH_VARIABLES.items() if kind is CelType.OBJECT)
_LISTS: Final = {"True": "isTrue", "False": "isFalse"}
ALWAYS: Final = "true"  # the engine need not be asked
KNOWN: Final = 256  # answers that a rule remembers
MAX_PRINT: Final = 2_048  # bytes of values that are worth remembering an answer for
_SHOWN_FOR: Final[Mapping[HealthState, Tone]] = {
    HealthState.DEGRADED: Tone.BAD,
    HealthState.PROGRESSING: Tone.BUSY,
    HealthState.SUSPENDED: Tone.PAUSED,
    HealthState.HEALTHY: Tone.GOOD,
}
_NOTHING: Final = read({"apiVersion": "v1", "kind": "Nothing"})
Needs = tuple[tuple[str, frozenset[str]], ...]
Field = tuple[str, str]  # a variable and a field of it, `*` for all of it


@dataclass(frozen=True, slots=True)
class Clause:
    """One state with its compiled condition and the fields that the condition needs. `by_absence`: it holds of an object that
    says nothing, too.
    """

    spec: HealthClause
    condition: Condition
    needs: Needs
    where: str
    by_absence: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbours asked at once: while none of them holds, which is the rule, one answer stands for all."""

    any: Condition
    needs: Needs
    clauses: tuple[Clause, ...]


class Answer(NamedTuple):
    """The clause that holds, or that could not be answered and why; None when none holds."""

    clause: Clause | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be asked. `needs` is what all its conditions look at together, `valued` the fields of which more counts
    than whether they are there, `named` the texts, such as types of conditions, that they name.
    """

    document: HealthRule
    blocks: tuple[Block, ...]
    where: str
    needs: Needs
    valued: frozenset[Field]
    named: frozenset[str]
    _known: dict[bytes, Answer] = field(default_factory=dict, repr=False, compare=False)

    def judge(self, facts: Facts) -> Judgement:
        """The first state that holds; unknown when one cannot be answered."""
        clause, error = self._answer(View(facts, self.document.spec.word, self.valued))
        if clause and error:
            return Judgement(HealthState.UNKNOWN, said(f"`{clause.spec.when}`: {error}"), clause.where)
        if clause:
            return _believed(clause, facts, self.named)
        otherwise = self.document.spec.otherwise
        if otherwise == "infer":
            return infer(facts)
        state = HealthState(otherwise)
        return Judgement(state, _message(state, facts, "no state of its rule holds"), self.where)

    def _answer(self, view: View) -> Answer:
        values = view.print(self.needs)
        found = self._known.get(values)
        if found is None:
            found = self._asked(view)
            if values:
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[values] = found
        return found

    def _asked(self, view: View) -> Answer:
        for block in self.blocks:
            if len(block.clauses) > 1:
                passed, error = view.ask(block.any, block.needs)
                if not passed and not error:
                    continue
            for clause in block.clauses:
                passed, error = view.ask(clause.condition, clause.needs)
                if passed or error:
                    return Answer(clause, error)
        return Answer(None)


class View:
    """What conditions see of one object: each part is checked and copied when it is first asked for. Of fields that are not
    `valued` they see no more than whether they are there.
    """

    def __init__(self, facts: Facts, word: str, valued: frozenset[Field]) -> None:
        self._facts = facts
        self._word = word
        self._valued = valued
        self._seen: dict[tuple[str, frozenset[str]], object] = {}

    def ask(self, condition: Condition, needs: Needs) -> tuple[bool, str]:
        """Whether it holds, and why there is no answer."""
        if condition.source == ALWAYS:
            return True, ""
        try:
            values = self.values(needs)
        except (ValueError, TypeError, RecursionError) as error:
            return False, f"the object {error}"
        answer = condition.evaluate(values, show=False)
        return answer.passed, answer.error

    def values(self, needs: Needs) -> dict[str, object]:
        """What a condition with these needs is given."""
        return {name: self._value(name, fields) for name, fields in needs}

    def print(self, needs: Needs) -> bytes:
        """Equal for equal values only, types and all; nothing where there are too many of them, or none of JSON."""
        try:
            found = marshal.dumps([self._read(name, fields) for name, fields in needs], 2)  # later versions tell of identity
        except ValueError:
            return b""
        return found if len(found) <= MAX_PRINT else b""

    def _value(self, name: str, fields: frozenset[str]) -> object:
        key = (name, fields)
        if key not in self._seen:
            found = self._read(name, fields)
            self._seen[key] = tree(found) if name in _TREES else found
        return self._seen[key]

    def _read(self, name: str, fields: frozenset[str]) -> Any:
        if name == "word":
            return self._facts.text(self._word)
        if name in ("reasons", "messages"):
            found = self._facts.conditions
            return {item.type: item.reason if name == "reasons" else item.message[:1_000] for item in found}
        if name not in _TREES:
            return [item.type for item in self._facts.conditions if _listed(item) == name]
        part: Mapping[str, Any] = getattr(self._facts, name)
        return part if "*" in fields else {f: part[f] if (name, f) in self._valued else None for f in fields if f in part}


def compile_rule(loaded: Loaded[HealthRule]) -> Rule:
    """The rule, or Misconfigured at the condition that does not compile."""
    clauses = [_clause(loaded, index, clause) for index, clause in enumerate(loaded.document.spec.states)]
    together: dict[str, frozenset[str]] = {}
    for name, fields in itertools.chain.from_iterable(clause.needs for clause in clauses):
        together[name] = together.get(name, frozenset()) | fields
    valued = frozenset((n, f) for clause in clauses for n, f, counts in _mentions(clause.spec.when) if counts)
    needs, named = tuple(sorted(together.items())), _literals(clause.spec.when for clause in clauses)
    return Rule(loaded.document, tuple(_blocks(clauses)), loaded.at("metadata", "name"), needs, valued, named)


def _literals(sources: Iterable[str]) -> frozenset[str]:
    """The texts that conditions compare with."""
    return frozenset(text.strip("'\"") for source in sources for kind, text in tokens(source) if kind == "string")


def _clause(loaded: Loaded[HealthRule], index: int, clause: HealthClause) -> Clause:
    place = ("spec", "states", index)
    if clause.state is HealthState.MISSING:
        raise Misconfigured("an object that is there is not missing", where=loaded.locate(*place, "state"))
    try:
        condition, needs = _compiled(clause.when, loaded.locate(*place, "when"))
    except Misconfigured as error:
        known = f"variables here: {', '.join(sorted(HEALTH_VARIABLES))}"
        raise Misconfigured(error.message.removeprefix(f"{error.where}: "), where=error.where, next_step=known) from error
    return Clause(clause, condition, needs, loaded.at(*place), _holds_of_nothing(condition, needs))


def _holds_of_nothing(condition: Condition, needs: Needs) -> bool:
    nothing = View(_NOTHING, "", frozenset())
    return condition.source == ALWAYS or condition.evaluate(nothing.values(needs), show=False).passed


def _compiled(source: str, where: str) -> tuple[Condition, Needs]:
    needs = tuple(sorted(_needs(source).items()))
    return compile_condition(source, {name: HEALTH_VARIABLES[name] for name, _ in needs}, where), needs


def _blocks(clauses: Sequence[Clause]) -> Iterator[Block]:
    """As few blocks as the bounds of one condition allow. A healthy state begins a block: what is asked before it is seldom
    true, and it seldom false.
    """
    together: list[Clause] = []
    for clause in clauses:
        if together and (clause.spec.state is HealthState.HEALTHY or refusal(_any([*together, clause]))):
            yield from _joined(together)
            together = []
        together.append(clause)
    if together:
        yield from _joined(together)


def _any(clauses: Sequence[Clause]) -> str:
    return " || ".join(f"({clause.spec.when})" for clause in clauses)


def _joined(clauses: Sequence[Clause]) -> Iterator[Block]:
    """One block, or one for each where the engine does not take them together."""
    if len(clauses) > 1:
        with contextlib.suppress(Misconfigured):
            condition, needs = _compiled(_any(clauses), clauses[0].where)
            yield Block(condition, needs, tuple(clauses))
            return
    yield from (Block(clause.condition, clause.needs, (clause,)) for clause in clauses)


def _needs(source: str) -> dict[str, frozenset[str]]:
    """The variables that a condition mentions, and of each object the fields (`*` when it is used whole)."""
    found = {name: frozenset[str]() for name in identifiers(source) & set(HEALTH_VARIABLES)}
    for name, part, _ in _mentions(source):
        found[name] |= {part}
    return {name: fields for name, fields in found.items() if name not in _TREES or fields}


def _mentions(source: str) -> Iterator[tuple[str, str, bool]]:
    """Each mention of an object: variable, field, and whether its value counts; of `has(spec.paused)` it does not."""
    padded = [("", ""), ("", ""), *tokens(source), ("", ""), ("", ""), ("", "")]
    for (_, asked), (_, before), (kind, name), (_, dot), (after, part), (_, end) in zip(
        *(itertools.islice(padded, n, None) for n in range(6)), strict=False
    ):
        if kind == "ident" and name in _TREES and before != ".":
            single = dot == "." and after == "ident"
            yield name, part if single else "*", not single or (asked, before, end) != ("has", "(", ")")


def _listed(item: Said) -> str:
    """A condition that speaks of an older generation is not known now."""
    return "isUnknown" if item.stale else _LISTS.get(item.status, "isUnknown")


def _believed(clause: Clause, facts: Facts, named: frozenset[str]) -> Judgement:
    """A rule cannot call healthy what says the opposite of itself, unless it names the condition or the field that it knows
    better; and where it has no evidence of its own, what is not understood forbids it too.
    """
    state = clause.spec.state
    if state is HealthState.HEALTHY and (against := _against(clause, facts, named)):
        return Judgement(against[0], said(f"its rule says healthy, but {against[1]}"), clause.where)
    return Judgement(state, clause.spec.says or _message(state, facts, clause.spec.when), clause.where)


def _against(clause: Clause, facts: Facts, named: frozenset[str]) -> tuple[HealthState, str] | None:
    found = contradiction(facts, clause.spec.despite)
    return found or (doubt(facts, named | {*clause.spec.despite}) if clause.by_absence else None)


def _message(state: HealthState, facts: Facts, fallback: str) -> str:
    """What the object itself says that fits the state; the condition that held when it says nothing."""
    wanted = _SHOWN_FOR.get(state)
    if state is not HealthState.HEALTHY:
        fitting = next((item.text for item in evidence(facts) if item.tone is wanted), "")
        own = facts.status.get("message")
        fallback = fitting or (own if isinstance(own, str) and own else fallback)
    return said(fallback)
