"""Change points: when a series went over to another level, trend or spread, by how much, and how sure that is.

`changes` looks back over a finished series, `Watch` goes with a running one. Both price a stretch of samples by the same
evidence (`evidence`), so they mean the same by a change. No setting is made for a series: where an assumption could be made
one way or another (how much noise remembers, how fine a difference matters, whether a stretch may have a trend),
a committee makes it each way and the majority decides; the share of votes is the confidence.
"""

from reconciler.analysis.levels.committee import Change, Found, changes
from reconciler.analysis.levels.online import Alarm, Watch

__all__ = ["Alarm", "Change", "Found", "Watch", "changes"]
