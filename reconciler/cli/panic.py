"""`homeostat panic`: the way back out of everything the machine did lately."""

from __future__ import annotations

import argparse

from reconciler.changes.wording import counted
from reconciler.cli.common import acting, answer, duration_ms, looking, stopping


def run(arguments: argparse.Namespace) -> int:
    """Says what was undone, what was left alone and why, and how to go on."""
    if arguments.dry_run:
        return _dry_run(arguments)
    from reconciler.commands import panic

    with stopping(arguments) as office:
        since = office.clock.now() - duration_ms(arguments.since)
        done = panic.panic(office, acting(arguments, office), since)
        head = (
            f"{done.panic.commit[:12]} undoes {counted(len(done.panic.reverted), 'commit')}"
            if done.panic.commit
            else "nothing was left to undo"
        )
        stopped = f"{done.brake.id} is on: machine merges, Operations and drift correction are stopped"
        lift = f"lift it with: homeostat brake off {done.brake.id}"
        kept = f"the targets keep what they have, because the branch is not followed: {done.untouched}" if done.untouched else ""
        text = "\n".join(part for part in (head, _told(done.panic.reverted, done.panic.skipped), kept, stopped, lift) if part)
        answer(arguments, done, text)
    return 0


def _dry_run(arguments: argparse.Namespace) -> int:
    """What would be undone: for looking only, so that it is there at once."""
    from reconciler.commands.panic_plan import planned

    with looking(arguments) as home:
        now = home.clock.now()
        plan = planned(home.repo, home.ledger, home.head, now - duration_ms(arguments.since), now)
        told = f"would undo {counted(len(plan.reverted), 'commit')}\n{_told(plan.reverted, plan.skipped)}".rstrip()
        answer(arguments, plan, told)
    return 0


def _told(reverted: tuple[str, ...], skipped: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(
        [*(f"  undone   {commit[:12]}" for commit in reverted), *(f"  left     {commit[:12]}  {why}" for commit, why in skipped)]
    )
