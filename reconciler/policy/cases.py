"""Policy tests: `homeostat policy test` judges every case of the cases files with the repository's own documents.

In: the rules and loaded PolicyCases. Out: one result for each case, with the explanation when it differs. A case that
expects a merge is as useful as one that expects a denial: it shows that a gate is not shut for everyone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.documents import Loaded, is_cases, load_one
from reconciler.documents.policy_cases import Expect, Given, PolicyCases
from reconciler.model.judging import Decision
from reconciler.model.reasons import Reason
from reconciler.policy.explaining import explain
from reconciler.policy.judging import judge
from reconciler.policy.rules import PolicySet
from reconciler.policy.samples import sample


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: where it is written, what it promises, and how the decision differs ("" when it does not)."""

    where: str
    name: str
    difference: str
    explanation: str

    @property
    def ok(self) -> bool:
        return not self.difference


def load_cases(files: Mapping[str, bytes]) -> tuple[Loaded[PolicyCases], ...]:
    """The cases files of `policies/` in a tree; Misconfigured at the place of the first that cannot be read."""
    paths = sorted(path for path in files if path.startswith("policies/") and is_cases(path))
    return tuple(load_one(files[path], path, PolicyCases) for path in paths)


def run_cases(rules: PolicySet, files: Sequence[Loaded[PolicyCases]]) -> tuple[CaseResult, ...]:
    """Every case of every file, in order."""
    return tuple(result for item in files for result in _run(rules, item))


def decide(rules: PolicySet, given: Given) -> Decision:
    """What the rules say to one described repair; also behind `homeostat policy explain`.

    An edit of rules is judged as if they stayed what they are: a case describes which file is touched, not how.
    """
    judged_by = rules.granting(given.playbook, given.autonomy) if given.autonomy is not None else rules
    return judge(*sample(given, judged_by), judged_by, judged_by)


def _run(rules: PolicySet, item: Loaded[PolicyCases]) -> Iterator[CaseResult]:
    for index, case in enumerate(item.document.spec.cases):
        decision = decide(rules, case.given)
        difference = "; ".join(_differences(decision, case.expect))
        yield CaseResult(item.at("spec", "cases", index), case.name, difference, explain(decision) if difference else "")


def _differences(decision: Decision, expect: Expect) -> Iterator[str]:
    if expect.reason not in {reason.value for reason in Reason}:
        yield f"{expect.reason!r} is no reason"
    if decision.effect.value != expect.effect:
        yield f"effect is {decision.effect.value}, expected {expect.effect}"
    if str(decision.reason) != expect.reason:
        yield f"reason is {decision.reason}, expected {expect.reason}"
    found = {line.name: line.status.value for line in decision.requirements}
    for wanted in expect.requirements:
        if found.get(wanted.name) != wanted.status:
            yield f"{wanted.name} is {found.get(wanted.name, 'not asked')}, expected {wanted.status}"
