"""What a target said is present while it says so, and no metric is needed or believed instead."""

from dataclasses import replace

import pytest
from test_diagnosis_finding import NOW, SLOW, failing, incident, world

from reconciler.diagnosis import still_present
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident
from reconciler.model.troubles import Trouble, TroubleKind

TROUBLE = Trouble("shop", "Deployment.apps/shop/checkout", "checkout", TroubleKind.CRASH_LOOP, NOW - 60_000, container="app")
OTHER = replace(TROUBLE, kind=TroubleKind.IMAGE_PULL)


def said(beside: bool = False) -> Incident:
    """An incident of what a target said, `beside` of an alert as well."""
    about = incident("checkout")
    signal = replace(about.signals[0], id="told", source="target/prod", fingerprint=TROUBLE.fingerprint)
    return replace(about, signals=(*(about.signals if beside else ()), signal))


@pytest.fixture
def dark():
    telemetry = world()
    failing(telemetry)
    return telemetry


def test_it_is_present_while_the_target_says_it_and_stale_when_it_does_not(dark):
    assert still_present(said(), dark, NOW, (OTHER, TROUBLE)).present
    assert still_present(said(), dark, NOW, ()).reason is Reason.STALE
    assert still_present(said(), dark, NOW, (OTHER,)).reason is Reason.STALE


def test_a_target_that_cannot_be_asked_proves_nothing(dark):
    assert still_present(said(), dark, NOW, None).reason is Reason.UNKNOWN


def test_metrics_that_show_trouble_do_not_keep_a_target_s_word_alive():
    assert still_present(said(), world(SLOW), NOW, ()).reason is Reason.STALE


def test_with_an_alert_beside_it_either_is_enough_and_neither_is_needed():
    assert still_present(said(beside=True), world(SLOW), NOW, ()).present
    assert still_present(said(beside=True), world(), NOW, (TROUBLE,)).present
    assert still_present(said(beside=True), world(), NOW, ()).reason is Reason.STALE
    assert still_present(said(beside=True), world(), NOW, None).reason is Reason.UNKNOWN
