"""The candidate causes at one root, each with its evidence and how sure it makes us.

Confidence is a sum of named parts, deliberately plain: anyone can follow why a cause has its number, and
runs against the lab say whether 0.8 is right about four times in five. Never above MOST: what is
measured here is coincidence in time and place, not proof. A release needs all three of a commit, its timing, and a
shift of that component itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.analysis.shifts import BEYOND
from reconciler.diagnosis import evidence
from reconciler.diagnosis.commits import Touch
from reconciler.diagnosis.metrics import CONNECTIONS, CPU, ERRORS, LATENCIES, MEMORY, QUEUE, RATE, READY, RETRIES
from reconciler.diagnosis.roots import Root
from reconciler.diagnosis.sight import Reading, Sight
from reconciler.model.canonical import number
from reconciler.model.diagnosis import Cause, CauseKind, Evidence

MOST = 0.95
EARLY_MS = 10_000  # two scrapes: an onset may be stamped this much before the apply that caused it
SEEN_MS = 6_000  # a scrape, and the start of a first replica: what was applied later cannot have been seen
TIMELY_MS = 300_000
PROMPT_MS = 90_000
SURGE = 1.2  # of the request rate before
DEARER = 1.15  # CPU for each request, of what it was before
MEMORY_LIMIT = 1.0
GREW_EARLY_MS, GREW_LATE_MS = 20_000, 40_000  # a bend is found this well, and a rollout takes its time
CRAMPED = 0.8
USED_UP = 0.95  # of a database's connections


def candidates(sight: Sight, root: Root, commits: Sequence[Touch], named: Sequence[str]) -> list[Cause]:
    """Every cause that the data supports at this root."""
    asking = set(sight.topology.callers(root.component)) if _asked_again(sight, root.component) else set()
    touched = [t for t in commits if t.component == root.component or (t.asks and t.component in asking)]
    found = [_commit(sight, root, touch, commits) for touch in touched]
    surge = _load(sight, root, touched, named)
    causes = [c for c in [*found, surge] if c is not None] + filling(sight, root.component, commits)
    causes += _crowding(sight, root.component, commits)
    if not causes:
        causes += [c for c in (_saturation(sight, root), _dependency(sight, root, named)) if c is not None]
    return causes


def filling(sight: Sight, component: str, commits: Sequence[Touch]) -> list[Cause]:
    """The causes that a component's own memory shows, whoever else is in trouble."""
    touched = [touch for touch in commits if touch.component == component]
    brought = [c for touch in touched if (c := _leak(sight, touch, touched) or _cramped(sight, touch, touched)) is not None]
    grown = _memory(sight, component, commits, brought)
    return [*brought, *([grown] if grown else [])]


def as_cause(kind: CauseKind, component: str, parts: Sequence[float], facts: Sequence[Evidence], commit: str = "") -> Cause:
    """A cause whose confidence is the sum of its parts, within what can be known."""
    sure = min(MOST, max(0.05, sum(parts)))
    return Cause(kind, component, number(round(sure, 2)), commit, tuple(facts))


def _commit(sight: Sight, root: Root, touch: Touch, commits: Sequence[Touch]) -> Cause | None:
    component = touch.component
    symptoms = sight.symptoms(component)
    if not symptoms:
        return None
    began = sight.onset(component) or sight.began_ms
    delay = began - touch.applied_ms
    if not -EARLY_MS <= delay <= TIMELY_MS:
        return None
    kind = CauseKind.RELEASE if touch.releases else CauseKind.CONFIG
    here = component == root.component  # a caller that asks too often has its trouble from the one it asks
    parts = [
        0.65 if touch.releases else 0.55,
        0.12 if delay <= PROMPT_MS else 0.0,
        0.08 if symptoms[0].shift.effect >= 6 else 0.0,
        0.05 if len(symptoms) > 1 else 0.0,
        _room(sight, touch),
        -_surge_doubt(sight, component),
        -_rivalry(touch, [t for t in commits if t.component == component], began),
        -0.12 if _killed(sight, component) else 0.0,
        -0.2 if here and _callee_in_trouble(sight, component, began) else 0.0,
    ]
    facts = [evidence.of_commit(touch), evidence.of_timing(touch, symptoms[0], began), *_shifts(symptoms), evidence.of_path(root)]
    return as_cause(kind, component, parts, facts, touch.commit)


