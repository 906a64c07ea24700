"""Verbs about what is watched: the shipped sensors, listed and printed. They need no home."""

from __future__ import annotations

from reconciler.cli.parser import Verbs


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    sensors = verbs.add(
        "sensors",
        "reconciler.cli.sensors:sensors",
        "the shipped sensors, or one of them as a file to begin with",
        "  homeostat sensors\n  homeostat sensors --family storage\n"
        "  homeostat sensors disk-usage    a document for sensors/, where its rule begins to count",
    )
    sensors.add_argument("name", nargs="?", default="", help="one sensor, printed as a document (default: a list of all)")
    families = ("compute", "network", "application", "machine-learning", "storage")
    sensors.add_argument("--family", choices=families, help="only this family (default: all)")
