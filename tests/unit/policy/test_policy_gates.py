from dataclasses import replace
from decimal import Decimal

import pytest

from reconciler.documents import load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.policy_cases import EarlierMerge, Given, Move
from reconciler.model.canonical import encode
from reconciler.model.judging import Effect, Status
from reconciler.model.proposals import FileEdit
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench
from reconciler.policy.cases import decide
from reconciler.policy.explaining import explain
from reconciler.policy.facts import Brake, Hold, Tightening
from reconciler.policy.judging import GATES, judge
from reconciler.policy.rules import policy_set
from reconciler.policy.samples import PATCH, sample
from reconciler.policy.self_testing import _RULES, QUIET, SEEDED, self_test

RULES = policy_set(load_tree({"policies/seeded.yaml": _RULES}))


def seen(decision):
    return (decision.effect, decision.reason)


def line(decision, name):
    return next(item for item in decision.requirements if item.name == name)


def judged(given=QUIET, rules=RULES, proposal=None, **changes):
    subject, made, facts = sample(given, rules)
    return judge(subject, replace(made, **(proposal or {})), replace(facts, **changes), rules, rules)


def review(principal, choice=ReviewChoice.APPROVE, **changes):
    subject = sample(QUIET, RULES)[0]
    made = Review(principal, choice, "head", PATCH, subject.trees, "cli", 1)
    return replace(made, **changes)


def test_the_quiet_repair_merges_by_itself_and_names_the_rule_that_opened_it_up():
    decision = decide(RULES, QUIET)
    assert seen(decision) == (Effect.MERGE, Reason.ALLOWED)
    assert decision.rule == "policies/seeded.yaml:6"


@pytest.mark.parametrize(("name", "given", "effect", "reason"), SEEDED, ids=[item[0] for item in SEEDED])
def test_every_seeded_violation_is_stopped_for_its_reason(name, given, effect, reason):
    decision = decide(RULES, given)
    assert seen(decision) == (effect, reason), name
    failing = [item for item in decision.requirements if not item.passes]
    assert failing
    assert all(item.missing and item.expression and item.document for item in failing)


def test_the_self_test_passes_as_shipped():
    assert self_test() == ()


@pytest.mark.parametrize("gate", GATES, ids=[gate.__name__ for gate in GATES])
def test_removing_any_gate_is_noticed_by_the_self_test(gate, monkeypatch):
    monkeypatch.setattr("reconciler.policy.judging.GATES", tuple(other for other in GATES if other is not gate))
    assert self_test() != ()


@pytest.mark.parametrize("gate", GATES, ids=[gate.__name__ for gate in GATES])
def test_a_gate_that_breaks_denies_and_says_why(gate, monkeypatch):
    def broken(bench):
        raise RuntimeError("seeded")

    monkeypatch.setattr("reconciler.policy.judging.GATES", tuple(broken if other is gate else other for other in GATES))
    decision = decide(RULES, QUIET)
    assert seen(decision) == (Effect.DENY, Reason.POLICY_ERROR)
    assert decision.requirements[0].values == (("error", "RuntimeError: seeded"),)
    assert self_test() != ()


NAMES = {
    *("author", "autonomy", "blast-radius", "brake", "budget/built-in", "cascading", "confidence-floor", "confidence-level"),
    *(
        "critical-rate",
        "deletion",
        "evidence-complete",
        "exact-landing",
        "failure-domain",
        "forecast",
        "freeze/seeded",
        "high-impact",
    ),
    *("hold", "impact", "irreversible", "limit/cpu", "limit/memory", "limit/replicas", "merger", "no-rejection"),
    *("maintenance/seeded", "no-revert-of-revert", "people-decide", "policy/seeded/broken", "prediction", "rules-by-people"),
}


def test_every_rule_that_can_fail_is_in_the_list_below(monkeypatch):
    asked, finding = set(), Bench.finding

    def spy(bench, rule, **found):
        asked.add(rule.name)
        return finding(bench, rule, **found)

    monkeypatch.setattr(Bench, "finding", spy)
    self_test()
    assert asked - {"limit"} == NAMES  # "limit" says that no limited field is moved; it has nothing to refuse


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_rule_that_always_passes_is_noticed_by_the_self_test(name, monkeypatch):
    finding = Bench.finding

    def lenient(bench, rule, *, ok, **found):
        return finding(bench, rule, ok=ok or rule.name == name, **found)

    monkeypatch.setattr(Bench, "finding", lenient)
    assert self_test() != ()


def test_no_gates_at_all_deny(monkeypatch):
    monkeypatch.setattr("reconciler.policy.judging.GATES", ())
    assert seen(decide(RULES, QUIET)) == (Effect.DENY, Reason.POLICY_ERROR)


