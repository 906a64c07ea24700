from dataclasses import replace

import pytest

from reconciler.documents import load_tree
from reconciler.documents.people import people
from reconciler.documents.policy_cases import Given
from reconciler.documents.trust import Role, Trust
from reconciler.errors import Misconfigured
from reconciler.model.judging import Effect
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.reasons import Reason
from reconciler.policy.judging import judge
from reconciler.policy.rules import policy_set
from reconciler.policy.samples import PATCH, sample

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "{:A<43}"
ADA = KEY.format("ada")
TRUST = f"""\
apiVersion: homeostat/v1
kind: Trust
metadata: {{name: people}}
spec:
  mode: warn
  principals:
    - {{name: ada, roles: [approve, merge, policy], groups: [owners], emails: [Ada@x.y], keys: [{{public: "{ADA} ada@pc"}}]}}
    - {{name: bob, roles: [approve], units: [shop], keys: [{{public: "{KEY.format("bob")}", revokedAt: 100}}]}}
    - {{name: cyd, roles: [approve], units: [edge]}}
    - {{name: dan, roles: [merge]}}
    - {{name: eve}}
  machine:
    - {{role: author, public: "{KEY.format("machine")}", revokedAt: 50}}
    - {{role: author, public: "{KEY.format("newer")}"}}
"""
AUTONOMY = """\
apiVersion: homeostat/v1
kind: Autonomy
metadata: {name: all}
spec: {rules: [{playbooks: ["*"], mode: review}]}
"""
NEEDS = """\
apiVersion: homeostat/v1
kind: MergePolicy
metadata: {name: two}
spec:
  match: {causes: [release]}
  require: {reviewers: 2, groups: [owners]}
"""


def rules(*extra, trust=TRUST):
    return policy_set(load_tree({"policies/x.yaml": "---\n".join((trust, AUTONOMY, *extra)).encode()}))


RULES = rules()


def said(*words, rules=RULES, given=None, **facts):
    given = given or Given()
    subject, proposal, known = sample(given, rules)
    reviews = tuple(
        replace(Review(name, choice, "head", PATCH, subject.trees, "cli", 1), **changes) for name, choice, changes in words
    )
    return judge(subject, facts.pop("proposal", proposal), replace(known, reviews=reviews, **facts), rules, rules)


def yes(name, **changes):
    return (name, ReviewChoice.APPROVE, changes)


def no(name, **changes):
    return (name, ReviewChoice.REJECT, changes)


@pytest.mark.parametrize("word", [yes("ada"), yes("bob")])
def test_an_approval_by_somebody_trusted_for_the_unit_counts(word):
    assert said(word).effect is Effect.MERGE


@pytest.mark.parametrize(
    "word",
    [
        yes("cyd"),  # another unit
        yes("dan"),  # another role
        yes("eve"),  # no role
        yes("mallory"),  # unknown
        yes("homeostat"),  # the author
        yes("ada", patch="sha256:other"),
        yes("ada", trees=(("shop", "another tree"),)),
        yes("ada", made_ms=10**15),  # from the future
        ("ada", ReviewChoice.COMMENT, {}),
    ],
)
def test_an_approval_that_is_not_bound_trusted_or_past_counts_for_nothing(word):
    decision = said(word)
    assert (decision.effect, decision.reason) == (Effect.REVIEW, Reason.AUTONOMY)


def test_the_last_word_of_a_person_counts_and_a_rejection_wins_a_tie():
    assert said(no("ada"), yes("ada", made_ms=2)).effect is Effect.MERGE
    assert said(yes("ada"), no("ada", made_ms=2)).reason == Reason.REJECTED
    assert said(no("ada"), yes("ada")).reason == Reason.REJECTED
    assert said(yes("ada"), ("ada", ReviewChoice.COMMENT, {"made_ms": 9})).effect is Effect.MERGE


def test_one_rejection_denies_however_many_approve():
    assert said(yes("ada"), no("bob")).reason == Reason.REJECTED
    assert said(yes("ada"), no("cyd")).effect is Effect.MERGE  # cyd has no say about this unit
    assert said(yes("ada"), no("mallory")).effect is Effect.MERGE


def test_a_person_must_be_trusted_for_every_touched_unit():
    both = Given(units=("shop", "edge"))
    assert said(yes("bob"), given=both).effect is Effect.REVIEW
    assert said(yes("bob"), yes("cyd"), given=both).effect is Effect.REVIEW
    assert said(yes("ada"), given=both).effect is Effect.MERGE


def test_a_policy_may_ask_for_several_people_and_for_a_group():
    strict = rules(NEEDS)
    release = Given(cause="release")
    assert said(yes("ada"), rules=strict, given=release).reason == Reason.NEEDS_PERSON
    assert said(yes("bob"), rules=strict, given=release).reason == Reason.NEEDS_PERSON
    assert said(yes("ada"), yes("bob"), rules=strict, given=release).effect is Effect.MERGE


