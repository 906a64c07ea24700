"""Verbs about the record: audit and replay."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.parser import Verbs, how_many


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    audit = verbs.group("audit", "read and prove the log", AUDIT)
    log = audit.add(
        "log",
        "reconciler.cli.audit:log",
        "records, oldest first",
        "  homeostat audit log --kind verdict --incident inc-4f1c2a90be77",
    )
    log.add_argument("--kind", default="", help="only this kind of record")
    log.add_argument("--incident", default="", help="only this incident")
    log.add_argument("--limit", type=how_many, default=200, help="at most this many, the newest (default 200)")
    show = audit.add(
        "show", "reconciler.cli.audit:show", "one record whole, or as a Sigstore bundle", "  homeostat audit show 41 --bundle"
    )
    show.add_argument("index", type=int, help="the record's number in the log")
    show.add_argument("--bundle", action="store_true", help="as a Sigstore bundle that cosign can check")
    verify = audit.add(
        "verify", "reconciler.cli.audit:verify", "prove the whole log, or say where it does not hold", "  homeostat audit verify"
    )
    verify.add_argument("--repository", type=Path, help="another copy of the repository (default the home's)")
    replay = verbs.add(
        "replay", "reconciler.cli.audit:replay", "judge an incident again from its record: the same, byte for byte", REPLAY
    )
    replay.add_argument("incident", help="an incident id from `homeostat status` or `homeostat audit log`")


AUDIT = """\
  homeostat audit log --limit 20
  homeostat audit show 41
  homeostat audit verify"""
REPLAY = "  homeostat replay inc-4f1c2a90be77"