def test_without_any_documents_everything_is_in_shadow_at_the_tight_level():
    empty = policy_set(load_tree({}))
    decision = decide(empty, QUIET)
    assert seen(decision) == (Effect.SHADOW, Reason.AUTONOMY)
    assert line(decision, "confidence-level").values[1] == ("level", "tight")
    assert seen(decide(empty, Given(autonomy=Mode.AUTONOMOUS, confidence=Decimal("0.94")))) == (
        Effect.REVIEW,
        Reason.LOW_CONFIDENCE,
    )
    assert seen(decide(empty, Given(autonomy=Mode.AUTONOMOUS, confidence=Decimal("0.95")))) == (Effect.MERGE, Reason.ALLOWED)


def test_the_same_question_gives_the_same_bytes():
    assert encode(decide(RULES, Given(services=4))) == encode(decide(RULES, Given(services=4)))


@pytest.mark.parametrize(
    "given",
    [
        Given(units=("low",), confidence=Decimal("0.60")),
        Given(confidence=Decimal("0.65")),
        Given(prediction_only=True, confidence=Decimal("0.90")),
        Given(services=3, objects=100, impact="medium"),
        Given(irreversibility="costly"),
        Given(forecast="aligned"),
        Given(critical=True, merges=(EarlierMerge(ago_ms=60_000, critical=True),)),
        Given(critical=True, merges=(EarlierMerge(ago_ms=1),)),
        Given(open_domains=("shop",)),
        Given(at="2026-12-25T00:00Z"),
        Given(moves=(Move(field="spec.replicas", before=3, after=20), Move(field="spec.cpuMillis", before=500, after=100))),
        Given(paths=("apps/shop/a.yaml", "apps/shop/b.yaml")),
    ],
)
def test_what_stays_just_inside_every_bound_merges_by_itself(given):
    assert seen(decide(RULES, given)) == (Effect.MERGE, Reason.ALLOWED)


@pytest.mark.parametrize("confidence", ["nan", "inf", "-1", "1.01", "", "high", "0.9.9"])
def test_a_confidence_that_is_no_share_is_no_confidence(confidence):
    assert seen(judged(proposal={"confidence": confidence})) == (Effect.REVIEW, Reason.LOW_CONFIDENCE)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given(playbook="restart"), Reason.AUTONOMY),
        (Given(confidence=Decimal("0.1")), Reason.LOW_CONFIDENCE),
        (Given(services=9), Reason.BLAST_RADIUS),
        (Given(impact="high"), Reason.BLAST_RADIUS),
        (Given(irreversibility="irreversible"), Reason.IRREVERSIBLE),
        (Given(tags=("failover",), playbook="restart"), Reason.AUTONOMY),
        (Given(cascading=True), Reason.NEEDS_PERSON),
        (Given(forecast="opposed"), Reason.NEEDS_PERSON),
    ],
)
def test_a_person_stands_in_for_caution_and_the_line_says_who(given, reason):
    assert seen(decide(RULES, given)) == (Effect.REVIEW, reason)
    approved = decide(RULES, given.model_copy(update={"approved_by": ("ada",)}))
    assert seen(approved) == (Effect.MERGE, Reason.ALLOWED)
    overridden = [item for item in approved.requirements if item.status is Status.OVERRIDDEN]
    assert overridden
    assert all(("approved by", "ada") in item.values for item in overridden)


@pytest.mark.parametrize(
    ("given", "effect", "reason"),
    [
        (Given(moves=(Move(field="spec.replicas", before=3, after=0),)), Effect.DENY, Reason.LIMIT),
        (Given(braked=True), Effect.WAIT, Reason.BRAKED),
        (Given(at="2026-12-24T12:00Z"), Effect.WAIT, Reason.FROZEN),
        (Given(playbook="unheard-of"), Effect.SHADOW, Reason.AUTONOMY),
        (Given(critical=True, merges=(EarlierMerge(ago_ms=1, critical=True),)), Effect.WAIT, Reason.RATE),
        (Given(open_domains=("edge",)), Effect.WAIT, Reason.RATE),
        (Given(cause="config"), Effect.DENY, Reason.POLICY_ERROR),
        (Given(rejected_by=("ada",)), Effect.DENY, Reason.REJECTED),
        (Given(paths=("policies/limits.yaml",)), Effect.REVIEW, Reason.NEEDS_PERSON),
    ],
)
def test_no_approval_overrides_what_binds_everyone(given, effect, reason):
    words = {"approved_by": () if given.rejected_by else ("ada",)}
    assert seen(decide(RULES, given.model_copy(update=words))) == (effect, reason)


