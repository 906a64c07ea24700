"""Fewer requests than before, and nobody suffers: the load has gone, and capacity may be too much.

Asked only when nothing else explains the incident, because most falls are symptoms: whoever calls is down, a release sends
less, requests are lost before they arrive. In: what was seen, the recent commits. Out: one cause, or why the fall is no
demand that has gone. The steps, in this order:

1. Requests and CPU both fell clearly. An idle CPU alone waits for something (S13): no fall.
2. Next to nothing arrives: silence is an outage until somebody says otherwise.
3. It has not lasted: a dip comes back.
4. Somebody suffers, or lost replicas: what fell is a symptom of that.
5. The component or whoever calls it was changed before: the change may send less.
6. What is left is a cause, the surer the longer it lasts and the less everything fell at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.diagnosis import evidence
from reconciler.diagnosis.causes import DEARER, EARLY_MS, as_cause
from reconciler.diagnosis.commits import Touch
from reconciler.diagnosis.metrics import CPU, QUEUE, RATE, READY, RETRIES
from reconciler.diagnosis.sight import Reading, Sight
from reconciler.model.diagnosis import Cause, CauseKind

FALLEN = 0.7  # of the request rate before
SILENT = 0.1
LASTING_MS = 300_000
LONG_MS = 600_000


def fall(sight: Sight, component: str, commits: Sequence[Touch]) -> Cause | str:
    """The load that has gone from this component, or why that cannot be said; "" when nothing fell."""
    rate, cpu = sight.reading(component, RATE), sight.reading(component, CPU)
    if rate is None or cpu is None or not (rate.shift.fell and cpu.shift.fell):  # 1.
        return ""
    left = rate.shift.after / rate.shift.before
    if left > FALLEN:
        return ""
    if against := _no_demand(sight, component, commits, rate, left):
        return f"requests at {component} fell, {against}"
    return _gone(sight, component, rate, cpu)  # 6.


def _no_demand(sight: Sight, component: str, commits: Sequence[Touch], rate: Reading, left: float) -> str:
    if left < SILENT:  # 2.
        return "but next to nothing arrives: that may be an outage before it"
    began = _began(sight, rate)
    if sight.after[1] - began < LASTING_MS:  # 3.
        return "but not for long enough to be no dip"
    if other := next(_suffering(sight), ""):  # 4.
        return f"but {other}: it may be a symptom"
    upstream = {component, *_upstream(sight, component)}
    changed = next((t for t in commits if t.component in upstream and t.applied_ms <= began + EARLY_MS), None)
    if changed is not None:  # 5.
        return f"but commit {changed.commit[:10]} changed {changed.component} before"
    return ""


def _gone(sight: Sight, component: str, rate: Reading, cpu: Reading) -> Cause:
    cheaper = cpu.shift.after * rate.shift.before <= DEARER * cpu.shift.before * rate.shift.after
    entries = [c for c in sight.topology.components if not sight.topology.callers(c)]
    everywhere = bool(entries) and all((r := sight.reading(c, RATE)) is not None and r.shift.fell for c in entries)
    parts = [
        0.62,
        0.1 if cheaper else -0.1,
        0.1 if sight.after[1] - _began(sight, rate) >= LONG_MS else 0.0,
        -0.12 if everywhere else 0.0,  # lost before it reached us looks the same
    ]
    calm = evidence.of_absence(component, f"nobody suffers and no commit came before; {component} has more than it needs")
    return as_cause(CauseKind.LOAD, component, parts, [evidence.of_shift(rate), evidence.of_shift(cpu), calm])


def _began(sight: Sight, rate: Reading) -> int:
    return rate.onset_ms if rate.onset_ms is not None else sight.after[1]


def _suffering(sight: Sight) -> Iterator[str]:
    """Anyone at all: whoever is behind the fall may stand anywhere above, or be called by who does."""
    for component in sight.topology.components:
        for worse in (*sight.symptoms(component), *sight.rose(component, (QUEUE, RETRIES))):
            yield f"{worse.metric} of {component} rose"
        ready = sight.reading(component, READY)
        if ready is not None and ready.shift.fell:
            yield f"{component} lost replicas"
        if sight.kills.get(component, 0.0) >= 1:
            yield f"{component} was killed"


def _upstream(sight: Sight, component: str) -> set[str]:
    """Everyone who calls it, however many calls away."""
    found: set[str] = set()
    waiting = [component]
    while waiting:
        above = [c for c in sight.topology.callers(waiting.pop()) if c not in found]
        found.update(above)
        waiting += above
    return found
