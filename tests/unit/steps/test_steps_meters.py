"""What the healer counts about itself."""

from reconciler.steps import meters
from reconciler.steps.meters import Meters


def test_a_fault_stays_until_the_part_did_its_work_again():
    made = Meters()
    made.fault("scrape", "no space left")
    made.well("scrape", did=False)
    assert made.faults() == {"scrape": "no space left"}
    made.well("scrape", did=True)
    assert made.faults() == {}


def test_an_old_fault_of_a_part_without_work_is_history(monkeypatch):
    made = Meters()
    monkeypatch.setattr(meters, "FAULT_LASTS_S", -1.0)
    made.fault("converge", "the target was away")
    made.well("converge", did=False)
    assert made.faults() == {}


def test_faults_verdicts_and_blocks_are_counted_for_prometheus():
    made = Meters()
    made.fault("scrape", "x")
    made.verdict("merge", "allowed")
    made.blocked("limits")
    made.step("judge", 0.003)
    told = "\n".join(made.render())
    for line in (
        'homeostat_faults_total{part="scrape"} 1',
        'homeostat_verdicts_total{effect="merge",reason="allowed"} 1',
        'homeostat_guard_blocked_total{guard="limits"} 1',
        'homeostat_step_seconds_bucket{stage="judge",le="0.005"} 1',
        'homeostat_step_seconds_bucket{stage="judge",le="+Inf"} 1',
    ):
        assert line in told
