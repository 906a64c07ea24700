"""The consensus judge: each guard, one at a time."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from reconciler.consensus.decision import decide, not_applicable
from reconciler.documents.quorum import Quorum, default_quorum
from reconciler.model.judging import Ballot, Choice, Effect, Status, Subject
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.reasons import Reason

NOW = 1_000_000
SUBJECT = Subject("infra", "main", "b" * 40, "h" * 40, "sha256:patch", (("shop", "t1"),), "sha256:policy")
MEMBERS = {
    "causal": "causal-evidence",
    "topology": "blast-topology",
    "outcomes": "past-outcomes",
    "anomaly": "odd-metrics",
    "forecast": "fits-forecast",
}


def ballot(group, choice, **changes):
    member = MEMBERS[group]
    fresh = Ballot(member, member, group, SUBJECT.patch, SUBJECT.trees, choice, ("because",), NOW - 1_000, NOW + 60_000)
    return replace(fresh, **changes)


def cast(**choices):
    """Everyone votes; who is not named abstains."""
    return [ballot(group, choices.get(group, Choice.ABSTAIN)) for group in MEMBERS]


COLD = cast(causal=Choice.APPROVE, topology=Choice.APPROVE)


def judge(ballots=COLD, reviews=(), groups=(), quorum=None):
    return decide(SUBJECT, ballots, quorum or default_quorum(), reviews, groups, NOW, "policies/quorum.yaml:1")


def review(choice=ReviewChoice.APPROVE, **changes):
    return replace(Review("ada", choice, SUBJECT.head, SUBJECT.patch, SUBJECT.trees, "cli", NOW - 500), **changes)


def row(decision, name):
    return next(r for r in decision.requirements if r.name == name)


def quorum_with(**spec):
    default = json.loads(default_quorum().model_dump_json(by_alias=True))
    default["spec"].update(spec)
    return Quorum.model_validate_json(json.dumps(default))


def default_groups():
    return json.loads(default_quorum().model_dump_json(by_alias=True))["spec"]["groups"]


def test_a_fresh_installation_passes_with_seventy_of_a_hundred_and_five():
    decision = judge()
    assert (decision.effect, decision.reason) == (Effect.MERGE, Reason.QUORUM_MET)
    assert ("share", "2/3") in row(decision, "approving weight").values


def test_the_share_must_reach_the_bar_exactly():
    assert judge(quorum=quorum_with(threshold="0.6666")).effect is Effect.MERGE
    assert judge(quorum=quorum_with(threshold="0.6667")).effect is Effect.REVIEW


def test_all_others_together_do_not_stand_in_for_causal_evidence():
    others = {group: Choice.APPROVE for group in MEMBERS if group != "causal"}
    assert judge(cast(**others)).effect is Effect.REVIEW


def test_abstaining_and_absent_weights_stay_in_the_denominator():
    one = cast(causal=Choice.APPROVE)
    decision = judge(one, quorum=quorum_with(minimumGroups=1))
    assert (decision.effect, decision.reason) == (Effect.REVIEW, Reason.NO_QUORUM)
    assert ("eligible", "105") in row(decision, "approving weight").values


def test_the_proposers_own_group_is_neither_counted_nor_asked():
    decision = judge(groups=("outcomes",))
    assert ("eligible", "85") in row(decision, "approving weight").values
    assert judge(groups=("causal",)).effect is Effect.REVIEW


def test_no_eligible_voter_denies_even_with_a_persons_approval():
    decision = judge(reviews=[review()], groups=tuple(MEMBERS))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.NO_VOTERS)
    assert judge(quorum=quorum_with(groups=[])).reason == Reason.NO_VOTERS


def test_weight_alone_is_not_enough_without_the_quorum_of_groups():
    rich = quorum_with(threshold="0.3")
    one = cast(causal=Choice.APPROVE)
    decision = judge(one, quorum=rich)
    assert row(decision, "approving weight").passes
    assert decision.effect is Effect.REVIEW


@pytest.mark.parametrize("group", sorted(MEMBERS))
def test_a_veto_is_outvoted_neither_by_voters_nor_by_a_person(group):
    ballots = [ballot(g, Choice.VETO if g == group else Choice.APPROVE) for g in MEMBERS]
    decision = judge(ballots, [review()])
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.VETO)
    assert row(decision, "no veto").values == ((MEMBERS[group], "because"),)


def test_a_group_without_the_right_to_veto_only_rejects():
    groups = default_groups()
    bound = [{**g, "veto": g["name"] != "outcomes"} for g in groups]
    assert judge([*COLD[:2], ballot("outcomes", Choice.VETO), *COLD[3:]], quorum=quorum_with(groups=bound)).effect is Effect.MERGE


def test_a_silent_veto_holder_is_no_way_around_its_veto():
    decision = judge(COLD[:-1], [review()])
    assert (decision.effect, decision.again_ms) == (Effect.WAIT, NOW + 30_000)
    assert "fits-forecast" in row(decision, "veto holders answered").missing


def test_a_veto_denies_even_while_another_voter_is_silent():
    assert judge([ballot("topology", Choice.VETO)]).effect is Effect.DENY


def test_a_group_counts_no_more_than_the_cap():
    heavy = default_groups()
    heavy[0] = {**heavy[0], "weight": 1_000}
    decision = judge(quorum=quorum_with(groups=heavy))
    assert ("eligible", "115") in row(decision, "approving weight").values


@pytest.mark.parametrize(
    "changes",
    [
        {"patch": "sha256:other"},
        {"trees": (("shop", "t2"),)},
        {"expires_ms": NOW},
        {"cast_ms": NOW - 901_000},
        {"cast_ms": NOW + 1},
        {"cast_ms": NOW - 1_000, "expires_ms": NOW - 2_000},
        {"group": "topology"},
        {"principal": "stranger"},
        {"principal": ""},
        {"voter": ""},
        {"choice": "yes please"},
    ],
)
def test_a_foreign_late_or_malformed_ballot_is_no_approval(changes):
    decision = judge([replace(ballot("causal", Choice.APPROVE), **changes), *COLD[1:]])
    assert decision.effect is Effect.WAIT
    assert any(name == "ignored" for name, _ in row(decision, "veto holders answered").values)


def test_a_principals_last_word_counts_and_an_expired_one_uncovers_nothing():
    early = ballot("causal", Choice.APPROVE, cast_ms=NOW - 5_000)
    assert judge([early, ballot("causal", Choice.REJECT), *COLD[1:]]).effect is Effect.REVIEW
    assert judge([early, ballot("causal", Choice.APPROVE, expires_ms=NOW - 1), *COLD[1:]]).effect is Effect.WAIT


def test_of_two_words_in_one_millisecond_the_cautious_one_counts_in_any_order():
    both = [ballot("causal", Choice.APPROVE), ballot("causal", Choice.VETO), *COLD[1:]]
    assert judge(both).reason == judge(both[::-1]).reason == Reason.VETO


def test_repeated_approvals_of_one_voter_count_once():
    decision = judge([ballot("causal", Choice.APPROVE)] * 9 + [ballot("topology", Choice.REJECT), *COLD[2:]])
    assert ("approved", "40") in row(decision, "approving weight").values


def test_several_members_share_their_groups_weight():
    groups = default_groups()
    groups[0] = {**groups[0], "members": ["causal-evidence", "second-look"], "veto": False}
    decision = judge(quorum=quorum_with(groups=groups))
    assert ("approved", "50") in row(decision, "approving weight").values


def test_a_persons_review_stands_in_for_missing_votes_and_the_table_says_so():
    doubtful = [ballot("causal", Choice.REJECT), *COLD[1:]]
    decision = judge(doubtful, [review()])
    assert decision.effect is Effect.MERGE
    assert row(decision, "approving weight").status is Status.OVERRIDDEN
    assert ("reviewed by", "ada") in row(decision, "approving weight").values


@pytest.mark.parametrize(
    "changes",
    [
        {"patch": "sha256:other"},
        {"trees": ()},
        {"made_ms": NOW + 1},
        {"principal": "causal-evidence"},
        {"principal": ""},
        {"choice": ReviewChoice.COMMENT},
    ],
)
def test_a_review_of_another_edit_or_by_a_voter_stands_in_for_nothing(changes):
    assert judge([ballot("causal", Choice.REJECT), *COLD[1:]], [review(**changes)]).effect is Effect.REVIEW


def test_a_persons_rejection_denies_until_that_person_changes_their_mind():
    assert judge(reviews=[review(ReviewChoice.REJECT)]).reason == Reason.REJECTED
    assert judge(reviews=[review(ReviewChoice.REJECT), review(made_ms=NOW)]).effect is Effect.MERGE
    assert judge(reviews=[review(principal="bob"), review(ReviewChoice.REJECT)]).effect is Effect.DENY
    assert judge(reviews=[review(ReviewChoice.REJECT), review()]).effect is Effect.DENY


def test_what_a_person_can_supply_comes_with_the_command():
    weight = row(judge([ballot("causal", Choice.REJECT), *COLD[1:]]), "approving weight")
    assert weight.person
    assert weight.command.startswith("homeostat pr approve")
    assert weight.missing == "393/10 more weight of 105"


def test_the_fast_lane_is_not_asked():
    decision = not_applicable()
    assert (decision.effect, decision.reason) == (Effect.MERGE, Reason.NOT_APPLICABLE)
    assert all(r.passes for r in decision.requirements)


@pytest.mark.parametrize(
    "spec",
    [
        {"threshold": "0"},
        {"threshold": "0.0"},
        {"threshold": "1.5"},
        {"threshold": "-0.1"},
        {"threshold": 0.66},
        {"minimumGroups": 0},
        {"groups": [{"name": "a", "weight": 1, "members": ["x"]}, {"name": "a", "weight": 1, "members": ["y"]}]},
        {"groups": [{"name": "a", "weight": 1, "members": ["x"]}, {"name": "b", "weight": 1, "members": ["x"]}]},
        {"groups": [{"name": "a", "weight": 1, "members": []}]},
        {"groups": [{"name": "a", "weight": 0, "members": ["x"]}]},
        {"people": 10},
    ],
)
def test_a_quorum_document_that_could_fail_open_does_not_load(spec):
    with pytest.raises(ValidationError):
        quorum_with(**spec)
