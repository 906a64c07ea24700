"""Emergent patterns: trouble that lies in how parts answer each other and not in any one of them.

A `Watch` goes along with the rates and replicas of services that call each other and names what it sees, once an episode:
oscillation (a scaler chases its own effect), cascade (lost capacity takes the next service down), retry storm (refused work
comes back a bounded number of times), metastable state (refused work piles up without bound and outlives what started it),
thundering herd (everybody comes at the same moment, again and again), fight (two controllers hold one lever), exhaustion (several
parties fill what they share). `together` names services that get worse at once although no call connects them.
Plain overload, in which a bottleneck still does what it can, and a busy but damped scaler are none of them.
"""

from reconciler.analysis.patterns.kinds import Kind, Pattern
from reconciler.analysis.patterns.readings import Reading
from reconciler.analysis.patterns.together import together
from reconciler.analysis.patterns.watch import Watch

__all__ = ["Kind", "Pattern", "Reading", "Watch", "together"]
