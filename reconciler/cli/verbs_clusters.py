"""Verbs about units and clusters that change something: suspend, resume."""

from __future__ import annotations

from reconciler.cli.parser import Verbs, person


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    suspend = verbs.add(
        "suspend",
        "reconciler.cli.brakes:suspend",
        "leave a unit alone for a while: nothing is applied, corrected or deleted",
        SUSPEND,
    )
    suspend.add_argument("unit", help="the unit's name in homeostat.yaml")
    suspend.add_argument("--reason", required=True, help="why; everybody sees it")
    suspend.add_argument("--until", default="1d", help="ends by itself after this long, such as 30m or 2h (default 1d)")
    person(suspend)
    resume = verbs.add("resume", "reconciler.cli.brakes:resume", "apply a suspended unit again, as Git says by now", RESUME)
    resume.add_argument("unit", help="the unit's name in homeostat.yaml")
    person(resume)


SUSPEND = """\
  homeostat suspend shop --reason 'moving the database' --until 2h
  homeostat suspend shop --reason 'moving the database' --as alice --key ~/.ssh/id_ed25519"""
RESUME = "  homeostat resume shop"
