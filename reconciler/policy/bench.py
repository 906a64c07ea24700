"""The bench: what every gate looks at, and how a gate says what it found.

A gate is a function from a Bench to Findings. A Finding is one Requirement (the line people read) and what follows when it
does not pass. Only `Bench.finding` makes them, so that "a person stands in" is decided in one place: never for what is
hard, never for what no person may answer, and never without a counted approval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.documents.trust import Role
from reconciler.model.judging import Effect, Requirement, Status, Subject
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.reasons import Reason
from reconciler.policy.facts import Facts
from reconciler.policy.protected import protected_paths
from reconciler.policy.rules import BUILT_IN, PolicySet

MAX_SHOWN: Final = 200
Values = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement and its consequence. `effect` counts only while the requirement does not pass."""

    requirement: Requirement
    effect: Effect
    again_ms: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a gate asks, before anyone has answered: the words of its line, and what follows when it fails."""

    name: str
    expression: str
    reason: Reason
    missing: str
    effect: Effect = Effect.REVIEW
    command: str = ""
    document: str = BUILT_IN
    person: bool = False
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a gate may look at. `proposal` is None for a pull request made by people."""

    subject: Subject
    proposal: Proposal | None
    facts: Facts
    rules: PolicySet
    units: tuple[str, ...]  # touched, from Git and from the proposal
    approvers: tuple[str, ...]
    fast_lane: bool

    @property
    def playbook(self) -> str:
        return self.proposal.playbook if self.proposal else ""

    @property
    def cause(self) -> str:
        return self.proposal.cause if self.proposal else ""

    @property
    def number(self) -> str:
        return str(self.facts.pull_request) if self.facts.pull_request else "NUMBER"

    def finding(self, rule: Rule, *, ok: bool, values: Values = (), again_ms: int = 0) -> Finding:
        """What a gate found. The only place where an approval stands in for a rule."""
        status = Status.SATISFIED if ok else Status.UNSATISFIED
        if not ok and rule.person and not rule.hard and self.approvers:
            status = Status.OVERRIDDEN
        open_still = status is Status.UNSATISFIED
        return Finding(
            Requirement(
                name=rule.name,
                status=status,
                reason=Reason.OK if ok else rule.reason,
                expression=rule.expression,
                values=_capped((*values, ("approved by", ", ".join(self.approvers))) if status is Status.OVERRIDDEN else values),
                missing=shown(rule.missing) if open_still else "",
                command=(rule.command or (f"homeostat pr approve {self.number}" if rule.person else "")) if open_still else "",
                document=rule.document,
                person=rule.person,
                hard=rule.hard,
            ),
            rule.effect,
            again_ms,
        )

    def not_applicable(self, rule: Rule, why: str) -> Finding:
        """A gate that this repair does not have to pass, and why."""
        line = Requirement(
            rule.name, Status.NOT_APPLICABLE, Reason.NOT_APPLICABLE, rule.expression, (("why", why),), document=rule.document
        )
        return Finding(line, rule.effect)


def make_bench(subject: Subject, proposal: Proposal | None, facts: Facts, rules: PolicySet) -> Bench:
    """Derives what gates share: touched units, counted approvers, and whether the fast lane was proved."""
    claimed = proposal.blast.units if proposal else ()
    units = tuple(sorted({*facts.units, *claimed}))
    # The word of the proposal is not enough: the caller has to have proved, from Git, which commit this is the inverse of.
    fast = proposal is not None and bool(proposal.is_revert_of) and proposal.is_revert_of == facts.inverse_of
    return Bench(
        subject, proposal, facts, rules, units, approvers(subject, facts, rules, units), fast and not facts.inverse_of_revert
    )


def last_words(subject: Subject, facts: Facts) -> Iterator[Review]:
    """The last approving or rejecting review of each person, for exactly this edit and not from the future."""
    bound = [r for r in facts.reviews if (r.patch, r.trees) == subject.edit and r.made_ms <= facts.now_ms]
    last: dict[str, Review] = {}
    # Of two in one millisecond the rejection is the last word.
    for review in sorted(bound, key=lambda r: (r.made_ms, r.choice is ReviewChoice.REJECT)):
        if review.choice is not ReviewChoice.COMMENT:
            last[review.principal] = review
    yield from last.values()


def approvers(subject: Subject, facts: Facts, rules: PolicySet, units: tuple[str, ...]) -> tuple[str, ...]:
    """People whose approval counts here: trusted for every touched unit, and for rules too when rules are touched."""
    words = [r for r in last_words(subject, facts) if r.choice is ReviewChoice.APPROVE and r.principal != facts.author]
    names = {r.principal for r in words if rules.people.may(r.principal, Role.APPROVE, units)}
    if touched_rules(facts):
        names = {name for name in names if rules.people.may(name, Role.POLICY)}
    return tuple(sorted(names))


def touched_rules(facts: Facts) -> tuple[str, ...]:
    """Touched paths that only people change."""
    return protected_paths(facts.paths, facts.protected)


def _capped(values: Values) -> Values:
    return tuple((shown(name), shown(text)) for name, text in values)


def shown(text: str) -> str:
    """Text that may be written into a terminal, a page or a record: short, and without characters that steer or hide."""
    clean = "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in text)
    return clean if len(clean) <= MAX_SHOWN else clean[: MAX_SHOWN - 1] + "…"
