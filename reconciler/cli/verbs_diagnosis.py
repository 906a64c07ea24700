"""The verb that looks for what is wrong in recorded telemetry. It needs no home, no target and no network."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.parser import Verbs


def register(verbs: Verbs) -> None:
    """Adds it; nothing is imported until it runs."""
    diagnose = verbs.add(
        "diagnose",
        "reconciler.cli.diagnose:run",
        "what was wrong in recorded telemetry: causes, changes, patterns, forecasts, explained and drawn",
        DIAGNOSE,
    )
    diagnose.add_argument("--from-dir", type=Path, required=True, metavar="DIR", help="a folder of CSV or Parquet files")
    diagnose.add_argument("--alarm", default="", metavar="TIME", help="when somebody complained (default: nobody did)")
    diagnose.add_argument(
        "--normal", default="", metavar="A..B", help="when all was well (default: a column phase, or all before the alarm)"
    )
    diagnose.add_argument("--symptom", default="", metavar="COMPONENT", help="what the complaint was about")
    diagnose.add_argument(
        "--limit", action="append", default=[], metavar="NAME=NUMBER",
        help="where COMPONENT|METRIC must not go; may be given again",
    )  # fmt: skip
    diagnose.add_argument(
        "--out", type=Path, metavar="DIR", help="also write index.html, the drawings and explanation.json there"
    )


DIAGNOSE = """\
  homeostat diagnose --from-dir outage --alarm 2024-05-01T12:03:00Z --symptom frontend
  homeostat diagnose --from-dir outage --alarm 1714565000 --normal 1714560000..1714564000 --out report
  homeostat diagnose --from-dir last-week --limit 'orders-db|memory_usage=0.9'"""
