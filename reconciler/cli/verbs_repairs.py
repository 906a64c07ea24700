"""Verbs about repairs: pr, brake, hold, panic."""

from __future__ import annotations

from reconciler.cli.parser import Verbs, person, pull_number


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    pulls = verbs.group("pr", "look at repairs and decide about them", PR)
    listing = pulls.add("list", "reconciler.cli.pulls:listing", "pull requests, newest first", "  homeostat pr list --state open")
    listing.add_argument("--state", choices=("open", "merged", "closed"), default="", help="only these (default all)")
    show = pulls.add("show", "reconciler.cli.pulls:show", "one pull request with diff and requirements", "  homeostat pr show 3")
    show.add_argument("number", type=pull_number)
    for name, summary in (
        ("approve", "approve exactly the head that you saw"),
        ("reject", "reject it; the machine proposes something else or nothing"),
        ("merge", "approve it and let it land as soon as the rules allow"),
    ):
        verb = pulls.add(
            name, f"reconciler.cli.pulls:{name}", summary, f"  homeostat pr {name} 3 --as alice --key ~/.ssh/id_ed25519"
        )
        verb.add_argument("number", type=pull_number)
        verb.add_argument("--head", default="", help="the head you looked at (default the present one)")
        verb.add_argument("--text", default="", help="why, for the record")
        person(verb)
    revert = pulls.add(
        "revert", "reconciler.cli.pulls:revert", "undo a merged repair with one signed commit", "  homeostat pr revert 3"
    )
    revert.add_argument("number", type=pull_number)
    person(revert)

    brake = verbs.group("brake", "stop machine merges, Operations and drift correction; people's merges still apply", BRAKE)
    put = brake.add(
        "on", "reconciler.cli.brakes:on", "put a brake on", "  homeostat brake on --reason 'database migration' --for 2h"
    )
    put.add_argument("--reason", required=True, help="why; everybody sees it")
    put.add_argument("--for", dest="duration", default="1h", help="how long, such as 30m or 2h (default 1h)")
    person(put)
    release = brake.add("off", "reconciler.cli.brakes:off", "take your brake off", "  homeostat brake off brake-1a2b3c4d")
    release.add_argument("id", help="which brake, from `homeostat brake list`")
    person(release)
    brake.add("list", "reconciler.cli.brakes:listing", "brakes and holds in force", "  homeostat brake list")
    unhold = brake.add(
        "unhold",
        "reconciler.cli.brakes:unhold",
        "let the machine propose again what a person undid",
        "  homeostat brake unhold hold-1a2b3c4d",
    )
    unhold.add_argument("id", help="which hold, from `homeostat brake list`")
    person(unhold)

    panic = verbs.add("panic", "reconciler.cli.panic:run", "undo every machine-made commit of a window, put the brake on", PANIC)
    panic.add_argument("--since", default="5m", help="the window under the Clock, such as 5m or 1h (default 5m)")
    panic.add_argument("--dry-run", action="store_true", help="say what would be undone")
    person(panic)


PR = """\
  homeostat pr list
  homeostat pr show 3
  homeostat pr approve 3 --as alice --key ~/.ssh/id_ed25519"""
BRAKE = """\
  homeostat brake on --reason 'database migration' --for 2h
  homeostat brake list"""
PANIC = """\
  homeostat panic --since 5m --dry-run
  homeostat panic --since 5m"""
