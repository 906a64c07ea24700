"""Verbs about health: the rules of a checkout tested, and one object explained. They need no home and no cluster."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.parser import Verbs


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    health = verbs.group("health", "test health rules, explain the health of an object", HEALTH)
    test = health.add(
        "test", "reconciler.cli.health:test", "run the cases files beside the health rules", "  homeostat health test --path ."
    )
    test.add_argument("--library", action="store_true", help="the rules that Homeostat ships, instead of a checkout's")
    explain = health.add(
        "explain",
        "reconciler.cli.health:explain",
        "the state of every object in a file, and which rule or inference decided",
        "  homeostat health explain live.yaml",
    )
    explain.add_argument("file", type=Path, help="objects as the API server returns them, YAML or JSON; lists too")
    test.add_argument("--path", type=Path, default=Path(), help="a checkout of the infra repository (default here)")
    explain.add_argument("--path", type=Path, help="a checkout whose health rules count too (default the shipped ones only)")


HEALTH = """\
  homeostat health test --path .
  homeostat health explain live.yaml"""
