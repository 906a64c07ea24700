"""Compile and evaluate one condition. Compile errors are Misconfigured at `where`; evaluation never raises.

The engine's trap, and why this door exists: a runtime error (missing key, 1/0, absent variable) comes back as a Value
of type ERROR that holds a non-empty, hence truthy, string. A caller that asks `if value` has a guard that fails open.

Evaluation, step by step:
1. exactly the declared variables are there, no more and no fewer;
2. each has its type and size, and all together stay under MAX_INPUT;
3. the engine runs under its own iteration budget;
4. only a Value of type BOOL that is True passes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.errors import Misconfigured
from reconciler.expressions.bounds import identifiers, refusal
from reconciler.expressions.types import MAX_INPUT, CelType, Tree, size_of

if TYPE_CHECKING:
    from cel_expr_python import cel

MAX_SHOWN: Final = 120  # characters of one value in an explanation
# What the binding raises: RuntimeError for the engine's own refusals, the others when a value cannot cross the border.
_ENGINE_ERRORS: Final = (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer: `passed` is True only for a proven True; `error` says why there is no answer ("" for a plain False)."""

    passed: bool
    error: str
    values: tuple[tuple[str, str], ...]  # the variables that the source mentions, as text


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled condition. Equal when source and variables are equal."""

    source: str
    where: str
    variables: tuple[tuple[str, CelType], ...]
    _program: cel.Expression = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, object], *, show: bool = True) -> Evaluation:
        """Never raises for what is in `values`; see the module's steps. Without `show` no values are told: it costs more
        than the answer.
        """
        shown = _shown(self.source, self.variables, values) if show else ()
        if problem := _unusable(self.variables, values):
            return Evaluation(passed=False, error=problem, values=shown)
        passed, error = _run(self._program, {name: _copy(values[name]) for name, _ in self.variables})
        return Evaluation(passed=passed, error=error, values=shown)


def compile_condition(source: str, variables: Mapping[str, CelType], where: str) -> Condition:
    """The condition, or Misconfigured with its place and what is wrong with it."""
    if problem := refusal(source):
        raise Misconfigured(problem, where=where)
    declared = tuple(sorted(variables.items()))
    program, problem = _compiled(source, declared)
    if program is None:
        known = ", ".join(name for name, _ in declared) or "none"
        raise Misconfigured(f"condition `{source}`: {problem}", where=where, next_step=f"variables here: {known}")
    return Condition(source, where, declared, program)


@functools.lru_cache(maxsize=1_024)
def _compiled(source: str, variables: tuple[tuple[str, CelType], ...]) -> tuple[cel.Expression | None, str]:
    from cel_expr_python import cel

    try:
        program = _environment(variables).compile(source)
    except _ENGINE_ERRORS as error:
        return None, _first_line(str(error))
    if program.return_type() != cel.Type.BOOL:
        return None, f"its type is {program.return_type().name()}, and a condition must be bool"
    return program, ""


@functools.lru_cache(maxsize=64)
def _environment(variables: tuple[tuple[str, CelType], ...]) -> cel.Env:
    from cel_expr_python import cel

    kinds = cel.Type
    types = {
        CelType.BOOL: kinds.BOOL,
        CelType.INT: kinds.INT,
        CelType.DOUBLE: kinds.DOUBLE,
        CelType.STRING: kinds.STRING,
        CelType.STRINGS: kinds.List(kinds.STRING),
        CelType.NUMBERS: kinds.Map(kinds.STRING, kinds.DOUBLE),
        CelType.TEXTS: kinds.Map(kinds.STRING, kinds.STRING),
        CelType.OBJECT: kinds.Map(kinds.STRING, kinds.DYN),
    }
    return cel.NewEnv(variables={name: types[kind] for name, kind in variables})


def _unusable(variables: tuple[tuple[str, CelType], ...], values: Mapping[str, object]) -> str:
    # 1. exactly the declared variables: the engine would not even notice an extra one, which is how a typo hides.
    if len(values) != len(variables) or any(name not in values for name, _ in variables):
        return _not_as_declared({name for name, _ in variables}, values)
    # 2. types and sizes.
    total = 0
    for name, kind in variables:
        try:
            total += size_of(kind, values[name])
        except (TypeError, ValueError) as error:
            return f"{name!r} {error}"
    return f"the values are larger than {MAX_INPUT} characters together" if total > MAX_INPUT else ""


def _not_as_declared(names: set[str], values: Mapping[str, object]) -> str:
    if missing := sorted(names - set(values)):
        return f"no value for {missing[0]!r}"
    extra = sorted(str(name) for name in set(values) - names)
    return f"{extra[0]!r} is not a variable of this condition"


def _copy(value: object) -> object:
    """Plain containers: the engine gets no object of ours that could run code when read."""
    if isinstance(value, Tree):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (list, tuple)) else value


def _run(program: cel.Expression, values: Mapping[str, object]) -> tuple[bool, str]:
    from cel_expr_python import cel

    # 3. the engine's own budget ends in RuntimeError.
    try:
        result = program.eval(data=values)
        kind, value = result.type(), result.value()
    except _ENGINE_ERRORS as error:
        return False, _first_line(str(error)) or type(error).__name__
    # 4. a bool, and True. An ERROR value is a truthy string.
    if kind != cel.Type.BOOL:
        return False, _first_line(str(value)) or f"the result is {kind.name()}, not bool"
    return value is True, ""


def _shown(source: str, variables: tuple[tuple[str, CelType], ...], values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    used = identifiers(source)
    return tuple((name, _text(values[name])) for name, _ in variables if name in used and name in values)


def _text(value: object) -> str:
    if isinstance(value, float):
        return format(value, ".6g")
    try:
        text = value if isinstance(value, str) else json.dumps(_copy(value), ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = f"<{type(value).__name__}>"
    # A lone surrogate could not be written into a record or a terminal.
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _first_line(message: str) -> str:
    line = message.split("\n", 1)[0]
    head, _, rest = line.partition(": ERROR: ")
    text = rest or head
    return text.split(" [", 1)[0].strip() if text.endswith("]") else text.strip()
