"""What the detectors' findings do to the loop's own diagnosis: they stand beside it, they may lower it, they never raise it."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer
from reconciler.steps.examining import LOWERED, weighed

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
