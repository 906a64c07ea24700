"""Every built-in voter keeps the promises of a Voter; and the kit notices who does not."""

from dataclasses import replace

import pytest

from reconciler.adapters.voters import AnomalyVoter, CausalVoter, ForecastVoter, OutcomesVoter, TopologyVoter
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from reconciler.model.findings import Finding
from reconciler.model.judging import Ballot, Choice, Subject
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.proposals import BlastRadius, Edit, EditKind, Expectation, Impact, Irreversibility, Proposal
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.model.telemetry import Topology
from reconciler.ports.voter import PastCase, Question
from reconciler.testing.check_voter import check_voter

NOW = 1_000_000
EDIT = Edit(EditKind.RESTORE, "apps/shop/checkout.yaml", 0, ("spec", "release"), "1.5.0", "1.4.2", "c1")
SHIFT = Evidence("shift", "checkout", "latency_p99", "80", "900", "40", "it rose")
TIMING = Evidence("timing", "checkout", "latency_p99", "900000", "930000", "30", "soon after")


def question(**changes):
    cause = changes.pop("cause", Cause(CauseKind.RELEASE, "checkout", "0.85", "c1", (SHIFT, TIMING)))
    causes = changes.pop("causes", (cause,))
    proposal = Proposal(
        id="p1", incident="i1", fingerprint="f", playbook="rollback", title="t", cause="release", component="checkout",
        confidence="0.85", edits=(EDIT,), files=(), patch="sha256:p", base="b", predicted="",
        blast=BlastRadius(("checkout",), ("gateway",), ("shop",), 1, Impact.MEDIUM),
        irreversibility=Irreversibility.REVERSIBLE, expectation=Expectation((), ()),
    )  # fmt: skip
    alert = Signal("s1", "am", "HighLatency", "gateway", "f", SignalStatus.FIRING, Severity.CRITICAL, 1, 1, metric="latency_p99")
    asked = Question(
        subject=Subject("infra", "main", "b", "h", "sha256:p", (("shop", "t"),), "d"),
        incident=Incident("i1", "f", "infra", "lab", 1, Severity.CRITICAL, ("gateway",), (alert,)),
        diagnosis=Diagnosis("i1", 1, "r", causes, (0, 1), (1, 2), ""),
        proposal=replace(proposal, **changes.pop("proposal", {})),
        topology=Topology(("cart", "checkout", "gateway", "user"), (("checkout", "user"), ("gateway", "checkout"))),
        past=(),
        now_ms=NOW,
    )
    return replace(asked, **changes)


def past(state, patch="sha256:old", playbook="rollback", component="checkout"):
    return PastCase(playbook, component, patch, Outcome("c", "outcome", state, "", (), 1, ""))


def found(kind, component="checkout", confidence="0.95", metric="latency_p99"):
    return Finding("test", "1", "", kind, component, metric, NOW, confidence, (), f"{metric} of {component}")


def seen(*findings, **changes):
    """The question with what detectors found."""
    asked = question(**changes)
    return replace(asked, diagnosis=replace(asked.diagnosis, findings=findings))


def choice(voter, **changes):
    return voter.vote(question(**changes)).choice


VOTERS = [CausalVoter(), TopologyVoter(), OutcomesVoter(), AnomalyVoter(), ForecastVoter()]


@pytest.mark.parametrize("voter", VOTERS, ids=lambda v: v.name)
def test_a_built_in_voter_keeps_its_contract(voter):
    odd, foreseen = found("anomaly"), found("breach", metric="memory_usage")
    check_voter(voter, [question(), question(past=(past(OutcomeState.BETTER),)), question(causes=()), seen(odd, foreseen)])


class Yes:
    """Approves whatever it is asked, the wrong way."""

    name, group = "yes", "any"

    def __init__(self, **broken):
        self._broken, self._calls = broken, 0

    def vote(self, asked):
        self._calls += 1
        reasons = (str(self._calls),) if self._broken.get("moody") else ("yes",)
        patch = self._broken.get("patch", asked.subject.patch)
        return Ballot("yes", "yes", "any", patch, asked.subject.trees, Choice.APPROVE, reasons, NOW, NOW + 1)


TOLD = Evidence("told", "checkout", "crash-loop", "", "Pod/shop/checkout-1", "1", "the target says so")


def said(timing=TIMING, confidence="0.85", about="checkout"):
    """A cause that the target itself names, on one object."""
    cause = Cause(CauseKind.RELEASE, "checkout", confidence, "c1", (replace(TOLD, component=about), timing))
    return replace(cause, trouble="crash-loop", object="Deployment.apps/shop/checkout")


