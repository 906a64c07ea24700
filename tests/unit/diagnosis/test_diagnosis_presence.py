"""An alert is a stored claim: is it still true?"""

from dataclasses import replace
from typing import Any

import pytest
from test_diagnosis_finding import BEGAN, NOW, QUIET, SLOW, failing, incident, world

from reconciler.diagnosis import late, still_present
from reconciler.model.reasons import Reason
from reconciler.model.signals import SignalStatus


def test_trouble_that_lasts_is_present():
    found = still_present(incident("checkout"), world(SLOW), NOW)
    assert found.present
    assert "checkout" in found.detail


def test_trouble_that_went_away_is_stale():
    telemetry = world(SLOW)
    for name, metric in SLOW:
        telemetry.put(name, metric, [(t, QUIET[metric]) for t in range(NOW - 80_000, NOW + 1, 5_000)])
    assert still_present(incident("checkout", started=BEGAN), telemetry, NOW).reason is Reason.STALE


def test_a_six_hour_old_alert_about_a_healthy_service_is_stale():
    assert still_present(incident("checkout", started=NOW - 6 * 3_600_000), world(), NOW).reason is Reason.STALE


def test_a_six_hour_old_alert_about_a_service_that_still_fails_is_present():
    telemetry = world({("checkout", "error_rate"): 0.3}, began=0)
    assert still_present(incident("checkout", started=NOW - 6 * 3_600_000), telemetry, NOW).present


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"received_ms": 900_000}, False),
        ({"source": "sensor/slow"}, False),
        ({"source": "target/lab"}, False),
        ({"status": SignalStatus.RESOLVED}, False),
    ],
    ids=["late", "just in time", "a sensor", "a target", "over"],
)
def test_an_alert_is_late_that_was_old_when_it_arrived(changes: dict[str, Any], expected: bool):
    one = incident("checkout")
    signals = tuple(replace(s, **{"started_ms": 0, "received_ms": 900_001, **changes}) for s in one.signals)
    assert late(replace(one, signals=signals), 900_000) is expected


def test_one_alert_in_time_is_enough_for_an_incident_not_to_be_late():
    old, new = (
        replace(incident("checkout").signals[0], claim=str(at), started_ms=at, received_ms=1_000_000) for at in (0, 900_000)
    )
    assert not late(replace(incident("checkout"), signals=(old, new)), 900_000)


def test_trouble_of_somebody_else_does_not_keep_an_alert_alive():
    assert still_present(incident("cart"), world(SLOW), NOW).reason is Reason.STALE


def test_a_resolved_alert_is_stale_without_looking():
    telemetry = world(SLOW)
    telemetry.reads = 0
    assert still_present(incident("checkout", status=SignalStatus.RESOLVED), telemetry, NOW).reason is Reason.STALE
    assert telemetry.reads == 0


def test_the_last_word_of_each_alert_counts():
    fired = incident("checkout")
    resolved = replace(fired.signals[0], status=SignalStatus.RESOLVED, received_ms=NOW)
    both = replace(fired, signals=(resolved, *fired.signals))
    assert still_present(both, world(SLOW), NOW).reason is Reason.STALE
    again = replace(fired.signals[0], received_ms=NOW + 1)
    assert still_present(replace(fired, signals=(again, resolved)), world(SLOW), NOW).present


@pytest.mark.parametrize("telemetry", [world(), world(SLOW)], ids=["quiet", "slow"])
def test_an_error_or_old_data_is_unknown_and_never_stale_or_present(telemetry):
    failing(telemetry)
    assert still_present(incident("checkout"), telemetry, NOW).reason is Reason.UNKNOWN
    telemetry.failing = False
    assert still_present(incident("checkout"), telemetry, NOW + 120_000).reason is Reason.UNKNOWN


def test_an_unmeasured_component_is_unknown():
    assert still_present(incident("nobody"), world(), NOW).reason is Reason.UNKNOWN


def test_an_alert_without_component_looks_everywhere():
    about = incident("checkout")
    nameless = replace(about, components=(), signals=(replace(about.signals[0], component=""),))
    assert still_present(nameless, world(SLOW), NOW).present
    assert still_present(nameless, world(), NOW).reason is Reason.STALE
