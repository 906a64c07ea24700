"""PolicySet: the judging documents of one revision, ready to use: conditions compiled, people in one directory.

Built whole or not at all: one condition that does not compile refuses the set, and the caller keeps the last good one.
Without documents the built-in rules below hold; documents tighten limits and budgets, they never switch a gate off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from reconciler.documents import DocumentSet, Loaded
from reconciler.documents.autonomy import Autonomy, AutonomyRule, Mode
from reconciler.documents.base import Document
from reconciler.documents.budget import Budget, BudgetSpec
from reconciler.documents.freeze import Freeze
from reconciler.documents.guardrails import Guardrails, GuardrailsSpec
from reconciler.documents.limits import Limit, Limits
from reconciler.documents.maintenance import Maintenance
from reconciler.documents.matching import Match
from reconciler.documents.merge_policy import CONDITION_VARIABLES, MergePolicy
from reconciler.documents.people import People, people
from reconciler.documents.trust import Trust
from reconciler.expressions import Condition, compile_condition

BUILT_IN: Final = "built-in"
CONFIDENCE_FLOOR: Final = Decimal("0.60")  # to merge by itself, at any level
CRITICAL_WINDOW_MS: Final = 60_000  # one critical merge a minute
MANY_SERVICES: Final = 1  # more than this many services, or objects, is high impact
MANY_OBJECTS: Final = 100
CAPACITY: Final = {"cpuMillis": 1_000, "memoryMiB": 4_096}
BUILT_IN_LIMITS: Final = (
    Limit(name="replicas", field="*replicas", min=Decimal(1), max=Decimal(20)),
    Limit(name="cpu", field="*cpuMillis", min_share=Decimal("0.10")),
    Limit(name="memory", field="*memoryMiB", max_share=Decimal("0.90")),
)
# Where no Budget matches: six repairs of one unit an hour are more than a healthy repair ever needs.
BUILT_IN_BUDGET: Final = BudgetSpec(merges=6, window_ms=3_600_000)


@dataclass(frozen=True, slots=True)
class Grant:
    """The Autonomy rule that decided about one unit: its mode, whether it names the playbook, and its place."""

    unit: str
    mode: Mode
    names_playbook: bool
    place: str


@dataclass(frozen=True)
class PolicySet:
    """The rules of one revision. Make it with `policy_set(load_tree(files))`."""

    digest: str
    people: People
    merge_policies: tuple[Loaded[MergePolicy], ...] = ()
    limits: tuple[tuple[Limit, str], ...] = ()  # with the place of each
    capacity: tuple[tuple[str, int], ...] = ()
    budgets: tuple[tuple[BudgetSpec, str, str], ...] = ()  # spec, name, place
    freezes: tuple[Loaded[Freeze], ...] = ()
    maintenance: tuple[Loaded[Maintenance], ...] = ()
    autonomy: tuple[tuple[AutonomyRule, str], ...] = ()
    guardrails: tuple[tuple[GuardrailsSpec, str], ...] = ()
    conditions: tuple[tuple[str, Condition], ...] = ()  # "<policy>/<name>"

    def condition(self, policy: str, name: str) -> Condition:
        return dict(self.conditions)[f"{policy}/{name}"]

    def grant(self, playbook: str, unit: str) -> Grant:
        """The most specific rule for a playbook on a unit, the strictest among equals; shadow when none matches."""
        found = [(-_specific(rule, playbook, unit), _MODES.index(rule.mode), rule, place) for rule, place in self.autonomy]
        found = [item for item in found if item[0] < 0]
        if not found:
            return Grant(unit, Mode.SHADOW, names_playbook=False, place=BUILT_IN)
        _, _, rule, place = min(found, key=lambda item: item[:2])
        return Grant(unit, rule.mode, playbook in rule.playbooks and not _is_pattern(playbook), place)

    def granting(self, playbook: str, mode: Mode) -> PolicySet:
        """These rules as if Autonomy named one playbook with a mode, for tests and `policy explain --as`."""
        rule = AutonomyRule(playbooks=(playbook,), units=("*",), mode=mode)
        return replace(self, autonomy=((rule, "as asked"),))


_MODES: Final = (Mode.SHADOW, Mode.REVIEW, Mode.AUTONOMOUS)


def policy_set(documents: DocumentSet) -> PolicySet:
    """The rules of one revision, or Misconfigured at the place of the first that cannot be used."""
    policies = documents.of(MergePolicy)
    return PolicySet(
        digest=documents.digest(),
        people=people(documents.of(Trust)),
        merge_policies=policies,
        limits=(*((limit, BUILT_IN) for limit in BUILT_IN_LIMITS), *_limits(documents.of(Limits))),
        capacity=_capacity(documents.of(Limits)),
        budgets=tuple((item.document.spec, item.name, _place(item)) for item in documents.of(Budget)),
        freezes=documents.of(Freeze),
        maintenance=documents.of(Maintenance),
        autonomy=tuple(_grants(documents.of(Autonomy))),
        guardrails=tuple((item.document.spec, item.at("spec", "level")) for item in documents.of(Guardrails)),
        conditions=tuple(_conditions(policies)),
    )


def _place(item: Loaded[Document]) -> str:
    return item.at("spec")


def fits(match: Match, playbook: str, units: Sequence[str], paths: Sequence[str], cause: str) -> bool:
    """Whether a rule is about a repair: every list that is written has to fit."""
    wanted = ((match.playbooks, (playbook,)), (match.units, units), (match.paths, paths), (match.causes, (cause,)))
    return all(not patterns or any_fits(patterns, values) for patterns, values in wanted)


def any_fits(patterns: Sequence[str], values: Sequence[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns for value in values)


def _is_pattern(text: str) -> bool:
    return any(ch in text for ch in "*?[")


def _specific(rule: AutonomyRule, playbook: str, unit: str) -> int:
    """How much of this pair a rule names: 0 is no match, then patterns, the unit, the playbook, both."""
    if not any_fits(rule.playbooks, (playbook,)) or not any_fits(rule.units, (unit,)):
        return 0
    return 1 + (unit in rule.units) + 2 * (playbook in rule.playbooks)


def _limits(documents: Sequence[Loaded[Limits]]) -> Iterator[tuple[Limit, str]]:
    for item in documents:
        for index, limit in enumerate(item.document.spec.limits):
            yield limit, item.at("spec", "limits", index)


def _capacity(documents: Sequence[Loaded[Limits]]) -> tuple[tuple[str, int], ...]:
    smallest: dict[str, int] = {}
    for item in documents:
        for name, size in item.document.spec.capacity.items():
            smallest[name] = min(size, smallest.get(name, size))
    return tuple(sorted({**CAPACITY, **smallest}.items()))


def _grants(documents: Sequence[Loaded[Autonomy]]) -> Iterator[tuple[AutonomyRule, str]]:
    for item in documents:
        for index, rule in enumerate(item.document.spec.rules):
            yield rule, item.at("spec", "rules", index)


def _conditions(policies: Sequence[Loaded[MergePolicy]]) -> Iterator[tuple[str, Condition]]:
    for item in policies:
        for index, condition in enumerate(item.document.spec.require.conditions):
            where = item.locate("spec", "require", "conditions", index, "expression")
            yield f"{item.name}/{condition.name}", compile_condition(condition.expression, CONDITION_VARIABLES, where)
