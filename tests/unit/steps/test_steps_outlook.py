"""Which predictions may open an incident: those with factors, likely enough, and in time to act."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.model.findings import Finding
from reconciler.steps.outlook import FAR, NEAR, Outlook, credible, foreseen

LINE = (("lead_s", "1800"), ("limit", "0.7"), ("level", "0.5"), ("per_second", "0.0001"), ("rising", "0.97"))
RISK = Finding("failures", "1", "", "risk", "cart", "memory_usage", 9, "0.48", LINE, "memory of cart grew steadily")
BREACH = Finding(
    "forecasts", "1", "", "breach", "cart", "cpu_usage", 9, "0.8", (("lead_s", "7200"), ("limit", "0.9")), "it passes"
)
COURSE = Finding(
    "forecasts", "1", "", "forecast", "cart", "cpu_usage", 9, "0.8", (("1 h", "0.7"), ("24 h", "0.95")), "it will be"
)


def with_values(finding: Finding, **values: str) -> Finding:
    return dataclasses.replace(finding, values=tuple((dict(finding.values) | values).items()))


def test_a_steady_line_to_its_limit_is_credible_with_how_it_moves() -> None:
    found = credible(RISK, ())
    assert found is not None
    assert (found.lead_s, found.fingerprint) == (1_800, "predicted/memory_usage/cart")
    assert dict(found.factors) == {"level": "0.5", "per_second": "0.0001", "rising": "0.97"}


def test_a_prediction_without_its_contributing_factors_is_no_evidence() -> None:
    assert credible(dataclasses.replace(RISK, values=LINE[:2]), ()) is None
    assert credible(BREACH, ()) is None
    assert credible(BREACH, (dataclasses.replace(COURSE, component="user"),)) is None
    found = credible(BREACH, (COURSE,))
    assert found is not None
    assert ("forecast 24 h", "0.95") in found.factors


@pytest.mark.parametrize(
    "unfit",
    [
        dataclasses.replace(RISK, confidence="0.44"),
        dataclasses.replace(RISK, component=""),
        dataclasses.replace(RISK, metric=""),
        dataclasses.replace(RISK, confidence="nan"),
        dataclasses.replace(RISK, kind="anomaly"),
        with_values(RISK, level="0.349"),
        with_values(RISK, lead_s="599"),
        with_values(RISK, lead_s="3601"),
        with_values(RISK, lead_s="soon"),
        dataclasses.replace(BREACH, confidence="0.69"),
        with_values(BREACH, lead_s="1799"),
    ],
)
def test_what_is_unlikely_too_late_or_about_nothing_opens_no_incident(unfit: Finding) -> None:
    assert credible(unfit, (COURSE,)) is None


def test_of_several_predictions_about_a_series_the_likeliest_counts() -> None:
    likelier = dataclasses.replace(RISK, confidence="0.5", detector="another")
    (one,) = foreseen([RISK, likelier, BREACH]).values()
    assert one.finding == likelier


def test_what_was_found_long_ago_says_nothing_of_now() -> None:
    outlook = Outlook(found={"near": (0, (RISK,)), "far": (0, (BREACH,))})
    assert outlook.findings(3 * NEAR.every_ms) == (RISK, BREACH)
    assert outlook.findings(3 * NEAR.every_ms + 1) == (BREACH,)
    assert not outlook.current(3 * NEAR.every_ms + 1)
    assert outlook.findings(3 * FAR.every_ms + 1) == ()


def test_a_look_that_was_never_made_says_nothing() -> None:
    assert Outlook().findings(0) == ()
    assert not Outlook().current(0)


LEARNED = (("lead_s", "1500"), ("threshold", "0.6"), ("level", "0.3"), ("factor memory", "2.1"))
TAUGHT = Finding("failures", "2", "", "risk", "cart", "memory_usage", 9, "0.7", LEARNED, "cart fails within the hour")


def test_what_a_learned_model_says_counts_from_its_own_threshold_on() -> None:
    found = credible(TAUGHT, ())
    assert found is not None
    assert dict(found.factors) == {"level": "0.3", "factor memory": "2.1"}
    assert credible(dataclasses.replace(TAUGHT, confidence="0.59"), ()) is None


def test_a_model_that_names_another_metric_of_the_component_says_nothing_new() -> None:
    other = dataclasses.replace(TAUGHT, metric="latency_p99", confidence="0.65")
    assert list(foreseen([other, TAUGHT])) == ["predicted//cart"]
    assert foreseen([other])["predicted//cart"].finding is other