def test_what_the_target_itself_says_is_evidence_enough_for_the_causal_voter():
    assert choice(CausalVoter(), cause=said()) is Choice.APPROVE
    assert choice(CausalVoter(), cause=replace(said(), trouble="image-pull")) is Choice.ABSTAIN
    assert choice(CausalVoter(), cause=said(about="cart")) is Choice.ABSTAIN
    assert choice(CausalVoter(), cause=said(replace(TIMING, after="2600000"))) is Choice.APPROVE
    assert choice(CausalVoter(), cause=said(replace(TIMING, after="2800000"))) is Choice.REJECT


def test_the_trouble_of_another_object_is_no_rival_explanation():
    elsewhere = replace(said(), component="cart", object="Deployment.apps/shop/cart", evidence=(replace(TOLD, component="cart"),))
    assert choice(CausalVoter(), causes=(said(), elsewhere)) is Choice.APPROVE
    assert choice(CausalVoter(), causes=(said(), replace(elsewhere, object=said().object))) is Choice.ABSTAIN


@pytest.mark.parametrize(
    ("broken", "promise"), [({"moody": True}, "same ballot"), ({"patch": "x"}, "bound to the edit"), ({}, "approves no patch")]
)
def test_the_kit_notices_a_voter_that_breaks_a_promise(broken, promise):
    with pytest.raises(AssertionError, match=promise):
        check_voter(Yes(**broken), [question()])


def test_the_causal_voter_approves_what_the_evidence_supports():
    assert choice(CausalVoter()) is Choice.APPROVE


@pytest.mark.parametrize("changes", [{"component": "cart"}, {"cause": "memory"}, {"patch": "sha256:other"}, {"incident": "i2"}])
def test_the_causal_voter_rejects_a_repair_of_something_else(changes):
    assert choice(CausalVoter(), proposal=changes) is Choice.REJECT


@pytest.mark.parametrize(("before", "after"), [("900000", "880000"), ("900000", "1300000"), ("900000", "soon"), ("", "")])
def test_the_causal_voter_works_the_timing_out_again_whatever_its_score_says(before, after):
    timing = replace(TIMING, before=before, after=after)
    assert choice(CausalVoter(), cause=Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (SHIFT, timing))) is Choice.REJECT


def test_the_causal_voter_rejects_a_blamed_release_without_commit_or_timing():
    for cause in (
        Cause(CauseKind.RELEASE, "checkout", "0.9", "", (SHIFT, TIMING)),
        Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (SHIFT,)),
    ):
        assert choice(CausalVoter(), cause=cause) is Choice.REJECT


@pytest.mark.parametrize(
    "causes",
    [
        (Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (TIMING,)),),
        (Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (replace(SHIFT, component="cart"), TIMING)),),
        (Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (replace(SHIFT, score="2"), TIMING)),),
        (Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (replace(SHIFT, score="nan"), TIMING)),),
        (Cause(CauseKind.RELEASE, "checkout", "0.59", "c1", (SHIFT, TIMING)),),
        (Cause(CauseKind.RELEASE, "checkout", "sure", "c1", (SHIFT, TIMING)),),
        (Cause(CauseKind.RELEASE, "checkout", "0.8", "c1", (SHIFT, TIMING)), Cause(CauseKind.LOAD, "checkout", "0.75", "", ())),
        (Cause(CauseKind.UNKNOWN, "checkout", "0", "", ()), Cause(CauseKind.RELEASE, "checkout", "0.9", "c1", (SHIFT, TIMING))),
    ],
)
def test_the_causal_voter_abstains_where_the_evidence_is_thin(causes):
    assert choice(CausalVoter(), causes=causes) is Choice.ABSTAIN


@pytest.mark.parametrize(("score", "expected"), [("0.95", Choice.APPROVE), ("0.8", Choice.ABSTAIN)])
def test_steady_growth_is_evidence_for_a_leak_and_for_nothing_else(score, expected):
    grown = Evidence("growth", "checkout", "memory_usage", "0.001", "0.8", score, "it grows")
    leak = Cause(CauseKind.MEMORY, "checkout", "0.8", "", (grown,))
    assert choice(CausalVoter(), cause=leak, proposal={"cause": "memory"}) is expected
    load = Cause(CauseKind.LOAD, "checkout", "0.8", "", (grown,))
    assert choice(CausalVoter(), cause=load, proposal={"cause": "load"}) is Choice.ABSTAIN


def test_the_topology_voter_approves_an_edit_on_the_failing_path():
    assert choice(TopologyVoter()) is Choice.APPROVE


@pytest.mark.parametrize("component", ["cart"])
def test_the_topology_voter_rejects_an_edit_off_the_failing_path(component):
    blast = BlastRadius((component,), (), ("shop",), 1, Impact.LOW)
    assert choice(TopologyVoter(), proposal={"component": component, "blast": blast}) is Choice.REJECT


