"""What `homeostat status` says of a number: as many figures as a person reads."""

from reconciler.cli.status_text import _noticed
from reconciler.model.notices import Noticed
from reconciler.testing.clock import ManualClock


def test_what_stands_out_is_told_in_three_figures() -> None:
    clock = ManualClock()
    reasons = (("deviation", "-2.57953"), ("late", "0.0076018"), ("criticality", "1"))
    found = Noticed("checkout", "latency_p95", "service", clock.now(), "26.7456", reasons)
    assert _noticed(found, clock)[3:] == ("salience 26.7", "0s ago", "deviation -2.58, late 0.0076, criticality 1")
