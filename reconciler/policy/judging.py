"""The policy judge: may this edit land, by the rules of the base branch? Pure: same arguments, same Decision, byte for byte.

In: exactly what is judged (Subject), the proposal (None for a pull request by people), the Facts, the rules. Out: a Decision
with one line for every rule that was asked. It never sees ballots. The steps, in this order:

1. Evidence: subject, proposal, facts and rules belong together and every touched file was examined. Else deny.
2. People: the author is proved, who asks for the merge may, nobody who may approve has rejected.
3. Stops: brakes and holds, for the machine; the fast lane is bound too.
4. Rules: an edit of rules is for people, and has to pass the rules before it and the rules after it.
5. Limits: nothing overrides them. What is irreversible, deletes, or reverts a revert has a person behind it.
6. Danger: autonomy, high impact, confidence, level, forecast, blast radius. Not for the fast lane.
7. Pace: freezes, budgets, critical rate, one failure domain at a time. Not for the fast lane.
8. Documents: what the repository's MergePolicies ask for on top. Not for the fast lane.
9. Landing: the forge lands exactly this commit.
10. Composition: deny wins, then shadow, wait, review; only when every line passes it merges.

Whatever goes wrong in here is a denial with the reason policy-error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from reconciler.model.judging import Decision, Effect, Judge, Requirement, Status, Subject
from reconciler.model.proposals import Proposal
from reconciler.model.reasons import Reason
from reconciler.policy import gates_danger, gates_documents, gates_limits, gates_pace, gates_people
from reconciler.policy.bench import Bench, Finding, make_bench, shown, touched_rules
from reconciler.policy.facts import Facts
from reconciler.policy.rules import PolicySet

Gate = Callable[[Bench], Iterable[Finding]]

# Strictest first. An effect that is not here cannot be composed, and that is an error, hence a denial.
ORDER: Final = (Effect.DENY, Effect.SHADOW, Effect.WAIT, Effect.REVIEW)
GATES: Final[tuple[Gate, ...]] = (
    gates_people.evidence,  # 1.
    gates_people.author,  # 2.
    gates_people.merger,
    gates_people.rejection,
    gates_people.brakes,  # 3.
    gates_people.holds,
    gates_people.rules_by_people,  # 4.
    gates_people.people_decide,
    gates_limits.limits,  # 5.
    gates_limits.irreversible,
    gates_limits.deletion,
    gates_limits.second_revert,
    gates_danger.danger,  # 6.
    gates_pace.pace,  # 7.
    gates_documents.merge_policies,  # 8.
    gates_people.landing,  # 9.
)


def judge(
    subject: Subject, proposal: Proposal | None, facts: Facts, documents: PolicySet, candidate: PolicySet | None = None
) -> Decision:
    """The policy's answer. `candidate` are the rules after the edit, needed when it touches rules; None: they do not load."""
    try:
        return _compose(list(_findings(subject, proposal, facts, documents, candidate)))
    except Exception as error:  # noqa: BLE001 - a guard that breaks must close: whatever it was, the answer is no (S10)
        return failed(error)


def _findings(
    subject: Subject, proposal: Proposal | None, facts: Facts, documents: PolicySet, candidate: PolicySet | None
) -> Iterator[Finding]:
    bench = make_bench(subject, proposal, facts, documents)
    for gate in GATES:
        yield from gate(bench)
    if touched_rules(facts):  # 4. the stricter of old and new: both have to pass
        yield from _after(bench, candidate)


def _after(bench: Bench, candidate: PolicySet | None) -> Iterator[Finding]:
    """The same gates under the rules as they would be after the edit."""
    line = Requirement(
        "rules-after",
        Status.SATISFIED if candidate else Status.ERROR,
        Reason.OK if candidate else Reason.POLICY_ERROR,
        "the rules after this edit load, and the edit passes them too",
        (),
        missing="" if candidate else "rules that load",
        command="" if candidate else "homeostat policy check",
        hard=True,
    )
    yield Finding(line, Effect.DENY)
    if candidate is None:
        return
    subject = replace(bench.subject, policy=candidate.digest)
    after = make_bench(subject, bench.proposal, bench.facts, candidate)
    for gate in GATES:
        for finding in gate(after):
            yield replace(finding, requirement=replace(finding.requirement, name=f"after/{finding.requirement.name}"))


def _compose(findings: list[Finding]) -> Decision:
    """10. the strictest effect of what does not pass; its first line gives the reason."""
    if not findings:
        raise ValueError("no rule was asked")
    lines = tuple(finding.requirement for finding in findings)
    open_still = [finding for finding in findings if not finding.requirement.passes]
    if not open_still:
        return Decision(Judge.POLICY, Effect.MERGE, Reason.ALLOWED, lines, _granted_by(lines))
    effect = min((finding.effect for finding in open_still), key=ORDER.index)
    deciding = [finding for finding in open_still if finding.effect is effect]
    again = max(finding.again_ms for finding in deciding) if effect is Effect.WAIT else 0
    first = deciding[0].requirement
    return Decision(Judge.POLICY, effect, first.reason, lines, first.document, again)


def _granted_by(lines: tuple[Requirement, ...]) -> str:
    """The place that opened this up: the Autonomy rule, or built-in for the fast lane and people's edits."""
    return next((line.document for line in lines if line.name == "autonomy"), "built-in")


def failed(error: Exception) -> Decision:
    """The denial that stands for any error while judging."""
    line = Requirement(
        "judging",
        Status.ERROR,
        Reason.POLICY_ERROR,
        "the rules can be evaluated",
        (("error", shown(f"{type(error).__name__}: {error}")),),
        missing="a policy that can be evaluated",
        command="homeostat policy check",
        hard=True,
    )
    return Decision(Judge.POLICY, Effect.DENY, Reason.POLICY_ERROR, (line,), "built-in")
