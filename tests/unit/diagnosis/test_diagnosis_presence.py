"""An alert is a stored claim: is it still true?"""

from dataclasses import replace

import pytest
from test_diagnosis_finding import BEGAN, NOW, QUIET, SLOW, failing, incident, world

from reconciler.diagnosis import still_present
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
