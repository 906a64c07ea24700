"""Emergent patterns: trouble that lies in how parts answer each other and not in any one of them.

A `Watch` goes along with the rates and replicas of services that call each other and names what it sees, once an episode:
oscillation (a scaler chases its own effect), cascade (lost capacity takes the next service down), retry storm (refused work
comes back a bounded number of times), metastable state (refused work piles up without bound and outlives what started it).
Plain overload, in which a bottleneck still does what it can, and a busy but damped scaler are none of them.
"""

from reconciler.analysis.patterns.readings import Reading
from reconciler.analysis.patterns.watch import Kind, Pattern, Watch

__all__ = ["Kind", "Pattern", "Reading", "Watch"]
