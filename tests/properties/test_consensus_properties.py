"""Whatever the ballots: their order never matters, approvals never hurt, silencing a voter never helps."""

from dataclasses import replace

from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.consensus.decision import decide
from reconciler.documents.quorum import Quorum, QuorumSpec, VotingGroup, default_quorum
from reconciler.model.judging import Ballot, Choice, Effect, Subject
from reconciler.model.pulls import Review, ReviewChoice

NOW = 1_000_000
SUBJECT = Subject("infra", "main", "b", "h", "patch", (("shop", "t"),), "p")
NAMES = ("a", "b", "c", "d", "e")

quorums = st.builds(
    lambda groups, bar, least, cap: default_quorum().model_copy(
        update={"spec": QuorumSpec(threshold=f"0.{bar}", minimum_groups=least, group_cap=cap, groups=tuple(groups))}
    ),
    st.lists(
        st.builds(
            lambda name, weight, veto, two: VotingGroup(
                name=name, weight=weight, veto=veto, members=(name, name + "2") if two else (name,)
            ),
            st.sampled_from(NAMES),
            st.integers(1, 99),
            st.booleans(),
            st.booleans(),
        ),
        max_size=5,
        unique_by=lambda g: g.name,
    ),
    st.integers(1, 99),
    st.integers(1, 4),
    st.integers(1, 60),
)
ballots = st.lists(
    st.builds(
        Ballot,
        voter=st.just("v"),
        principal=st.sampled_from((*NAMES, "a2", "b2", "stranger")),
        group=st.sampled_from(NAMES),
        patch=st.sampled_from(("patch", "patch", "patch", "other")),
        trees=st.just(SUBJECT.trees),
        choice=st.sampled_from((Choice.APPROVE, Choice.APPROVE, Choice.APPROVE, *Choice)),
        reasons=st.just(()),
        cast_ms=st.integers(NOW - 3, NOW + 1),
        expires_ms=st.sampled_from((NOW, NOW + 60_000, NOW + 60_001)),
    ).map(lambda b: replace(b, group=b.principal[0])),
    max_size=10,
)
reviews = st.lists(
    st.builds(
        lambda who, choice, at: Review(who, choice, "h", "patch", SUBJECT.trees, "cli", NOW - at),
        st.sampled_from(("ada", "bob")),
        st.sampled_from(ReviewChoice),
        st.integers(0, 2),
    ),
    max_size=2,
)
own = st.lists(st.sampled_from(NAMES), max_size=2)


def passes(cast, quorum: Quorum, said, groups) -> bool:
    return decide(SUBJECT, cast, quorum, said, groups, NOW).effect is Effect.MERGE


@given(ballots, quorums, reviews, own, st.randoms(use_true_random=False))
@settings(max_examples=many(150))
def test_the_order_of_ballots_and_reviews_never_matters(cast, quorum, said, groups, chance):
    mixed, voiced = list(cast), list(said)
    chance.shuffle(mixed)
    chance.shuffle(voiced)
    assert decide(SUBJECT, cast, quorum, said, groups, NOW) == decide(SUBJECT, mixed, quorum, voiced, groups, NOW)


@given(ballots, quorums, reviews, own, st.sampled_from(NAMES))
@settings(max_examples=many(200))
def test_a_further_approval_never_hurts_when_the_voter_had_not_spoken(cast, quorum, said, groups, who):
    silent = [b for b in cast if b.principal != who]
    approval = Ballot("v", who, who, "patch", SUBJECT.trees, Choice.APPROVE, (), NOW, NOW + 60_000)
    if passes(silent, quorum, said, groups):
        assert passes([*silent, approval], quorum, said, groups)


@given(ballots, quorums, reviews, own, st.sampled_from(NAMES))
@settings(max_examples=many(300))
def test_silencing_a_voter_never_turns_a_denial_into_a_merge(cast, quorum, said, groups, who):
    if not passes(cast, quorum, said, groups):
        assert not passes([b for b in cast if b.principal != who], quorum, said, groups)


@given(ballots, quorums, reviews)
@settings(max_examples=many(60))
def test_an_empty_electorate_denies(cast, quorum, said):
    assert decide(SUBJECT, cast, quorum, said, NAMES, NOW).effect is Effect.DENY


@given(ballots, quorums, own)
@settings(max_examples=many(100))
def test_ballots_for_another_edit_decide_nothing(cast, quorum, groups):
    foreign = [replace(b, patch="elsewhere") for b in cast]
    assert not passes(foreign, quorum, [], groups)