def _crowding(sight: Sight, component: str, commits: Sequence[Touch]) -> list[Cause]:
    """Connections run out here, or at a database it asks, since a commit gave those who hold them more workers."""
    found = []
    for pool in (component, *sight.topology.callees(component)):
        held = sight.reading(pool, CONNECTIONS)
        if held is None or held.shift.after < USED_UP or held.shift.superiority < BEYOND:
            continue
        began = sight.onset(component) or sight.began_ms
        holders = [t for t in commits if t.widens and t.component in sight.topology.callers(pool)]
        for touch in (t for t in holders if -EARLY_MS <= began - t.applied_ms <= TIMELY_MS):
            parts = [0.65, 0.1 if began - touch.applied_ms <= PROMPT_MS else 0.0, -_rivalry(touch, holders, began)]
            facts = [evidence.of_commit(touch), *_shifts((held, *sight.symptoms(component)))]
            found.append(as_cause(CauseKind.CONFIG, touch.component, parts, facts, touch.commit))
    return found


def _room(sight: Sight, touch: Touch) -> float:
    """More room hurts nobody; less of it does where something is full now."""
    if touch.room >= 0:
        return -0.3 * touch.room
    return 0.15 if any(_strained(r) for r in sight.rose(touch.component, (CPU, QUEUE, CONNECTIONS))) else 0.0


def _asked_again(sight: Sight, component: str) -> bool:
    rate = sight.reading(component, RATE)
    return rate is not None and rate.shift.rose and repeated(sight, rate)


def _leak(sight: Sight, touch: Touch, touched: Sequence[Touch]) -> Cause | None:
    """Memory that was flat and grows since a release came: each release between is a rival."""
    grown, since = sight.memory.get(touch.component), sight.grew.get(touch.component)
    if not touch.releases or grown is None or since is None or not _fills(sight, touch.component):
        return None
    delay = since - touch.applied_ms
    if not -GREW_EARLY_MS <= delay <= GREW_LATE_MS:
        return None
    parts = [0.8, 0.05 if delay >= -EARLY_MS else 0.0, -_rivalry(touch, touched, since + SEEN_MS)]
    facts = [evidence.of_commit(touch), evidence.of_growth(touch.component, grown), evidence.of_growth_since(touch, since)]
    return as_cause(CauseKind.RELEASE, touch.component, parts, facts, touch.commit)


def _cramped(sight: Sight, touch: Touch, touched: Sequence[Touch]) -> Cause | None:
    """Memory that is nearly full since a commit came: a level, and no growth that goes on."""
    full = sight.reading(touch.component, MEMORY)
    if full is None or not full.shift.rose or full.shift.after < CRAMPED or full.onset_ms is None:
        return None
    if sight.memory[touch.component].steady:
        return None
    delay = full.onset_ms - touch.applied_ms
    if not -EARLY_MS <= delay <= PROMPT_MS:
        return None
    parts = [0.65, 0.15 if touch.room < 0 else 0.0, -_rivalry(touch, touched, full.onset_ms)]
    facts = [evidence.of_commit(touch), evidence.of_timing(touch, full, full.onset_ms), *_shifts((full,))]
    kind = CauseKind.RELEASE if touch.releases else CauseKind.CONFIG
    return as_cause(kind, touch.component, parts, facts, touch.commit)


def _rivalry(touch: Touch, touched: Sequence[Touch], began_ms: int) -> float:
    """Other commits on the same component in the same minutes: the last one that could be seen before the trouble is the
    likelier; what was applied in the moment that it began, or after it, is not.
    """
    rivals = [t.applied_ms for t in touched if t.commit != touch.commit and abs(t.applied_ms - touch.applied_ms) <= TIMELY_MS]
    latest = max((at for at in rivals if at <= began_ms - SEEN_MS), default=None)
    if touch.releases and touch.applied_ms > began_ms - SEEN_MS:
        return 0.1 * bool(rivals) if latest is None else 0.25
    return 0.0 if latest is None else 0.1 if touch.applied_ms > latest else 0.25


def surged(sight: Sight, component: str) -> Reading | None:
    """More requests than before, and not because each of them got more expensive."""
    rate, cpu = sight.reading(component, RATE), sight.reading(component, CPU)
    if rate is None or not rate.shift.rose or rate.shift.after < SURGE * rate.shift.before:
        return None
    dearer = cpu is not None and cpu.shift.after * rate.shift.before > DEARER * cpu.shift.before * rate.shift.after
    return None if dearer and repeated(sight, rate) else rate


def repeated(sight: Sight, rate: Reading) -> bool:
    """Whether calls made again after a failure could be what the callers added."""
    again = sum(max(0.0, r.shift.change) for c in sight.topology.callers(rate.component) if (r := sight.reading(c, RETRIES)))
    return again >= 0.5 * rate.shift.change


def _surge_doubt(sight: Sight, component: str) -> float:
    """A surge speaks against a commit; one that repeated calls may explain speaks less."""
    rate = surged(sight, component)
    if rate is None or not any(_strained(r) for r in sight.rose(component, (CPU, QUEUE, CONNECTIONS))):
        return 0.0
    return 0.1 if repeated(sight, rate) else 0.25


