"""Verbs about the installation as a whole: init, up, status, why, plan, reconcile, demo, backup, restore, migrate, maintain."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.parser import Verbs, person


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    init = verbs.add("init", "reconciler.cli.init:run", "make a home folder with a new infra repository, keys and a log", INIT)
    init.add_argument("--name", default="infra", help="name of the repository in records (default infra)")
    init.add_argument("--owner", default="owner", help="your principal's name in the Trust document (default owner)")
    init.add_argument("--email", default="owner@localhost", help="the address your commits carry")
    init.add_argument("--clock", choices=("system", "stepped"), default="system", help="stepped stands still until advanced")
    init.add_argument("--port", type=int, default=8765, help="port of the page and the webhooks (0: any free one)")
    init.add_argument("--lab-port", type=int, default=8766, help="port of the embedded lab (0: any free one)")

    verbs.add("up", "reconciler.cli.up:run", "run the controller, the embedded lab and the page until Ctrl-C", UP)
    verbs.add("status", "reconciler.cli.status:status", "what is open, what was done, what waits for you", STATUS)
    why = verbs.add("why", "reconciler.cli.why:run", "explain an incident, pull request or commit: what, why, who", WHY)
    why.add_argument("subject", help="an incident id, a pull request number or a commit")
    plan = verbs.add("plan", "reconciler.cli.plan:run", "what converge would do with a revision; touches nothing", PLAN)
    plan.add_argument("--revision", default="", help="commit or branch (default the protected branch)")
    plan.add_argument("--path", type=Path, help="plan a checked-out folder instead, without home and target: for CI")
    plan.add_argument("--base", default="", help="with --path: compare with this commit (default HEAD~1, or HEAD with edits)")
    now = verbs.add(
        "reconcile", "reconciler.cli.plan:reconcile", "apply what is merged now, without waiting for the loop", RECONCILE
    )
    now.add_argument(
        "--accept", default="", metavar="COMMIT", help="accept a rewritten branch at exactly this commit (role operate)"
    )
    person(now)
    login = verbs.add("login", "reconciler.cli.login:run", "print a link that logs a person in to the page, once", LOGIN)
    login.add_argument("--as", dest="principal", default="", help="a principal in Trust (default the home's owner)")
    demo = verbs.add("demo", "reconciler.cli.demo:run", "play five acts on a new installation in a temporary folder", DEMO)
    demo.add_argument("--keep", type=Path, help="use this new folder and leave it there")
    backup = verbs.add("backup", "reconciler.cli.backup:backup", "a consistent copy of the home folder", BACKUP)
    backup.add_argument("to", type=Path, help="a new folder")
    backup.add_argument("--with-keys", action="store_true", help="copy private keys and secrets too")
    restore = verbs.add("restore", "reconciler.cli.backup:restore", "make a home folder from a backup, brake on", RESTORE)
    restore.add_argument("source", type=Path, help="the folder that backup wrote")
    restore.add_argument("--keys", type=Path, help="a folder with the private keys, when the backup holds none")
    verbs.add("migrate", "reconciler.cli.backup:migrate", "bring the store to this release's layout", MIGRATE)
    verbs.add("maintain", "reconciler.cli.backup:maintain", "pack the repository, also while `up` runs", MAINTAIN)


INIT = """\
  homeostat init
  homeostat --home /srv/homeostat init --name prod --owner alice --email alice@example.org"""
UP = """\
  homeostat up
  HOMEOSTAT_HOME=/srv/homeostat homeostat up"""
STATUS = """\
  homeostat status
  homeostat --json status"""
WHY = """\
  homeostat why inc-4f1c2a90be77
  homeostat why 3
  homeostat why 9d1e0b7"""
PLAN = """\
  homeostat plan
  homeostat plan --revision my-branch
  homeostat plan --path .             in CI, in a checkout of the infra repository"""
RECONCILE = """\
  homeostat reconcile
  homeostat reconcile --accept 9d1e0b7c5a21       after a rewrite that is meant"""
LOGIN = "  homeostat login --as alice"
DEMO = """\
  homeostat demo
  homeostat demo --keep /tmp/story    look around afterwards"""
BACKUP = "  homeostat backup /backups/2026-11-21 --with-keys"
RESTORE = "  homeostat --home /srv/homeostat-new restore /backups/2026-11-21"
MIGRATE = "  homeostat migrate"
MAINTAIN = "  homeostat maintain"
