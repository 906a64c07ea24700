"""Clocks: the only place in Homeostat that reads the machine's time.

`SystemClock` runs with the wall; `SteppedClock` stands still until somebody advances it, so that the lab, policy
durations and soak can run faster than the wall and outcomes do not depend on the CPU.
"""

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.clocks.system import SystemClock

__all__ = ["SteppedClock", "SystemClock"]