def test_who_asks_for_a_merge_has_to_have_the_role():
    assert said(yes("bob"), merger="dan").effect is Effect.MERGE
    assert (said(yes("ada"), merger="bob").effect, said(yes("ada"), merger="bob").reason) == (Effect.DENY, Reason.TRUST)


def test_an_edit_of_the_rules_needs_an_approval_and_a_merge_by_people_with_the_role_policy():
    policies = Given(paths=("policies/limits.yaml",))
    assert said(yes("ada"), given=policies).reason == Reason.NEEDS_PERSON
    assert said(yes("bob"), given=policies, merger="ada").effect is Effect.REVIEW
    assert said(given=policies, merger="ada").effect is Effect.REVIEW
    assert said(yes("ada"), given=policies, merger="ada").effect is Effect.MERGE
    assert said(yes("ada"), given=policies, merger="dan").effect is Effect.REVIEW


def test_an_edit_of_the_rules_takes_the_stricter_of_old_and_new():
    policies = Given(paths=("policies/limits.yaml",), cause="release")
    subject, proposal, facts = sample(policies, RULES)
    approval = Review("ada", ReviewChoice.APPROVE, "head", PATCH, subject.trees, "cli", 1)
    facts = replace(facts, reviews=(approval,), merger="ada")
    assert judge(subject, proposal, facts, RULES, RULES).effect is Effect.MERGE
    stricter = judge(subject, proposal, facts, RULES, rules(NEEDS))
    assert (stricter.effect, stricter.reason) == (Effect.REVIEW, Reason.NEEDS_PERSON)
    assert "after/reviewers/two" in [line.name for line in stricter.requirements if not line.passes]
    without_ada = rules(trust=TRUST.replace("name: ada", "name: zoe"))
    assert judge(subject, proposal, facts, RULES, without_ada).effect is Effect.DENY
    old = rules(NEEDS)
    assert judge(replace(subject, policy=old.digest), proposal, facts, old, RULES).effect is Effect.REVIEW
    broken = judge(subject, proposal, facts, RULES, None)
    assert (broken.effect, broken.reason) == (Effect.DENY, Reason.POLICY_ERROR)


def test_a_pull_request_by_people_needs_another_person_or_a_merge_by_one():
    mine = {"proposal": None, "author": "bob"}
    assert said(**mine).reason == Reason.NEEDS_PERSON
    assert said(yes("bob"), **mine).reason == Reason.NEEDS_PERSON
    assert said(yes("ada"), **mine).effect is Effect.MERGE
    assert said(**mine, merger="dan").effect is Effect.MERGE
    assert said(**mine, merger="eve").reason == Reason.TRUST


def test_enforcing_trust_wants_a_proved_signature_of_people_too():
    unsigned = {"proposal": None, "author": "bob", "author_proved": False}
    assert said(yes("ada"), **unsigned).effect is Effect.MERGE
    enforcing = rules(trust=TRUST.replace("mode: warn", "mode: enforce"))
    assert said(yes("ada"), rules=enforcing, **unsigned).reason == Reason.TRUST


def test_the_machines_name_without_a_proposal_is_nobody():
    assert said(yes("ada"), proposal=None).reason == Reason.TRUST


def directory(*texts):
    files = {f"policies/{index}.yaml": text.encode() for index, text in enumerate(texts)}
    return people(load_tree(files).of(Trust))


def test_a_key_belongs_to_its_person_until_the_log_position_where_it_was_revoked():
    known = directory(TRUST)
    assert known.of_key(KEY.format("ada") + " another comment", 10**9).name == "ada"
    assert known.of_key(KEY.format("bob"), 99).name == "bob"
    assert known.of_key(KEY.format("bob"), 100) is None
    assert known.of_key(KEY.format("zoe"), 0) is None
    assert known.of_email("ADA@X.Y").name == "ada"
    assert known.of_email("nobody@x.y") is None
    assert known.machine_keys("author", 50) == (KEY.format("newer"),)
    assert known.machine_keys("author", 49) == (KEY.format("machine"), KEY.format("newer"))
    assert known.machine_keys("judge", 0) == ()


def test_roles_hold_for_the_units_of_a_person():
    known = directory(TRUST)
    assert known.may("bob", Role.APPROVE, ("shop",))
    assert not known.may("bob", Role.APPROVE, ("shop", "edge"))
    assert not known.may("bob", Role.APPROVE, ())
    assert not known.may("mallory", Role.APPROVE, ())
    assert known.place("bob") == "policies/0.yaml:8"


@pytest.mark.parametrize(
    "token", ["name: ada", "emails: [ADA@x.y], name: zoe", f'keys: [{{public: "{KEY.format("ada")} x"}}], name: zoe']
)
def test_two_documents_cannot_both_own_a_name_key_or_address(token):
    other = f"apiVersion: homeostat/v1\nkind: Trust\nmetadata: {{name: other}}\nspec: {{principals: [{{{token}}}]}}\n"
    with pytest.raises(Misconfigured, match=r"policies/1.yaml:4:.*already belongs to 'ada'"):
        directory(TRUST, other)