def _callee_in_trouble(sight: Sight, component: str, began_ms: int) -> bool:
    """Something it calls moved as early, though too little to explain all of it: the trouble may come from there."""
    onsets = [sight.onset(c) for c in sight.topology.callees(component)]
    return any(at is not None and at <= began_ms + EARLY_MS for at in onsets)


def _load(sight: Sight, root: Root, touched: Sequence[Touch], named: Sequence[str]) -> Cause | None:
    rate = surged(sight, root.component)
    if rate is None:
        return None
    busy = sight.rose(root.component, (CPU, QUEUE, CONNECTIONS))
    symptom, onset = sight.onset(root.component), rate.onset_ms
    parts = [
        0.62,
        0.15 if any(_strained(r) for r in busy) else -0.2,
        0.08 if rate.shift.after >= 1.5 * rate.shift.before else 0.0,
        0.05 if root.component in named else 0.0,
        -0.3 if onset is not None and symptom is not None and onset > symptom + 20_000 else 0.0,
        -0.08 if repeated(sight, rate) else 0.0,
        -0.2 if any(_timely(sight, touch) for touch in touched) else 0.0,
    ]
    return as_cause(CauseKind.LOAD, root.component, parts, [*_shifts((rate, *busy)), *_shifts(sight.symptoms(root.component))])


def _timely(sight: Sight, touch: Touch) -> bool:
    began = sight.onset(touch.component) or sight.began_ms
    return -EARLY_MS <= began - touch.applied_ms <= TIMELY_MS


def _memory(sight: Sight, component: str, commits: Sequence[Touch], brought: Sequence[Cause]) -> Cause | None:
    grown = sight.memory.get(component)
    if grown is None or not _fills(sight, component):
        return None
    killed, soon = _killed(sight, component), grown.seconds_to(MEMORY_LIMIT) <= 900
    parts = [
        0.65,
        0.1 if soon or killed else 0.0,
        0.08 if grown.level >= 0.85 or killed else 0.0,
        -0.25 if surged(sight, component) else 0.0,
        -0.15 if any(t.component == component for t in commits) else 0.0,
        -0.25 if brought else 0.0,
    ]
    facts = [evidence.of_growth(component, grown)]
    if killed:
        facts.insert(0, evidence.of_kills(component, sight.kills[component], sight.peaks[component]))
    return as_cause(CauseKind.MEMORY, component, parts, [*facts, *_shifts(sight.rose(component, (MEMORY,)))])


def _fills(sight: Sight, component: str) -> bool:
    """Memory that grows steadily and is near its limit or will be soon, or has killed."""
    grown = sight.memory[component]
    soon = grown.seconds_to(MEMORY_LIMIT) <= 900
    return (grown.steady and (grown.level >= 0.75 or (soon and grown.level >= 0.5))) or _killed(sight, component)


def _killed(sight: Sight, component: str) -> bool:
    """Restarts that follow on memory near its limit: the level itself is low again after them."""
    return sight.kills.get(component, 0.0) >= 1 and sight.peaks.get(component, 0.0) >= 0.8


def _saturation(sight: Sight, root: Root) -> Cause | None:
    full = sight.rose(root.component, (CPU, QUEUE, CONNECTIONS, MEMORY))
    if not full:
        return None
    ready = sight.reading(root.component, READY)
    lost = (ready,) if ready is not None and ready.shift.fell else ()
    parts = [0.45, 0.1 if any(_strained(r) for r in full) else 0.0, 0.1 if lost else 0.0]
    return as_cause(CauseKind.SATURATION, root.component, parts, [*_shifts((*full, *lost)), evidence.of_path(root)])


def _strained(reading: Reading) -> bool:
    """A queue that grew, or a share of a limit that is nearly used up: more than merely more."""
    return reading.metric == QUEUE or reading.shift.after >= 0.85


def _dependency(sight: Sight, root: Root, named: Sequence[str]) -> Cause | None:
    """Something deeper got slow or fails, and nothing says why: where is known, why is not."""
    if root.component in named and not root.explains:
        return None  # the alert named it already: that is no finding
    leaf = not sight.topology.callees(root.component)
    slow, failing = sight.rose(root.component, LATENCIES), sight.rose(root.component, (ERRORS,))
    parts = [
        0.55 if root.explains else 0.4,
        0.1 if len(root.explains) >= 2 else 0.0,
        0.1 if leaf else 0.0,
        0.05 if slow or failing else 0.0,
    ]
    facts = [
        *_shifts((*slow, *failing)),
        evidence.of_path(root),
        evidence.of_absence(root.component, NOTHING.format(root.component)),
    ]
    return as_cause(CauseKind.DEPENDENCY, root.component, parts, facts)


NOTHING = "no commit, no surge and no growth of memory explains {}"


def _shifts(readings: Sequence[Reading]) -> list[Evidence]:
    return [evidence.of_shift(r) for r in readings[:4]]
