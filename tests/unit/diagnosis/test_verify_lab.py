"""Verification on the lab: a repair that helps, one that hurts, and none at all."""

import pytest
from diagnosis_episodes import Site

from reconciler.model.outcomes import OutcomeState
from reconciler.model.proposals import Check, Expectation
from reconciler.verify import verify, windows

EXPECTED = Expectation(
    (Check("checkout", "latency_p99", "below", "", "0.3"), Check("checkout", "error_rate", "below", "0.02")),
    ("cart", "catalog", "search"),
)


def outcomes(site, applied_ms):
    """The guard's and the final outcome of what was applied then."""
    found = []
    for stage in ("guard", "outcome"):
        span = windows(EXPECTED, applied_ms, stage)
        site.run((span.due_ms - site.clock.now()) // 1_000)
        found.append(verify(EXPECTED, site.telemetry, span, stage, "c1", site.clock.now()).state)
    return found


@pytest.fixture
def site(tmp_path):
    """A lab on which checkout's release is slow since 90 s."""
    site = Site(tmp_path, 3, 1_700_000_000_000)
    site.run(300)
    site.world.add_fault({"kind": "bad-release", "service": "checkout", "release": "9.0.0", "mode": "slow", "factor": 8})
    site.release("checkout")
    site.run(90)
    return site


def test_rolling_the_bad_release_back_is_better_at_both_stages(site):
    site.release("checkout", "1.0.0")
    assert outcomes(site, site.clock.now()) == [OutcomeState.BETTER, OutcomeState.BETTER]


def test_taking_replicas_away_during_a_surge_is_worse_at_the_guard(tmp_path):
    site = Site(tmp_path, 3, 1_700_000_000_000)
    site.run(300)
    site.world.add_fault({"kind": "surge", "service": "checkout", "factor": 1.6})
    site.run(90)
    site.edit("checkout", b"replicas: 3", b"replicas: 1")
    assert outcomes(site, site.clock.now())[0] is OutcomeState.WORSE


def test_an_edit_that_changes_nothing_that_matters_is_never_called_better(site):
    site.release("notification", "1.0.0")
    assert OutcomeState.BETTER not in outcomes(site, site.clock.now())
