"""What the detectors' findings do to the loop's own diagnosis: they stand beside it, they may lower it, they never raise it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.findings import Finding
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.analyst import Analyst, Answer
from reconciler.steps.examining import LOWERED, PATIENCE_MS, ask, weighed
from reconciler.steps.judge import votes
from reconciler.steps.world import Cursor
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.clock import ManualClock
from reconciler.testing.telemetry import MemoryTelemetry

OWN = Cause(CauseKind.RELEASE, "checkout", "0.93", "c0ffee", ())
DIAGNOSIS = Diagnosis("inc-1", 5_000, "r", (OWN,), (0, 1), (2, 3), "release on checkout")


def finding(kind: str, component: str, confidence: str = "0.9", metric: str = "latency_p99") -> Finding:
    return Finding("test", "1", "sha256:0", kind, component, metric, 4_000, confidence, (("before", "1"), ("after", "2")), "said")


def weigh(*findings: Finding, own: Cause = OWN) -> Diagnosis:
    return weighed(dataclasses.replace(DIAGNOSIS, causes=(own,)), Answer(findings), 5_000)


def confidence(diagnosis: Diagnosis) -> str:
    return diagnosis.causes[0].confidence


def test_every_finding_is_kept_with_the_diagnosis() -> None:
    said = (finding("anomaly", "cart"), finding("cause", "checkout"))
    assert weigh(*said).findings == said


def test_agreement_is_evidence_and_no_more_confidence() -> None:
    found = weigh(finding("cause", "cart", "0.95"), finding("cause", "checkout", "0.04"), finding("change", "checkout"))
    assert confidence(found) == "0.93"
    assert [e.kind for e in found.causes[0].evidence] == ["analysis", "analysis"]
    assert found.causes[0].evidence[1].text == "change of level: said"


def test_a_sure_analysis_that_names_others_leaves_the_repair_to_a_person() -> None:
    found = weigh(finding("cause", "cart", "0.6"), finding("cause", "user", "0.2"))
    assert confidence(found) == LOWERED
    assert float(LOWERED) < 0.6, "what a merge by itself needs at any level"
    assert "names cart" in found.summary
    assert "lowered from 0.93" in found.causes[0].evidence[0].text


def test_an_analysis_that_is_not_sure_changes_nothing() -> None:
    assert weigh(finding("cause", "cart", "0.59")).causes == (OWN,)


@pytest.mark.parametrize(
    ("deviations", "left"), [("1.9", "0.93"), ("-1.9", "0.93"), ("3", LOWERED), ("-39", LOWERED), ("many", "0.93")]
)
def test_the_noise_of_another_component_speaks_against_nothing(deviations: str, left: str) -> None:
    values = (("score", "9"), ("deviations queue_depth", "0.1"), ("deviations error_rate", deviations))
    assert confidence(weigh(dataclasses.replace(finding("cause", "cart", "0.93"), values=values))) == left


@pytest.mark.parametrize(("second", "left"), [("8.9", "0.93"), ("9", "0.93"), ("8", LOWERED), ("much", LOWERED)])
def test_where_all_moved_alike_the_first_of_them_speaks_against_nothing(second: str, left: str) -> None:
    said = (("cart", "0.98", "9"), ("user", "0.001", second), ("payment", "0.001", "8.8"))
    found = (dataclasses.replace(finding("cause", name, sure), values=(("score", score),)) for name, sure, score in said)
    assert confidence(weigh(*found)) == left


def test_what_a_target_said_is_not_lowered_by_metrics() -> None:
    told = dataclasses.replace(OWN, trouble="crash", object="Deployment/checkout", unit="shop")
    assert confidence(weigh(finding("cause", "cart", "0.99"), own=told)) == "0.93"


@pytest.mark.parametrize("own", [dataclasses.replace(OWN, confidence="0.41"), Cause(CauseKind.UNKNOWN, "", "0", "", ())])
def test_nothing_raises_a_confidence_or_makes_a_cause_of_unknown(own: Cause) -> None:
    for findings in ([finding("cause", "checkout", "0.99")], [finding("cause", "cart", "0.99")]):
        assert confidence(weigh(*findings, own=own)) == own.confidence


@pytest.mark.parametrize(
    ("pattern", "spreads"), [("cascade", True), ("retry_storm", True), ("metastable", True), ("oscillation", False)]
)
def test_a_pattern_that_spreads_is_told_to_policy(pattern: str, spreads: bool) -> None:
    assert weigh(finding("pattern", "cart", metric=pattern)).cascading is spreads


def test_an_analysis_that_did_not_answer_is_said() -> None:
    found = weighed(DIAGNOSIS, Answer(missing="the analysis did not answer within 10 s"), 5_000)
    assert [(f.kind, f.text) for f in found.findings] == [("unknown", "the analysis did not answer within 10 s")]
    assert weighed(DIAGNOSIS, Answer(), 5_000) == DIAGNOSIS, "an installation without the analysis has nothing to say about it"


def incident(source: str = "alertmanager/default") -> Incident:
    fires = Signal("s", source, "Slow", "checkout", "f", SignalStatus.FIRING, Severity.WARNING, 1_000, 1_000)
    return Incident("inc-1", "f", "infra", "lab", 1_000, Severity.WARNING, ("checkout",), (fires,))


def asked_at(ms: int, analyst: Analyst | None, about: Incident) -> Answer | None:
    world = SimpleNamespace(analyst=analyst, clock=ManualClock(ms), telemetry=MemoryTelemetry(), repo=None, cursor=Cursor())
    return ask(cast("Any", world), about, (), 2_000)


def test_a_case_waits_for_the_analysis_and_not_for_ever() -> None:
    slow = InlineAnalyst(lambda _: Answer(), patience=1_000)
    assert asked_at(2_000 + PATIENCE_MS - 1, slow, incident()) is None
    late = asked_at(2_000 + PATIENCE_MS, slow, incident())
    assert late == Answer(missing="the analysis did not answer within 10 s")


@pytest.mark.parametrize("source", ["target/lab", "predicted/failures"])
def test_the_analysis_is_not_asked_about_what_no_metric_claims(source: str) -> None:
    slow = InlineAnalyst(lambda _: Answer(), patience=1_000)
    assert asked_at(2_000, slow, incident(source)) == Answer()
    assert asked_at(2_000, None, incident()) == Answer(), "and there may be none"


def test_voters_whom_no_quorum_lists_are_not_asked() -> None:
    """A repository with a Quorum from before a voter decides as it did."""
    voters = tuple(SimpleNamespace(group=name, vote=lambda _, name=name: name) for name in ("causal", "anomaly", "topology"))
    ledger = SimpleNamespace(facts=lambda: SimpleNamespace(outcomes={}, merges={}))
    world = SimpleNamespace(voters=voters, telemetry=MemoryTelemetry(), ledger=ledger)
    listed = SimpleNamespace(quorum=SimpleNamespace(spec=SimpleNamespace(groups=[SimpleNamespace(name="topology")])))
    found = SimpleNamespace(proposal=SimpleNamespace(is_revert_of=""), diagnosis=DIAGNOSIS, incident=incident())
    assert votes(cast("Any", world), cast("Any", listed), cast("Any", found), cast("Any", None), 5_000) == ("topology",)