def test_a_high_impact_repair_merges_by_itself_only_under_a_rule_that_names_it():
    tagged = Given(tags=("release-rollback",))
    assert seen(decide(RULES, tagged)) == (Effect.MERGE, Reason.ALLOWED)
    pattern = policy_set(load_tree({"policies/x.yaml": _RULES.replace(b"[scale-out], units", b'["scale-*"], units')}))
    assert seen(decide(pattern, QUIET)) == (Effect.MERGE, Reason.ALLOWED)
    decision = decide(pattern, tagged)
    assert seen(decision) == (Effect.REVIEW, Reason.NEEDS_PERSON)
    assert line(decision, "high-impact").status is Status.UNSATISFIED


@pytest.mark.parametrize("given", [Given(services=2), Given(objects=101)])
def test_many_services_or_objects_are_high_impact_though_nobody_tagged_them(given):
    assert line(decide(RULES, given), "high-impact").status is Status.SATISFIED
    assert line(decide(RULES, QUIET), "high-impact").status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    "given",
    [
        Given(reverts=True, playbook="unheard-of"),
        Given(reverts=True, confidence=Decimal(0), services=9, impact="high", tags=("failover",)),
        Given(reverts=True, at="2026-12-24T12:00Z"),
        Given(reverts=True, merges=(EarlierMerge(ago_ms=1, critical=True),) * 50, critical=True),
        Given(reverts=True, open_domains=("edge",), cause="config"),
    ],
)
def test_the_inverse_of_the_machines_own_commit_takes_the_fast_lane(given):
    decision = decide(RULES, given)
    assert seen(decision) == (Effect.MERGE, Reason.ALLOWED)
    assert line(decision, "fast-lane").status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("change", "effect", "reason"),
    [
        ({"author_proved": False}, Effect.DENY, Reason.TRUST),
        ({"examined": ()}, Effect.DENY, Reason.POLICY_ERROR),
        ({"holds": (Hold("h", "a person undid it", 0),)}, Effect.DENY, Reason.HELD),
        ({"inverse_of": ""}, Effect.SHADOW, Reason.AUTONOMY),
        ({"inverse_of": "another commit"}, Effect.SHADOW, Reason.AUTONOMY),
        ({"inverse_of_revert": True}, Effect.SHADOW, Reason.AUTONOMY),
        ({"capabilities": ()}, Effect.REVIEW, Reason.NEEDS_PERSON),
    ],
)
def test_the_fast_lane_is_bound_by_evidence_trust_and_holds(change, effect, reason):
    assert seen(judged(Given(reverts=True, playbook="unheard-of"), **change)) == (effect, reason)


def test_the_fast_lane_may_delete_what_the_machine_had_made():
    path = QUIET.paths[0]
    gone = {"files": (FileEdit(path, "before", ""),)}
    assert seen(judged(Given(reverts=True), proposal=gone, deleted=(path,))) == (Effect.MERGE, Reason.ALLOWED)
    assert seen(judged(proposal=gone, deleted=(path,))) == (Effect.REVIEW, Reason.IRREVERSIBLE)


@pytest.mark.parametrize(
    ("hold", "holds"),
    [
        (Hold("h", "", 0), True),
        (Hold("h", "", 0, patch=PATCH), True),
        (Hold("h", "", 0, patch="sha256:other"), False),
        (Hold("h", "", 0, playbook="scale-out", paths=("shop",)), True),
        (Hold("h", "", 0, playbook="restart", paths=("shop",)), False),
        (Hold("h", "", 0, paths=("apps/shop/*",)), True),
        (Hold("h", "", 0, paths=("apps/shop",)), True),
        (Hold("h", "", 0, paths=("apps/shop/checkout.yaml",)), True),
        (Hold("h", "", 0, paths=("service-0",)), True),
        (Hold("h", "", 0, paths=("apps/edge", "edge", "service-1")), False),
    ],
)
def test_a_hold_holds_where_everything_it_names_fits(hold, holds):
    assert (seen(judged(holds=(hold,))) == (Effect.DENY, Reason.HELD)) is holds


@pytest.mark.parametrize(
    ("scopes", "braked"), [((), True), (("shop",), True), (("service-0",), True), (("apps/shop",), True), (("edge",), False)]
)
def test_a_brake_stops_what_it_is_about(scopes, braked):
    decision = judged(Given(reverts=True), brakes=(Brake("ada", "looking into it", 0, scopes),))
    assert (seen(decision) == (Effect.WAIT, Reason.BRAKED)) is braked


