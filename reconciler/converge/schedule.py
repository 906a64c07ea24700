"""Schedule: units after what they wait for, and side by side where nothing is waited for.

In: the units of a round and their renders. Out: for each unit what comes before it, and the work done in that order.

A unit waits for those of `dependsOn`, and for the units that bring its namespaces and the definitions of its kinds: that
needs not be written down. What is only implied never makes a circle and never blocks: where it would, the units go side by side
and what was too early is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from graphlib import CycleError, TopologicalSorter
from queue import SimpleQueue

from reconciler.converge.render import Outcome, RenderedUnit
from reconciler.documents.installation import Unit

Waits = Mapping[str, frozenset[str]]


def waits(units: Sequence[Unit], renders: Mapping[str, Outcome]) -> Waits:
    """Unit -> units of this round that come before it."""
    names = {u.name for u in units}
    written = {u.name: frozenset(u.depends_on) & names for u in units}
    implied = {u.name: written[u.name] | found for u, found in zip(units, _implied(units, renders), strict=True)}
    try:
        TopologicalSorter(implied).prepare()
    except CycleError:
        return written
    return implied


def side_by_side(units: Sequence[Unit], before: Waits, at_once: Mapping[str, int], work: Callable[[Unit], None]) -> None:
    """Does the work of each unit. `at_once` is by target: 1 works in this very thread."""
    by_name = {u.name: u for u in units}
    position = {u.name: at for at, u in enumerate(units)}
    running: dict[Future[None], str] = {}
    ended = SimpleQueue[Future[None]]()  # waiting for the first of all that run costs a look at each of them, each time
    sorter = TopologicalSorter(before)
    sorter.prepare()
    with ExitStack() as stack:
        pools = {t: stack.enter_context(ThreadPoolExecutor(n, f"converge {t}")) for t, n in at_once.items() if n > 1}
        while sorter.is_active():
            for name in sorted(sorter.get_ready(), key=position.__getitem__):
                unit = by_name[name]
                if unit.target in pools:
                    future = pools[unit.target].submit(work, unit)
                    running[future] = name
                    future.add_done_callback(ended.put)
                else:
                    work(unit)
                    sorter.done(name)
            if running:
                done = ended.get()
                done.result()
                sorter.done(running.pop(done))


def _implied(units: Sequence[Unit], renders: Mapping[str, Outcome]) -> Iterator[frozenset[str]]:
    found = [(u, made) for u in units if isinstance(made := renders[u.name], RenderedUnit)]
    brings = {(u.target, thing): u.name for u, made in found for thing in made.brings}
    for unit in units:
        made = renders[unit.name]
        wanted = {brings.get((unit.target, thing), "") for thing in made.needs} if isinstance(made, RenderedUnit) else set()
        yield frozenset(wanted - {"", unit.name})
