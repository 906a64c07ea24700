"""The guard guards itself: seeded violations are judged at every boot, and the healer does not start if one gets through.

In 2021 an audit tool with a bug let a command pass that took a whole company off the air (S10): a guard is only known to
work while it is seen to refuse. The quiet sample has to merge, or the refusals below would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from reconciler.documents import load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.policy_cases import EarlierMerge, Given, Move
from reconciler.model.judging import Decision, Effect
from reconciler.model.reasons import Reason
from reconciler.policy.cases import decide
from reconciler.policy.judge import judge
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.policy.samples import sample

_RULES: Final = b"""\
apiVersion: homeostat/v1
kind: Autonomy
metadata: {name: seeded}
spec:
  rules:
    - {playbooks: [scale-out], units: [shop], mode: autonomous}
    - {playbooks: [restart], units: [shop], mode: review}
---
apiVersion: homeostat/v1
kind: Guardrails
metadata: {name: seeded}
spec: {level: loose}
---
apiVersion: homeostat/v1
kind: Freeze
metadata: {name: seeded}
spec:
  match: {playbooks: [scale-out]}
  reason: seeded
  windows: [{start: "2026-12-24T00:00Z", end: "2026-12-25T00:00Z"}]
---
apiVersion: homeostat/v1
kind: MergePolicy
metadata: {name: seeded}
spec:
  match: {causes: [config]}
  require:
    conditions: [{name: broken, expression: "objects / (objects - 1) == 1", person: true}]
"""
QUIET: Final = Given()
_HOT: Final = EarlierMerge(ago_ms=1_000, critical=True)

# What is seeded, what has to come out, and for which reason.
SEEDED: Final[tuple[tuple[str, Given, Effect, Reason], ...]] = (
    ("unknown playbook", Given(playbook="unheard-of"), Effect.SHADOW, Reason.AUTONOMY),
    ("unknown unit", Given(units=("elsewhere",)), Effect.SHADOW, Reason.AUTONOMY),
    ("review only", Given(playbook="restart"), Effect.REVIEW, Reason.AUTONOMY),
    ("confidence under the floor", Given(confidence=Decimal("0.59")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("confidence under the level", Given(confidence=Decimal("0.64")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("prediction", Given(prediction_only=True, confidence=Decimal("0.89")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("too many services", Given(services=4), Effect.REVIEW, Reason.BLAST_RADIUS),
    ("high impact", Given(impact="high"), Effect.REVIEW, Reason.BLAST_RADIUS),
    ("irreversible", Given(irreversibility="irreversible"), Effect.REVIEW, Reason.IRREVERSIBLE),
    ("irreversible undo", Given(irreversibility="irreversible", reverts=True), Effect.REVIEW, Reason.IRREVERSIBLE),
    ("cascading", Given(cascading=True), Effect.REVIEW, Reason.NEEDS_PERSON),
    ("forecast", Given(forecast="opposed"), Effect.REVIEW, Reason.NEEDS_PERSON),
    ("no replicas", Given(moves=(Move(field="spec.replicas", before=3, after=0),)), Effect.DENY, Reason.LIMIT),
    ("too many replicas", Given(moves=(Move(field="spec.replicas", before=3, after=21),)), Effect.DENY, Reason.LIMIT),
    ("no CPU", Given(moves=(Move(field="spec.cpuMillis", before=500, after=99),)), Effect.DENY, Reason.LIMIT),
    ("all memory", Given(moves=(Move(field="spec.memoryMiB", before=512, after=4_000),)), Effect.DENY, Reason.LIMIT),
    ("frozen", Given(at="2026-12-24T12:00Z"), Effect.WAIT, Reason.FROZEN),
    ("braked", Given(braked=True), Effect.WAIT, Reason.BRAKED),
    ("braked undo", Given(braked=True, reverts=True), Effect.WAIT, Reason.BRAKED),
    ("budget", Given(merges=(EarlierMerge(ago_ms=1_000),) * 6), Effect.WAIT, Reason.BUDGET),
    ("critical rate", Given(critical=True, merges=(_HOT,)), Effect.WAIT, Reason.RATE),
    ("second domain", Given(open_domains=("edge",)), Effect.WAIT, Reason.RATE),
    ("broken condition", Given(cause="config"), Effect.DENY, Reason.POLICY_ERROR),
    ("stranger's approval", Given(playbook="restart", approved_by=("mallory",)), Effect.REVIEW, Reason.AUTONOMY),
    ("stranger's merge", Given(merger="mallory"), Effect.DENY, Reason.TRUST),
)


def self_test() -> tuple[str, ...]:
    """What got through, one sentence each; () when every guard holds. Call it at every boot, and refuse to start on any."""
    return tuple(_failures())


def _failures() -> Iterator[str]:
    rules = policy_set(load_tree({"policies/seeded.yaml": _RULES}))
    quiet = decide(rules, QUIET)
    if quiet.effect is not Effect.MERGE:
        yield f"quiet sample: expected merge, got {quiet.effect} ({quiet.reason})"
    for name, given, effect, reason in SEEDED:
        yield from _difference(name, decide(rules, given), effect, reason)
    yield from _difference("default shadow", decide(policy_set(load_tree({})), QUIET), Effect.SHADOW, Reason.AUTONOMY)
    yield from _tampered(rules)


def _tampered(rules: PolicySet) -> Iterator[str]:
    """Violations that no description can express: facts that do not prove what they claim."""
    subject, proposal, facts = sample(QUIET, rules)
    unsigned = judge(subject, proposal, replace(facts, author_proved=False), rules)
    unseen = judge(subject, proposal, replace(facts, examined=()), rules)
    other_rules = judge(replace(subject, policy="other"), proposal, facts, rules)
    touches = ("Policies/limits.yaml",)
    policies = judge(*sample(Given(paths=touches, autonomy=Mode.AUTONOMOUS), rules), rules, rules)
    yield from _difference("unsigned head", unsigned, Effect.DENY, Reason.TRUST)
    yield from _difference("unexamined file", unseen, Effect.DENY, Reason.POLICY_ERROR)
    yield from _difference("other rules", other_rules, Effect.DENY, Reason.POLICY_ERROR)
    yield from _difference("own rules", policies, Effect.REVIEW, Reason.NEEDS_PERSON)


def _difference(name: str, decision: Decision, effect: Effect, reason: Reason) -> Iterator[str]:
    if (decision.effect, decision.reason) != (effect, reason):
        yield f"{name}: expected {effect} ({reason}), got {decision.effect} ({decision.reason})"
