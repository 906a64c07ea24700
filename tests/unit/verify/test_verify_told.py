"""The outcome by what the target itself says, without any metric and beside them."""

from dataclasses import replace

import pytest
from test_verify_outcome import EXPECTED, OUTCOME, world

from reconciler.model.outcomes import OutcomeState
from reconciler.model.proposals import Expectation
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Health, HealthState
from reconciler.model.troubles import Trouble, TroubleKind
from reconciler.testing.telemetry import MemoryTelemetry
from reconciler.verify import Seen, unwell, verify

STILL = Trouble("shop", "Deployment.apps/shop/web", "web", TroubleKind.IMAGE_PULL, 1, container="app")
TOLD = Expectation((), (), told=True, gone=(STILL.fingerprint,), healthy=True)
WELL = (Health("Deployment.apps/shop/web", HealthState.HEALTHY), Health("CronJob.batch/shop/x", HealthState.SUSPENDED))


def judge(seen, expectation=TOLD, telemetry=None, stage="outcome"):
    found = verify(expectation, telemetry or MemoryTelemetry(()), OUTCOME, stage, "c1", OUTCOME.due_ms, seen)
    return found.state, Reason(found.reason)


def health(state):
    return (*WELL, Health("Deployment.apps/shop/api", state))


def test_it_is_better_when_the_target_does_not_say_it_any_more_and_everything_is_healthy():
    assert judge(Seen(WELL)) == (OutcomeState.BETTER, Reason.BETTER)


def test_what_is_still_said_is_not_what_was_promised():
    assert judge(Seen(WELL, (STILL,))) == (OutcomeState.UNKNOWN, Reason.UNKNOWN)
    assert judge(Seen(WELL, (replace(STILL, container="other"),))) == (OutcomeState.BETTER, Reason.BETTER)


def test_a_target_that_cannot_be_asked_makes_us_blind_whatever_else_is_seen():
    assert judge(Seen(WELL, None, ("new",))) == (OutcomeState.UNKNOWN, Reason.BLIND)


@pytest.mark.parametrize("stage", ["guard", "outcome"])
def test_new_trouble_is_worse_also_where_the_old_one_is_gone(stage):
    assert judge(Seen(WELL, (), ("degraded Deployment.apps/shop/api",)), stage=stage) == (OutcomeState.WORSE, Reason.WORSE)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (HealthState.DEGRADED, Reason.UNHEALTHY),
        (HealthState.MISSING, Reason.UNHEALTHY),
        (HealthState.PROGRESSING, Reason.BLIND),
        (HealthState.UNKNOWN, Reason.BLIND),
    ],
)
def test_what_is_not_healthy_is_no_success_and_what_still_rolls_out_is_waited_for(state, reason):
    assert judge(Seen(health(state))) == (OutcomeState.UNKNOWN, reason)
    assert judge(Seen(health(state)), replace(TOLD, healthy=False)) == (OutcomeState.BETTER, Reason.BETTER)


def test_health_that_nobody_saw_proves_nothing():
    assert judge(Seen()) == (OutcomeState.UNKNOWN, Reason.BLIND)


def test_an_undo_is_better_when_the_harm_is_gone_also_where_it_was_an_object_s_health():
    undo = replace(TOLD, healthy=False, gone=("degraded Deployment.apps/shop/api",))
    sick = health(HealthState.DEGRADED)
    assert unwell(sick) == undo.gone
    assert judge(Seen(sick), undo) == (OutcomeState.UNKNOWN, Reason.UNKNOWN)
    assert judge(Seen(health(HealthState.PROGRESSING)), undo) == (OutcomeState.BETTER, Reason.BETTER)


def test_where_metrics_were_named_too_both_have_to_agree():
    both = replace(EXPECTED, told=True, gone=(STILL.fingerprint,))
    assert judge(Seen(WELL), both, world())[0] is OutcomeState.BETTER
    assert judge(Seen(WELL, (STILL,)), both, world()) == (OutcomeState.UNKNOWN, Reason.UNKNOWN)
    assert judge(Seen(WELL, (STILL,)), both, world(after=2_000))[0] is OutcomeState.WORSE
    assert judge(Seen(WELL, (), ("new",)), both, world())[0] is OutcomeState.WORSE
    assert judge(Seen(WELL), both)[1] is Reason.BLIND
