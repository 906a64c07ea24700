"""Verbs that look at units and their objects and change nothing."""

from __future__ import annotations

from reconciler.cli.parser import Verbs, how_many


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    tree = verbs.add(
        "tree",
        "reconciler.cli.tree:run",
        "the objects of a unit, what they own, and where it fails; exit code 1 if it does",
        TREE,
    )
    tree.add_argument("unit", nargs="*", help="units in homeostat.yaml (default all)")
    tree.add_argument("--all", action="store_true", help="also what is well")
    trace = verbs.add(
        "trace", "reconciler.cli.trace:run", "which commit made an object what it is, who let it in, when it was applied", TRACE
    )
    trace.add_argument("object", help="such as Deployment/shop/checkout, or UNIT:Deployment/checkout")
    history = verbs.add(
        "history", "reconciler.cli.history:run", "what was applied of a unit or an object: when, who, what, outcome", HISTORY
    )
    history.add_argument("subject", help="a unit, or an object as for trace")
    history.add_argument("--limit", type=how_many, default=20, help="at most this many, the newest (default 20)")
    drift = verbs.add(
        "drift",
        "reconciler.cli.drift:run",
        "what differs from Git now, who changed it, and what will be done; exit code 1 if anything of Git's does",
        DRIFT,
    )
    drift.add_argument("unit", nargs="*", help="units in homeostat.yaml (default all)")
    wait = verbs.add(
        "wait",
        "reconciler.cli.wait:run",
        "until units are healthy or a commit is applied: exit code 0, or 75 when the time is over",
        WAIT,
    )
    wait.add_argument("unit", nargs="*", help="units in homeostat.yaml (default all)")
    wait.add_argument(
        "--for", dest="wanted", default="healthy", metavar="WHAT",
        help="healthy (the default), applied (the tip of the protected branch) or applied=COMMIT",
    )  # fmt: skip
    wait.add_argument("--timeout", default="5m", help="at most this long, such as 30s or 10m (default 5m)")
    runbooks = verbs.group("runbooks", "what people wrote down about trouble, below runbooks/ of the infra repository", RUNBOOKS)
    search = runbooks.add(
        "search", "reconciler.cli.runbooks:search", "the passages that fit best, as a diagnosis would cite them", RUNBOOKS
    )
    search.add_argument("words", nargs="+", help="what it is about")
    search.add_argument("--limit", type=how_many, default=5, help="at most this many (default 5)")


TREE = """\
  homeostat tree
  homeostat tree shop --all"""
TRACE = """\
  homeostat trace Deployment/shop/checkout
  homeostat trace shop:Deployment/checkout"""
HISTORY = """\
  homeostat history shop
  homeostat history Deployment/shop/checkout --limit 5"""
DRIFT = """\
  homeostat drift
  homeostat drift shop"""
WAIT = """\
  homeostat wait shop
  homeostat wait shop --for applied=9d1e0b7 --timeout 10m"""
RUNBOOKS = "  homeostat runbooks search checkout error rate"