@pytest.mark.parametrize(
    "blast",
    [
        BlastRadius(("checkout", "cart"), (), ("shop",), 2, Impact.MEDIUM),
        BlastRadius(("cart",), (), ("shop",), 1, Impact.LOW),
        BlastRadius(("checkout",), (), ("shop",), 1, Impact.HIGH),
    ],
)
def test_the_topology_voter_rejects_what_reaches_too_far(blast):
    assert choice(TopologyVoter(), proposal={"blast": blast}) is Choice.REJECT


def test_the_topology_voter_counts_dependents_in_the_graph_and_believes_no_claim():
    assert choice(TopologyVoter(dependents=0)) is Choice.REJECT


def test_the_topology_voter_needs_no_graph_where_the_target_names_the_component_and_only_that_is_touched():
    alert = replace(question().incident, components=("checkout",))
    unseen = {"incident": alert, "topology": Topology((), ())}
    assert choice(TopologyVoter(), **unseen) is Choice.ABSTAIN
    assert choice(TopologyVoter(), cause=said(), **unseen) is Choice.APPROVE
    assert choice(TopologyVoter(), cause=said(about="cart"), **unseen) is Choice.ABSTAIN
    assert choice(TopologyVoter(), cause=said(), **{**unseen, "incident": replace(alert, components=("cart",))}) is Choice.REJECT
    wide = BlastRadius(("checkout", "cart"), (), ("shop",), 2, Impact.MEDIUM)
    assert choice(TopologyVoter(), cause=said(), proposal={"blast": wide}, **unseen) is Choice.REJECT


@pytest.mark.parametrize("field", ["replicas", "cpuMillis", "memoryMiB", "workers"])
def test_taking_capacity_away_while_requests_fail_is_vetoed(field):
    less = Edit(EditKind.SCALE, "apps/shop/checkout.yaml", 0, ("spec", field), 4, 2)
    assert choice(TopologyVoter(), proposal={"edits": (less,)}) is Choice.VETO
    more = replace(less, before=2, after=4)
    assert choice(TopologyVoter(), proposal={"edits": (more,)}) is Choice.APPROVE


def test_taking_capacity_away_in_quiet_times_is_not_vetoed():
    less = Edit(EditKind.SCALE, "apps/shop/checkout.yaml", 0, ("spec", "replicas"), 4, 2)
    quiet = question(causes=(Cause(CauseKind.SATURATION, "checkout", "0.7", "", ()),), proposal={"edits": (less,)})
    calm = replace(quiet.incident, signals=(replace(quiet.incident.signals[0], metric="cpu_usage"),))
    assert TopologyVoter().vote(replace(quiet, incident=calm)).choice is not Choice.VETO


@pytest.mark.parametrize(
    ("score", "expected"), [("-14", Choice.APPROVE), ("-2", Choice.REJECT), ("14", Choice.REJECT), ("nan", Choice.REJECT)]
)
def test_the_causal_voter_asks_for_a_fall_of_requests_before_capacity_goes(score, expected):
    less = Edit(EditKind.SCALE, "apps/shop/checkout.yaml", 0, ("spec", "replicas"), 4, 2)
    idle = Evidence("shift", "checkout", "cpu_usage", "0.4", "0.1", "-10", "it fell")
    asked = Evidence("shift", "checkout", "request_rate", "40", "12", score, "it moved")
    gone = Cause(CauseKind.LOAD, "checkout", "0.82", "", (asked, idle))
    assert choice(CausalVoter(), cause=gone, proposal={"cause": "load", "edits": (less,)}) is expected


def test_the_outcomes_voter_abstains_without_history_of_this_repair():
    other = (
        past(OutcomeState.BETTER, component="cart"),
        past(OutcomeState.BETTER, playbook="restart"),
        past(OutcomeState.UNKNOWN),
    )
    assert choice(OutcomesVoter()) is Choice.ABSTAIN
    assert choice(OutcomesVoter(), past=other) is Choice.ABSTAIN


def test_the_outcomes_voter_vetoes_the_very_patch_that_made_it_worse():
    history = (past(OutcomeState.BETTER),) * 9 + (past(OutcomeState.WORSE, patch="sha256:p", playbook="restart"),)
    assert choice(OutcomesVoter(), past=history) is Choice.VETO


@pytest.mark.parametrize(
    ("better", "worse", "expected"),
    [(1, 0, Choice.APPROVE), (2, 1, Choice.APPROVE), (3, 2, Choice.ABSTAIN), (1, 2, Choice.REJECT), (0, 1, Choice.REJECT)],
)
def test_the_outcomes_voter_goes_by_what_came_of_it(better, worse, expected):
    history = (past(OutcomeState.BETTER),) * better + (past(OutcomeState.WORSE),) * worse
    assert choice(OutcomesVoter(), past=history) is expected
