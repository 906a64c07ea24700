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
from reconciler.documents.policy_cases import EarlierMerge, Given, Move
from reconciler.model.judging import Decision, Effect
from reconciler.model.proposals import FileEdit
from reconciler.model.reasons import Reason
from reconciler.policy.cases import decide
from reconciler.policy.facts import Hold
from reconciler.policy.judging import judge
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
    - {playbooks: ["scale-*"], units: [shop, low], mode: autonomous}
---
apiVersion: homeostat/v1
kind: Guardrails
metadata: {name: seeded}
spec: {level: loose, units: [shop]}
---
apiVersion: homeostat/v1
kind: Guardrails
metadata: {name: too-low}
spec: {level: loose, units: [low], loose: {minConfidence: 0, maxServices: 3, maxImpact: medium}}
---
apiVersion: homeostat/v1
kind: Trust
metadata: {name: seeded}
spec:
  principals: [{name: ada, roles: [approve, merge, policy]}, {name: eve, roles: [operate]}]
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
kind: Maintenance
metadata: {name: seeded}
spec: {components: ["service-*"], reason: seeded, windows: [{start: "2026-12-27T00:00Z", end: "2026-12-28T00:00Z"}]}
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
    ("confidence under the floor", Given(units=("low",), confidence=Decimal("0.59")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("confidence under the level", Given(confidence=Decimal("0.64")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("prediction", Given(prediction_only=True, confidence=Decimal("0.89")), Effect.REVIEW, Reason.LOW_CONFIDENCE),
    ("too many services", Given(services=4), Effect.REVIEW, Reason.BLAST_RADIUS),
    ("great impact", Given(impact="high"), Effect.REVIEW, Reason.BLAST_RADIUS),
    ("high impact by a pattern", Given(playbook="scale-wide", tags=("failover",)), Effect.REVIEW, Reason.NEEDS_PERSON),
    ("irreversible", Given(irreversibility="irreversible"), Effect.REVIEW, Reason.IRREVERSIBLE),
    ("irreversible undo", Given(irreversibility="irreversible", reverts=True), Effect.REVIEW, Reason.IRREVERSIBLE),
    ("cascading", Given(cascading=True), Effect.REVIEW, Reason.NEEDS_PERSON),
    ("forecast", Given(forecast="opposed"), Effect.REVIEW, Reason.NEEDS_PERSON),
    ("no replicas", Given(moves=(Move(field="spec.replicas", before=3, after=0),)), Effect.DENY, Reason.LIMIT),
    ("too many replicas", Given(moves=(Move(field="spec.replicas", before=3, after=21),)), Effect.DENY, Reason.LIMIT),
    ("no CPU", Given(moves=(Move(field="spec.cpuMillis", before=500, after=99),)), Effect.DENY, Reason.LIMIT),
    ("all memory", Given(moves=(Move(field="spec.memoryMiB", before=512, after=4_000),)), Effect.DENY, Reason.LIMIT),
    ("frozen", Given(at="2026-12-24T12:00Z"), Effect.WAIT, Reason.FROZEN),
    ("worked on", Given(at="2026-12-27T12:00Z"), Effect.WAIT, Reason.MAINTENANCE),
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
    """Violations that no description can express: facts that do not prove what they claim, or say stop."""
    subject, proposal, quiet = sample(QUIET, rules)
    undo = sample(Given(playbook="unheard-of", reverts=True), rules)
    path = quiet.paths[0]
    gone = replace(proposal, files=(FileEdit(path, "before", ""),))
    for name, edit, facts, effect, reason in (
        ("unsigned head", proposal, replace(quiet, author_proved=False), Effect.DENY, Reason.TRUST),
        ("unknown author", None, replace(quiet, author="mallory"), Effect.DENY, Reason.TRUST),
        ("people's own edit", None, replace(quiet, author="ada"), Effect.REVIEW, Reason.NEEDS_PERSON),
        ("unexamined file", proposal, replace(quiet, examined=()), Effect.DENY, Reason.POLICY_ERROR),
        ("undeclared file", proposal, replace(quiet, paths=(path, "b"), examined=(path, "b")), Effect.DENY, Reason.POLICY_ERROR),
        ("hold", proposal, replace(quiet, holds=(Hold("seeded", "seeded", 0, paths=("shop",)),)), Effect.DENY, Reason.HELD),
        ("deletion", gone, replace(quiet, deleted=(path,)), Effect.REVIEW, Reason.IRREVERSIBLE),
        ("weak forge", proposal, replace(quiet, capabilities=()), Effect.REVIEW, Reason.NEEDS_PERSON),
        ("unproved undo", undo[1], replace(undo[2], inverse_of=""), Effect.SHADOW, Reason.AUTONOMY),
        (
            "undo of an undo",
            replace(undo[1], playbook=QUIET.playbook),
            replace(undo[2], inverse_of_revert=True),
            Effect.REVIEW,
            Reason.NEEDS_PERSON,
        ),
    ):
        yield from _difference(name, judge(subject, edit, facts, rules), effect, reason)
    yield from _difference(
        "other rules", judge(replace(subject, policy="other"), proposal, quiet, rules), Effect.DENY, Reason.POLICY_ERROR
    )
    rejected = decide(rules, Given(rejected_by=("ada",)))
    yield from _difference("rejected", rejected, Effect.DENY, Reason.REJECTED)
    yield from _own_rules(rules)


def _own_rules(rules: PolicySet) -> Iterator[str]:
    """The machine never merges an edit of the rules, in whatever spelling, nor one after which they do not load."""
    for path in (
        "policies/limits.yaml",
        "Policies/limits.yaml",
        "\uff50olicies/limits.yaml",
        "./homeostat.yaml",
        "a/../policies/x",
    ):
        given = Given(paths=(path,), approved_by=("ada",))
        yield from _difference(f"own rules: {path!r}", decide(rules, given), Effect.REVIEW, Reason.NEEDS_PERSON)
    broken = Given(paths=("policies/limits.yaml",), approved_by=("ada",), merger="ada")
    yield from _difference("rules that do not load", judge(*sample(broken, rules), rules), Effect.DENY, Reason.POLICY_ERROR)


def _difference(name: str, decision: Decision, effect: Effect, reason: Reason) -> Iterator[str]:
    if (decision.effect, decision.reason) != (effect, reason):
        yield f"{name}: expected {effect} ({reason}), got {decision.effect} ({decision.reason})"
