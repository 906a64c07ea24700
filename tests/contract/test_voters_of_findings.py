"""The two voters who read what detectors found, and nothing else: of anomalies, and of forecasts."""

from __future__ import annotations

import pytest
from test_voters_contract import found, question, seen

from reconciler.adapters.voters import AnomalyVoter, ForecastVoter
from reconciler.model.judging import Choice
from reconciler.model.proposals import Edit, EditKind

MORE = Edit(EditKind.SCALE, "apps/shop/checkout.yaml", 0, ("spec", "replicas"), 3, 5)
FEWER = Edit(EditKind.SCALE, "apps/shop/checkout.yaml", 0, ("spec", "replicas"), 5, 3)
BREACH = found("breach", confidence="0.8", metric="cpu_usage")


@pytest.mark.parametrize("voter", [AnomalyVoter(), ForecastVoter()])
def test_no_findings_are_no_approval(voter):
    assert voter.vote(question()).choice is Choice.ABSTAIN
    assert voter.vote(seen(found("unknown", component=""))).choice is Choice.ABSTAIN


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([found("anomaly")], Choice.APPROVE),
        ([found("anomaly", "cart"), found("change", confidence="0.5")], Choice.APPROVE),
        ([found("anomaly", "cart", "0.9")], Choice.REJECT),
        ([found("anomaly", "cart", "0.89")], Choice.ABSTAIN),
        ([found("anomaly", "cart", "0.99"), found("anomaly", confidence="0.4")], Choice.ABSTAIN),
        ([found("cause"), found("forecast")], Choice.ABSTAIN),
    ],
)
def test_the_anomaly_voter_asks_whether_what_would_be_repaired_is_odd(findings, expected):
    assert AnomalyVoter().vote(seen(*findings)).choice is expected


@pytest.mark.parametrize(
    ("edit", "findings", "expected"),
    [
        (MORE, [BREACH], Choice.APPROVE),
        (MORE, [found("forecast")], Choice.ABSTAIN),
        (FEWER, [BREACH], Choice.VETO),
        (FEWER, [found("forecast"), found("breach", confidence="0.1")], Choice.APPROVE),
        (FEWER, [found("forecast", "cart")], Choice.ABSTAIN),
        (None, [BREACH], Choice.ABSTAIN),
    ],
)
def test_the_forecast_voter_asks_whether_the_repair_fits_what_is_coming(edit, findings, expected):
    changes = {"proposal": {"edits": (edit,)}} if edit else {}
    assert ForecastVoter().vote(seen(*findings, **changes)).choice is expected
