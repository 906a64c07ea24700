"""Services that get worse in the same minute although none of them reaches another: what do they share that nobody drew?

Whoever reaches something else that got worse by then is explained by it. Where three or more are left over, that is correlated
degradation without a common cause in the graph: a node, a network, a certificate, a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.analysis.patterns.kinds import Kind, Pattern

WITHIN = 60.0  # seconds
LEAST = 3  # services; two may be chance


def together(worse: Mapping[str, float], calls: Sequence[tuple[str, str]], told: float) -> Pattern | None:
    """`worse`: who got worse, and when. The largest group of one minute that nothing in the graph explains."""
    order = sorted(worse, key=lambda name: (worse[name], name))
    roots = [name for name in order if not _explained(name, worse, calls)]
    groups = [[n for n in roots if worse[first] <= worse[n] <= worse[first] + WITHIN] for first in roots]
    best = max(groups, key=len, default=[])
    if len(best) < LEAST:
        return None
    onset = min(worse[name] for name in best)
    reason = f"{', '.join(best)} got worse within {WITHIN:.0f} s of each other, and no call connects them"
    return Pattern(Kind.CORRELATED, onset, told, tuple(best), reason)


def _explained(name: str, worse: Mapping[str, float], calls: Sequence[tuple[str, str]]) -> bool:
    return any(worse[other] <= worse[name] + WITHIN for other in _reached(name, calls) if other in worse)


def _reached(name: str, calls: Sequence[tuple[str, str]]) -> frozenset[str]:
    found, open_ = {name}, [name]
    while open_:
        at = open_.pop()
        new = {callee for caller, callee in calls if caller == at} - found
        found |= new
        open_ += new
    return frozenset(found - {name})
