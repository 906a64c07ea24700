"""What `homeostat status` found, for people: one paragraph a question, nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reconciler.cli.common import ago, left, table
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    from reconciler.audit.facts import Brake
    from reconciler.model.notices import Noticed
    from reconciler.model.objectives import Budget
    from reconciler.model.operations import Unfinished
    from reconciler.model.scores import SystemScore

STANDS_OUT = 5
SAID = 3  # of what took points


def text(seen: dict[str, Any], clock: Clock) -> str:
    """The whole screen."""
    parts = (
        _head(seen),
        _waiting(seen),
        _rows("open cases", [_case(case, clock) for case in seen["cases"]]),
        _rows("ended without a repair (homeostat why ID)", [_ended(case, clock) for case in seen["ended"]]),
        _rows(
            "open pull requests",
            [
                (f"#{p['number']}", p["effect"] or "not judged", ago(clock, p["opened_ms"]), p["title"])
                for p in seen["pull_requests"]
            ],
        ),
        _rows("stops in force", _stops(seen, clock)),
        _rows("worked on", [(m.name, m.about, left(clock, m.end_ms), m.reason) for m in seen["maintenance"]]),
        _rows("operations", [_operation(one, clock) for one in seen["operations"]]),
        _rows("units that are not as Git says", [(u["unit"], u["target"], u["reason"], u["detail"]) for u in seen["units"]]),
        _rows("objectives", [_budget(one) for one in seen["objectives"]]),
        _rows("stands out", [_noticed(one, clock) for one in seen["attention"][:STANDS_OUT]]),
        _rows("newest alarms", [(f"entry {a['index']}", ago(clock, a["clock_ms"]), str(a["text"])) for a in seen["alarms"]]),
        _rows("repairs, newest first", [_repair(one, clock) for one in seen["repairs"]]),
    )
    return "\n\n".join(part for part in parts if part)


def _head(seen: dict[str, Any]) -> str:
    running = seen["running"]
    runs = f"running, {running.web}" if running else "not running: homeostat up"
    applied = (
        "all of it is followed" if seen["head"] == seen["applied"] else f"followed up to {seen['applied'][:12] or 'nothing yet'}"
    )
    lines = [
        (seen["repository"], runs),
        (seen["branch"], f"{seen['head'][:12] or 'deleted'}, {applied}"),
        ("log", f"{seen['records']} records"),
    ]
    if health := seen["health"]:
        lines.append(("health", _health(health)))
    if seen["foresight"]:
        lines.append(("foresight", seen["foresight"]))
    return table(lines)


def _health(health: SystemScore) -> str:
    """The number, and what took the most points."""
    lost = ", ".join(f"{one.points} for {one.kind} of {one.component}" for one in health.lost[:SAID])
    left_out = f"; worked on, and left out: {', '.join(health.resting)}" if health.resting else ""
    return f"{health.score} of 100{': ' + lost + ' lost' if lost else ''}{left_out}"


def _waiting(seen: dict[str, Any]) -> str:
    if not seen["waiting"]:
        return "nothing waits for you"
    return "\n".join(["waits for you", *(f"  {w.about}  {w.text}\n      {w.command}" for w in seen["waiting"])])


def _case(case: dict[str, Any], clock: Clock) -> tuple[str, ...]:
    return (
        case["id"],
        case["stage"],
        ago(clock, case["opened_ms"]),
        case["detail"] or case["reason"] or f"about {case['about']}",
    )


def _ended(case: dict[str, Any], clock: Clock) -> tuple[str, ...]:
    said = str(case["detail"]).partition("\n")[0] or f"about {case['about']}"
    return (case["id"], ago(clock, case["opened_ms"]), case["reason"], said)


def _stops(seen: dict[str, Any], clock: Clock) -> Sequence[tuple[str, ...]]:
    rows = [(b.id, b.owner, left(clock, b.until_ms), reach(b), b.reason) for b in seen["brakes"]]
    for name, hold in seen["holds"].items():
        until = left(clock, hold.until_ms) if hold.until_ms else "until released"
        rows.append((name, hold.owner, until, hold.scope, hold.reason))
    return rows


def _operation(one: Unfinished, clock: Clock) -> tuple[str, ...]:
    return (one.id, one.about, "under way" if one.begun else "waits", ago(clock, one.at_ms), one.text)


def _budget(one: Budget) -> tuple[str, ...]:
    left = f"{float(one.left):.0%} of the budget left" if one.left else "budget not known yet"
    pace = f"spending {float(one.burn):.3g} times as fast as promised" if one.burn else "not measured now"
    measured = f"{float(one.measured):.0%} measured"
    return (one.objective, one.component, f"{float(one.target):.3%}", left, pace, measured, ", ".join(one.alarms))


def _noticed(one: Noticed, clock: Clock) -> tuple[str, ...]:
    why = ", ".join(f"{name} {float(value):.3g}" for name, value in one.reasons)
    return (one.component, one.metric, one.level, f"salience {float(one.salience):.3g}", ago(clock, one.at_ms), why)


def reach(brake: Brake) -> str:
    """What a brake stops."""
    return f"unit {brake.scope} suspended" if brake.suspends else brake.scope or "everything"


def _repair(one: Any, clock: Clock) -> tuple[str, ...]:
    if one.undone_by:
        came = f"undone by {one.undone_by[:12]}"
    elif one.undoes:
        came = f"undoes {one.undoes[:12]}"
    else:
        came = one.outcome or ("its effect is awaited" if one.applied else "not applied yet")
    what = " ".join(part for part in (one.playbook, one.component) if part) or "repair"
    return (one.commit[:12], what, ago(clock, one.merged_ms), came, one.summary)


def _rows(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join([title, *(f"  {line}" for line in table(rows).splitlines())]) if rows else ""
