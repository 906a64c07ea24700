"""Verbs that look at units and their objects and change nothing."""

from __future__ import annotations

from reconciler.cli.parser import Verbs


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


TREE = """\
  homeostat tree
  homeostat tree shop --all"""
