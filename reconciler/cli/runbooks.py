"""`homeostat runbooks search WORDS`: the passages of runbooks that fit best, as a diagnosis would cite them."""

from __future__ import annotations

import argparse

from reconciler.cli.common import answer, looking, tell
from reconciler.errors import Permanent


def search(arguments: argparse.Namespace) -> int:
    """From `runbooks/` of the infra repository, at the revision that is applied."""
    from reconciler.analysis.words import words
    from reconciler.steps.runbooks import FOLDER, Runbooks

    with looking(arguments) as home:
        revision = home.applied() or home.head
        found = Runbooks().at(home.repo, revision)
        for path, why in found.left_out:
            tell(f"{path} was not read: {why}")
        if not found.passages:
            raise Permanent(
                f"{revision[:12]} has no runbooks", next_step=f"write Markdown, HTML or text below {FOLDER}/, and push"
            )
        best = found.best(words(" ".join(arguments.words)), arguments.limit)
        lines = [f"{p.path}:{p.line}  {p.heading}".rstrip() + f"\n  {p.text}" for p in best]
        answer(arguments, best, "\n\n".join(lines) or f"none of the {len(found.passages)} passages holds one of these words")
    return 0