def test_an_edit_outside_every_unit_is_braked_by_any_brake_and_opened_by_no_units_grant():
    assert seen(judged(Given(units=()), brakes=(Brake("ada", "", 0, ("edge",)),))) == (Effect.SHADOW, Reason.AUTONOMY)
    assert line(judged(Given(units=()), brakes=(Brake("ada", "", 0, ("edge",)),)), "brake").status is Status.UNSATISFIED
    assert seen(judged(Given(units=("", "shop")))) == (Effect.SHADOW, Reason.AUTONOMY)


def test_what_is_shown_holds_nothing_that_steers_a_terminal():
    path = "apps/shop/a\x1b[2J\u202eb.yaml"
    decision = judged(Given(paths=(path,), units=("shop",)), examined=())
    assert explain(decision).replace("\n", "").isprintable()
    assert encode(decision)


def test_what_waits_says_when_to_look_again():
    assert decide(RULES, Given(at="2026-12-24T12:00Z")).again_ms == 1798156800000  # 2026-12-25T00:00Z
    now = 1780488000000  # 2026-06-03T12:00Z
    spent = tuple(EarlierMerge(ago_ms=ago) for ago in (100, 200, 300, 400, 500, 600_000))
    assert decide(RULES, Given(merges=spent)).again_ms == now - 600_000 + 3_600_000
    assert decide(RULES, Given(braked=True)).again_ms == now + 60_000
    assert decide(RULES, QUIET).again_ms == 0


@pytest.mark.parametrize(
    ("tightening", "effect", "reason"),
    [
        (Tightening("r", level="tight"), Effect.MERGE, Reason.ALLOWED),
        (Tightening("r", autonomy="review"), Effect.REVIEW, Reason.AUTONOMY),
        (Tightening("r", autonomy="shadow"), Effect.SHADOW, Reason.AUTONOMY),
        (Tightening("r", autonomy="nonsense"), Effect.SHADOW, Reason.AUTONOMY),
        (Tightening("r", autonomy="shadow", unit="edge"), Effect.MERGE, Reason.ALLOWED),
        (Tightening("r", autonomy="shadow", playbook="restart"), Effect.MERGE, Reason.ALLOWED),
    ],
)
def test_a_run_time_record_only_tightens(tightening, effect, reason):
    assert seen(judged(tightenings=(tightening,))) == (effect, reason)


@pytest.mark.parametrize("word", ["tight", "nonsense"])
def test_a_tightened_level_asks_for_more_confidence(word):
    sure = Given(confidence=Decimal("0.94"))
    assert seen(judged(sure)) == (Effect.MERGE, Reason.ALLOWED)
    assert seen(judged(sure, tightenings=(Tightening("r", level=word),))) == (Effect.REVIEW, Reason.LOW_CONFIDENCE)


def test_a_run_time_record_cannot_loosen():
    loose = (Tightening("r", level="loose"), Tightening("r", autonomy="autonomous"))
    tight = policy_set(load_tree({"policies/x.yaml": _RULES.replace(b"level: loose", b"level: tight")}))
    assert seen(judged(Given(confidence=Decimal("0.7")), rules=tight, tightenings=loose)) == (
        Effect.REVIEW,
        Reason.LOW_CONFIDENCE,
    )
    assert seen(judged(Given(playbook="restart"), tightenings=loose)) == (Effect.REVIEW, Reason.AUTONOMY)


def test_two_failure_domains_in_one_edit_want_a_person():
    decision = judged(domains=("a", "b"))
    assert seen(decision) == (Effect.REVIEW, Reason.RATE)
    assert seen(judged(domains=("a", "b"), reviews=(review("ada"),))) == (Effect.MERGE, Reason.ALLOWED)


PATH = QUIET.paths[0]


@pytest.mark.parametrize(
    ("proposal", "facts", "gap"),
    [
        ({"patch": "sha256:other"}, {}, "the proposal has another patch"),
        ({"files": ()}, {}, "the proposal names other files than Git"),
        ({"files": (FileEdit(PATH, "before", ""),)}, {}, "the proposal deletes other files than Git"),
        ({}, {"deleted": (PATH,)}, "the proposal deletes other files than Git"),
        ({"files": ()}, {"paths": (), "examined": ()}, "nothing is touched"),
        ({}, {"paths": (PATH, "b"), "examined": (PATH,)}, "b was not examined"),
    ],
)
def test_what_git_shows_and_what_the_proposal_says_have_to_agree(proposal, facts, gap):
    decision = judged(proposal=proposal, **facts)
    assert seen(decision) == (Effect.DENY, Reason.POLICY_ERROR)
    assert gap in line(decision, "evidence-complete").values[0][1]


def test_a_waiting_decision_says_in_words_when_it_is_looked_at_again():
    assert "looked at again at 1780488060000" in explain(decide(RULES, Given(braked=True)))
