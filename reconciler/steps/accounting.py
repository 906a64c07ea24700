"""Accounting: the error budgets of the objectives, settled when a step of theirs has closed; signals where one is spent too fast.

In: the objectives of the last good revision and the newest samples. Out: signals, stored before they count, and the budgets, for
people (`homeostat status`, the page) and as facts for policy. The blocks of each account are noted when one closes, so that a
month of promises outlives both the process and the telemetry; the newest hours are read again after a restart. When a
promise is withdrawn its alarms end and its account is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.documents.objective import Objective
from reconciler.documents.sensor import Rule
from reconciler.model.canonical import number, plain
from reconciler.model.objectives import NOTED, noted
from reconciler.model.signals import Signal, SignalStatus
from reconciler.signals.objectives import (
    LAG_MS,
    Account,
    ObjectiveState,
    account_of,
    burning,
    keep,
    mark,
    resumed,
    terms,
    watches,
)
from reconciler.steps.maintenance import Rest
from reconciler.steps.world import World

STATE = "objectives"
_BLOCKS = "objective/"


def account(world: World) -> bool:
    """Every budget up to its newest closed step."""
    objectives, now = world.applied_rulebook().objectives, world.clock.now()
    shown = world.cursor.budgets if world.cursor.accounted_ms >= 0 else noted(world.store.noted(NOTED))  # by the last process
    if now < world.cursor.accounted_ms or not (objectives or shown):
        return False
    known = _known(world, objectives, now)
    kept = keep(objectives, world.telemetry, known, now, Rest(world).now)
    if kept.signals:
        world.store.accept(kept.signals)
    if kept.state.firing != known.firing or not world.cursor.objectives.accounts:
        world.store.note(STATE, json.dumps(dict(kept.state.firing), sort_keys=True))
    _note_blocks(world, kept.state)
    before = {f"{one.objective}/{one.component}" for one in shown} | {account_of(watch) for watch in known.firing}
    for key in sorted(before - kept.state.accounts.keys()):
        world.store.note(_BLOCKS + key, "")
    if kept.budgets != shown:
        world.store.note(NOTED, json.dumps(plain(kept.budgets)))
    world.cursor.objectives, world.cursor.budgets = kept.state, kept.budgets
    world.cursor.accounted_ms = _next(objectives, now)
    return bool(kept.signals)


def spending(world: World, signal: Signal) -> bool:
    """Whether what a signal of an objective claimed goes on this very minute."""
    if not signal.source.startswith("objective/") or signal.status is not SignalStatus.FIRING:
        return False
    name = signal.source.removeprefix("objective/")
    held = world.cursor.objectives.accounts.get(f"{name}/{signal.component}")
    found = next((one for one in world.applied_rulebook().objectives if one.metadata.name == name), None)
    return held is not None and found is not None and burning(found.spec, held)


def withdrawn(world: World, signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Those of them whose objective or sensor is gone, or is about that component no longer: nobody stands by the claim."""
    said = [signal for signal in signals if signal.source.startswith(("objective/", "sensor/"))]
    if not said:
        return ()
    rules = world.applied_rulebook()
    watched = {f"sensor/{one.metadata.name}": one.spec.components for one in rules.sensors if one.spec.rule is not Rule.NONE}
    promised = {(f"objective/{one.metadata.name}", component) for one, component in watches(rules.objectives)}

    def stands(signal: Signal) -> bool:
        about = watched.get(signal.source)
        return (signal.source, signal.component) in promised or (about is not None and (not about or signal.component in about))

    return tuple(signal for signal in said if not stands(signal))


def _known(world: World, objectives: Sequence[Objective], now: int) -> ObjectiveState:
    """The state of this process; what it does not have yet is read from the notes and the telemetry."""
    state = world.cursor.objectives
    if world.cursor.accounted_ms < 0:
        state = replace(state, firing=json.loads(world.store.noted(STATE) or "{}"))
    missing = [(one, c) for one, c in watches(objectives) if f"{one.metadata.name}/{c}" not in state.accounts]
    if not missing:
        return state
    accounts = dict(state.accounts)
    for objective, component in missing:
        key = f"{objective.metadata.name}/{component}"
        before = json.loads(world.store.noted(_BLOCKS + key) or "{}")
        blocks = before.get("blocks", []) if before.get("of") == mark(objective.spec) else []
        held = [(int(start), (float(bad), float(total), int(count))) for start, bad, total, count in blocks]
        accounts[key] = resumed(objective.spec, world.telemetry, component, held, now)
    return replace(state, accounts=accounts)


def _note_blocks(world: World, state: ObjectiveState) -> None:
    for key, held in state.accounts.items():
        before = world.cursor.objectives.accounts.get(key, Account())
        if held.blocks[-1:] and held.blocks[-1][0] != (before.blocks[-1][0] if before.blocks else -1):
            blocks = [[start, number(bad), number(total), count] for start, (bad, total, count) in held.blocks]
            world.store.note(_BLOCKS + key, json.dumps({"of": held.of, "blocks": blocks}))


def _next(objectives: Sequence[Objective], now: int) -> int:
    """When the next step of any of them has closed; without any, a minute from now."""
    steps = [terms(one.spec).step_ms for one in objectives] or [60_000]
    return min(((now - LAG_MS) // step + 1) * step + LAG_MS for step in steps)
