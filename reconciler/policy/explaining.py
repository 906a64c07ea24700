"""A decision in words: the same text in the CLI, the pull request, the page and the record."""

from __future__ import annotations

from typing import Final

from reconciler.model.judging import Decision, Effect, Requirement, Status

_HEADLINES: Final = {
    Effect.MERGE: "may merge by itself",
    Effect.REVIEW: "waits for a person",
    Effect.WAIT: "waits",
    Effect.SHADOW: "is only shown (shadow)",
    Effect.DENY: "is denied",
}
_MARKS: Final = {
    Status.SATISFIED: "ok  ",
    Status.OVERRIDDEN: "over",
    Status.NOT_APPLICABLE: "n/a ",
    Status.UNSATISFIED: "FAIL",
    Status.ERROR: "ERR ",
}


def explain(decision: Decision) -> str:
    """A headline, what is missing with the command that supplies it, then every line that was asked."""
    head = f"{decision.judge}: {_HEADLINES[decision.effect]} ({decision.reason}; rule: {decision.rule})"
    if decision.again_ms:
        head += f", looked at again at {decision.again_ms}"
    missing = [_missing(line) for line in decision.requirements if not line.passes]
    return "\n".join([head, *missing, *(_line(line) for line in decision.requirements)]) + "\n"


def _missing(line: Requirement) -> str:
    command = f": {line.command}" if line.command else ""
    return f"  missing for {line.name}: {line.missing}{command}"


def _line(line: Requirement) -> str:
    values = "; ".join(f"{name} = {value}" for name, value in line.values)
    return (
        f"  [{_MARKS[line.status]}] {line.name}: {line.expression}"
        + (f" [{values}]" if values else "")
        + f" ({line.document or '-'})"
    )
