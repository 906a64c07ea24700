"""One-shot acts of the lab: what can be done, how dangerous it is, and what was done under which id.

In comes the body of /operate, out goes an `Act` or a RequestError with the place. An act is refused, as a value, when the
action is not known, the unit does not own the component, nothing answers to its name, or the id stood for another act.
The world keeps what was done with its effect, so that the same id acts once, also after kill -9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.lab.node import SMOOTH, Node
from reconciler.lab.plane import RequestError
from reconciler.lab.specs import KINDS
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted

WORD = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
KEYS = ("id", "unit", "action", "component")
MOST = 1_000  # acts remembered; the oldest are forgotten, and the caller's own log still knows them


@dataclass(frozen=True, slots=True)
class Action:
    risk: Irreversibility
    do: Callable[[Node, int], str]  # acts, and says what it did


def _clear_queue(node: Node, _: int) -> str:
    """Whoever waits is turned away and counts as failed; whoever is served stays."""
    flow, dropped = node.flow, node.flow.queued
    flow.x, flow.queued = flow.x - dropped, 0.0
    flow.failed += dropped
    flow.bad_rate += SMOOTH * dropped
    flow.done_rate += SMOOTH * dropped
    return f"dropped {dropped:.0f} waiting requests"


def _restart(node: Node, now_ms: int) -> str:
    """All replicas at once: nobody serves until the first is ready, and what was inside is lost."""
    node.fleet.restart_all(now_ms)
    node.shaped_ms = now_ms
    return f"restarted {len(node.fleet.replicas)} replicas"


ACTIONS: Mapping[str, Action] = {
    "clear-queue": Action(Irreversibility.IRREVERSIBLE, _clear_queue),  # the requests do not come back
    "restart": Action(Irreversibility.COSTLY, _restart),
}


def answer(act: Act, done: Mapping[str, list[Any]], inventory: Mapping[str, tuple[str, str]], live: Mapping[str, Any]) -> Acted:
    """OK: it can be done now. Anything else is the answer."""
    if act.id in done:
        same = done[act.id][:3] == [act.unit, act.action, act.component]
        if same:
            return Acted(True, Reason.DUPLICATE.value, f"done before: {done[act.id][4]}")
        return Acted(False, Reason.INVALID.value, "this id stood for another act")
    if act.action not in ACTIONS:
        return Acted(False, Reason.INVALID.value, f"no such action; there are {', '.join(ACTIONS)}")
    names = [f"{kind}/{act.component}" for kind in KINDS]
    if not any(inventory.get(name, ("", ""))[0] == act.unit and name in live for name in names):
        return Acted(False, Reason.INVALID.value, f"unit {act.unit} has no live component {act.component}")
    return Acted(True, Reason.OK.value, f"{act.action} on {act.component}")


def with_new(done: Mapping[str, list[Any]], act: Act, now_ms: int, told: str) -> dict[str, list[Any]]:
    """What was done, and this; at most MOST of them."""
    kept = dict(list(done.items())[-(MOST - 1) :])
    return {**kept, act.id: [act.unit, act.action, act.component, now_ms, told]}


def shown(done: Mapping[str, list[Any]]) -> dict[str, Any]:
    """What was done, by id, for people."""
    names = ("unit", "action", "component", "time_ms", "detail")
    return {act_id: dict(zip(names, row, strict=True)) for act_id, row in done.items()}


def read_act(data: Any) -> tuple[Act, bool]:
    """The act of a request, and whether it is only asked about."""
    if not isinstance(data, dict) or set(data) != {*KEYS, "dryRun"}:
        raise RequestError(f"expected an object with exactly {', '.join(KEYS)}, dryRun", "body")
    for key in KEYS:
        if not isinstance(data[key], str) or not WORD.fullmatch(data[key]):
            raise RequestError("expected lower-case letters, digits and dashes, at most 63", key)
    if not isinstance(data["dryRun"], bool):
        raise RequestError("expected true or false", "dryRun")
    return Act(*(data[key] for key in KEYS)), data["dryRun"]
