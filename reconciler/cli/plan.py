"""`homeostat plan` and `homeostat reconcile`: what converge would do with a revision, and doing it now."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.changes.wording import counted
from reconciler.cli.common import acting, answer, opened, table
from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    from reconciler.bootstrap.checkout import Scratch
    from reconciler.converge.render import RenderCache
    from reconciler.converge.values import ConvergeResult
    from reconciler.documents import Problem
    from reconciler.model.revisions import Step, StepResult
    from reconciler.steps.rulebook import Rulebook
    from reconciler.steps.world import World

MARKS = {"create": "+", "update": "~", "prune": "-"}


def run(arguments: argparse.Namespace) -> int:
    """Field by field; exit code 1 when something would be refused."""
    return _checkout(arguments, arguments.path) if arguments.path else _targets(arguments)


def _targets(arguments: argparse.Namespace) -> int:
    from reconciler.steps.looking import planned

    with opened(arguments, connected=True) as system:
        world = system.world
        revision = _resolve(world, arguments.revision)
        result = planned(world, revision)
        return _answer(arguments, world.cursor.applied or "", revision, result, ())


def _resolve(world: World, wanted: str) -> str:
    """A branch, or a commit's id or its beginning."""
    if not wanted:
        if head := world.head():
            return head
        raise Permanent(f"{world.branch} was deleted", next_step="git push it again")
    if found := world.repo.ref(f"refs/heads/{wanted}"):
        return found
    tips = {world.head(), *world.repo.refs("refs/heads/").values()} - {""}
    known = {info.id for tip in tips for info in world.repo.history(tip, limit=2_000)}
    matches = sorted(commit for commit in known if len(wanted) >= 4 and commit.startswith(wanted.lower()))
    if len(matches) == 1:
        return matches[0]
    many = f"{len(matches)} commits begin with {wanted}" if matches else f"{wanted!r} is no branch and no commit of a branch here"
    raise Permanent(many, next_step="push it first, then give the branch or its commit id")


def _checkout(arguments: argparse.Namespace, path: Path) -> int:
    """Documents and units of a folder, against what the commit before would have left in the targets."""
    from reconciler.bootstrap.checkout import documents, scratch
    from reconciler.cli.rules import problems

    found_wrong = problems(documents(path), path, arguments.base)
    if found_wrong:
        return _answer(arguments, "", "", None, found_wrong)
    with scratch(path, arguments.base) as found:
        return _answer(arguments, found.before, found.now, _against_before(found), ())


def _against_before(found: Scratch) -> ConvergeResult:
    from reconciler.bootstrap.checkout import Before
    from reconciler.bootstrap.rendering import offline_tools
    from reconciler.converge.render import RenderCache
    from reconciler.converge.rounds import Converger, Round
    from reconciler.steps.rulebooks import Rulebooks

    rules = Rulebooks(found.repo)
    now = rules.at(found.now)
    cache = RenderCache(tools=offline_tools())
    held = _held(found, rules.at(found.before), cache) if found.before and _loads(rules, found.before) else {}
    targets = {t.name: Before(t.name, held.get(t.name, {})) for t in now.installation.spec.targets}
    return Converger(found.repo, targets, cache=cache).converge(Round(now.index, found.now, "", 1, 0, dry_run=True))


def _loads(rules: Any, revision: str) -> bool:
    try:
        rules.at(revision)
    except Misconfigured:
        return False
    return True


def _held(found: Scratch, before: Rulebook, cache: RenderCache) -> dict[str, dict[str, Any]]:
    """Target to unit to objects, as the revision before renders."""
    from reconciler.converge.render import RenderedUnit

    held: dict[str, dict[str, Any]] = {}
    for unit in before.installation.spec.units:
        made = cache.get(found.repo, found.before, unit, before.index.kind_of(unit))
        if isinstance(made, RenderedUnit):
            held.setdefault(unit.target, {})[unit.name] = made.rendered.objects
    return held


def _answer(
    arguments: argparse.Namespace, before: str, revision: str, result: ConvergeResult | None, problems: tuple[Problem, ...]
) -> int:
    units = [_unit(outcome) for outcome in (result.outcomes if result else ())]
    orphans = result.orphans if result else ()
    faults = result.faults if result else ()
    value = {
        "before": before,
        "revision": revision,
        "units": units,
        "orphans": orphans,
        "faults": faults,
        "problems": [{"where": p.where, "message": p.message, "next_step": p.next_step} for p in problems],
    }
    against = before[:12] or "nothing" if arguments.path else "what its targets hold"
    answer(arguments, value, _text(value, against))
    return 1 if problems or any(not unit["ok"] for unit in units) else 0


