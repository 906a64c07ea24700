"""Attending: every quarter of a minute a cheap look at every series; what stands out is kept, shown, and looked at closely first.

In: the newest sample of each series, what sensors say of their metrics, the objectives, the call graph. Out: notices with their
reasons, for `homeostat status` and the page, beside each diagnosis, and as the choice of components that the expensive looks
begin with where there are too many for all. Of what is worked on nothing is noticed or learnt. Nothing is decided by it. The
memory is this process's own (`notices`) and is filled from the telemetry at the start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.documents.sensor import Direction
from reconciler.model.canonical import digest, number, plain
from reconciler.model.findings import Finding
from reconciler.model.maintenance import NOTED as MAINTENANCE
from reconciler.model.notices import NOTED, Noticed
from reconciler.signals import catalogue, meaning
from reconciler.steps.maintenance import Rest
from reconciler.steps.notices import Attending

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reconciler.analysis.attention import Attention, Look
    from reconciler.ports.telemetry import Samples
    from reconciler.steps.world import World

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

EVERY_MS = 15_000
BACK_MS = 900_000  # what is read at the start, and at most: enough to know what is usual
WEIGH_MS = 60_000  # how often criticality is worked out again
LATELY_MS = 600_000  # how long a component that stood out is looked at first
FEW = 100  # components that an expensive look can take in
SHOWN = 20
BESIDE = 5  # notices beside a diagnosis
WAYS = {Direction.HIGHER: 1.0, Direction.LOWER: -1.0, Direction.BOTH: 0.0}
LEAST = {"share": 0.01, "ms": 1.0, "score": 0.01, "PSI": 0.01}  # by unit: a smaller difference means nothing


def attend(world: World) -> bool:
    """One look, when its time has come."""
    now, held = world.clock.now(), world.cursor.attending
    if world.cursor.applied is None or now < held.looked_ms + EVERY_MS:
        return False
    if held.memory and held.memory.outlived(now):
        held.memory, held.weighed_ms = None, -1
    since = max(held.looked_ms, now - BACK_MS) if held.memory else now - BACK_MS
    window = world.telemetry.window(None, since + 1, now)
    memory = held.memory or _memory()
    keys = list(window)
    if held.rows is None or held.memory is None or keys != held.keys:
        held.keys, held.rows = keys, _rows(memory, keys, world)
    if now >= held.weighed_ms + WEIGH_MS:
        held.weighed_ms = now
        memory.weigh(_criticality(world))
    looks = range(now, now + 1) if held.memory else range(now - BACK_MS + EVERY_MS, now + 1, EVERY_MS)
    rest, components = _rest(world), {component for component, _ in keys}
    for at, (times, values) in zip(looks, _newest(window, looks), strict=True):
        resting = rest.during(components, at, looks[0] - since)  # the first look after it still sees the end of it
        look = memory.look(at, held.rows, times, values, resting)
    held.memory, held.looked_ms = memory, now
    held.now = tuple(_noticed(look, now))
    _remember(held, now)
    told = json.dumps(plain(held.now[:SHOWN]))
    if told != held.told:
        world.store.note(NOTED, told)
        held.told = told
    return False


def _rest(world: World) -> Rest:
    """Who is worked on now; noted for people where it changed."""
    rest = Rest(world)
    told = json.dumps(plain(rest.open))
    if told != world.cursor.attending.resting:
        world.store.note(MAINTENANCE, told)
        world.cursor.attending.resting = told
    return rest


def focus(world: World, always: Iterable[str]) -> tuple[str, ...]:
    """The components that an expensive look takes in; () is all of them, where they are few enough.

    Those that are asked about and their neighbours come first, then what stood out lately, the most salient first.
    """
    topology = world.telemetry.topology()
    if len(topology.components) <= FEW:
        return ()
    asked = sorted(set(always))
    around = [name for one in asked for name in (*topology.callers(one), *topology.callees(one))]
    lately = world.cursor.attending.lately
    noticed = sorted(lately, key=lambda name: (-lately[name][1], name))
    chosen = dict.fromkeys((*asked, *around, *noticed, *topology.components))
    return tuple(sorted([name for name in chosen if name][:FEW]))


def beside(world: World, components: Iterable[str]) -> tuple[Finding, ...]:
    """What stands out now on these components, to be kept with a diagnosis."""
    about, memory = set(components), world.cursor.attending.memory
    found = [one for one in world.cursor.attending.now if one.component in about][:BESIDE]
    settings = digest(repr(memory.settings).encode()) if memory else ""
    return tuple(
        Finding("attention", "1", settings, "notice", one.component, one.metric, one.at_ms, "0", one.reasons, one.text)
        for one in found
    )


def _memory() -> Attention:
    from reconciler.analysis.attention import Attention

    return Attention()


def _rows(memory: Attention, keys: Sequence[tuple[str, str]], world: World) -> Ints:
    """The rows of these series; new ones are begun as the sensor that is named after their metric says."""
    import numpy as np

    new = [key for key in keys if not memory.knows(key)]
    known = catalogue(world.applied_rulebook().sensors) if new else {}
    said = [meaning(metric, known) for _, metric in new]
    memory.enlist(
        new,
        bad=[WAYS[one.spec.bad] if one else 0.0 for one in said],
        least=[LEAST.get(one.spec.unit, 0.0) if one else 0.0 for one in said],
        period_ms=[float(one.spec.period_ms) if one else 0.0 for one in said],
    )
    return np.array([memory.row(key) for key in keys], np.int64)


def _newest(window: Mapping[tuple[str, str], Samples], looks: range) -> Iterator[tuple[Ints, Floats]]:
    """For each look the newest sample of each series by then; NaN where there is none yet."""
    import numpy as np

    if len(looks) == 1 and window:  # it ends with this look, and every series in it has a sample
        last = np.cumsum([len(taken) for taken, _ in window.values()]) - 1
        yield tuple(np.concatenate(part)[last] for part in zip(*window.values(), strict=True))
        return
    times = np.zeros((len(looks), len(window)), np.int64)
    values = np.full((len(looks), len(window)), np.nan)
    for column, (taken, measured) in enumerate(window.values()):
        places = np.searchsorted(taken, looks, side="right") - 1
        there = places >= 0
        times[there, column], values[there, column] = taken[places[there]], measured[places[there]]
    yield from zip(times, values, strict=True)


def _criticality(world: World) -> dict[str, float]:
    from reconciler.analysis.attention import criticality

    topology = world.telemetry.topology()
    promised = {component: 1.0 for one in world.applied_rulebook().objectives for component in one.spec.components}
    return criticality(topology.components, topology.calls, promised)


def _noticed(look: Look, now: int) -> Iterable[Noticed]:
    for one in look.notices:
        yield Noticed(one.component, one.metric, one.level, now, number(one.salience), one.reasons)


def _remember(held: Attending, now: int) -> None:
    lately = {name: (at, most) for name, (at, most) in held.lately.items() if now - at < LATELY_MS}
    for one in held.now:
        most = lately.get(one.component, (0, 0.0))[1]
        lately[one.component] = (now, max(most, float(one.salience)))
    held.lately = lately  # whole: other threads read it