def _unit(outcome: Any) -> dict[str, Any]:
    return {
        "unit": outcome.unit,
        "target": outcome.target,
        "ok": outcome.ok,
        "reason": str(outcome.reason),
        "detail": outcome.detail,
        "steps": list(outcome.plan.steps) if outcome.plan else [],
        "notes": _notes(outcome.changes.results if outcome.changes else ()),
    }


def _notes(results: Sequence[StepResult]) -> list[str]:
    """What a target says of objects that it would accept; the same words once."""
    told: dict[str, list[str]] = {}
    for found in results:
        if found.ok and found.detail:
            told.setdefault(found.detail, []).append(found.id)
    return [f"{ids[0]}{f' and {len(ids) - 1} more' if len(ids) > 1 else ''}: {detail}" for detail, ids in told.items()]


def _text(value: dict[str, Any], against: str) -> str:
    if value["problems"]:
        lines = [f"{p['where']}: {p['message']}{_hint(p['next_step'])}" for p in value["problems"]]
        return "\n".join([*lines, f"{counted(len(lines), 'problem')}: nothing of this revision would be applied"])
    lines = [f"revision {value['revision'][:12]} against {against}"]
    for unit in value["units"]:
        lines += _unit_text(unit)
    lines += [
        f"orphaned unit {name}: a target holds it, homeostat.yaml does not; it is never deleted" for name in value["orphans"]
    ]
    steps = sum(len(unit["steps"]) for unit in value["units"])
    refused = sum(not unit["ok"] for unit in value["units"])  # a suspended one, too: nothing of it would be applied
    lines.append(
        f"{counted(steps, 'object')} would be touched in {counted(len(value['units']), 'unit')}"
        + (f"; {counted(refused, 'unit')} refused" if refused else "")
    )
    return "\n".join(lines)


def _hint(text: str) -> str:
    return f" ({text})" if text else ""


def _unit_text(unit: dict[str, Any]) -> list[str]:
    word = "SUSPENDED" if unit["reason"] == "suspended" else f"REFUSED ({unit['reason']})"
    lines = [] if unit["ok"] else [f"{unit['unit']} on {unit['target']}: {word} {unit['detail']}"]
    if unit["ok"] and (unit["steps"] or unit["detail"]):
        lines = [f"{unit['unit']} on {unit['target']}{': ' + unit['detail'] if unit['detail'] else ''}"]
    for step in unit["steps"]:
        lines += _step_text(step)
    return [*lines, *(f"  ({note})" for note in unit["notes"])]


def _step_text(step: Step) -> list[str]:
    rows = [(f"      {name}", f"{before or '(none)'} -> {after or '(none)'}") for name, before, after in step.fields]
    return [f"  {MARKS[step.verb.value]} {step.id}", *(table(rows).splitlines() if rows else ())]


def reconcile(arguments: argparse.Namespace) -> int:
    """One pass of converge now; with --accept, a trusted person first accepts a rewritten branch."""
    from reconciler.commands.accepting import accept
    from reconciler.console.timeline import events
    from reconciler.steps.converging import converge, remember
    from reconciler.steps.publishing import publish

    with opened(arguments, connected=True) as system:
        world = system.world
        begun = world.log.size
        remember(world)
        if arguments.accept:
            accept(world, acting(arguments, world), arguments.accept)
        converge(world)
        publish(world)
        told = events(list(world.log.records(begun)))
        stuck = sorted(world.cursor.pending)
        refused = world.cursor.refused[1]
        value = {
            "head": world.head(), "applied": world.cursor.applied, "waiting": stuck, "refused": refused, "events": told,
            "faults": world.meters.faults(),
        }  # fmt: skip
        lines = [f"  {event.told.title}" for event in told]
        lines += [f"fault of {part}: {text}" for part, text in sorted(world.meters.faults().items())]
        if refused:
            lines.append(f"not followed: {refused}")
        elif stuck:
            lines.append(f"units that wait: {', '.join(stuck)}; they are tried again by the loop or by the next reconcile")
        else:
            lines.append(f"{world.branch} {world.head()[:12]} is applied")
        answer(arguments, value, "\n".join(lines))
        return 1 if refused or stuck else 0
