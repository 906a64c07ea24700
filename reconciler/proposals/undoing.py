"""The inverse of a machine commit as a candidate: what verification asks for when a repair made things worse.

The bytes come from Git's own revert onto the present tip, so what people did in between stays. A revert that conflicts
is refused: a person has to look, and nothing is half undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.edits import Edited, replace_file
from reconciler.model.canonical import digest
from reconciler.model.proposals import Check, Edit, EditKind, FileEdit, Irreversibility, Proposal, Refusal
from reconciler.model.reasons import Reason
from reconciler.proposals.assembly import fingerprint
from reconciler.proposals.situation import Candidate, History

PLAYBOOK = "undo"
# What callers feel. A service that collapsed uses little CPU, and uses it again when it recovers: no sign of harm.
FELT = ("error_rate", "latency_", "queue_depth")
IMPROVE = "0.05"  # of what got worse: the revert has to be seen to help, too


def undo(repaired: Proposal, commit: str, revision: str, repo: History, harm: Sequence[str] = ()) -> Candidate | Refusal:
    """The revert of `commit`, which landed `repaired`, on top of `revision`. `harm`: what a target said anew because of it."""
    if repaired.is_revert_of:
        return Refusal(PLAYBOOK, Reason.ESCALATED.value, "a machine revert is never reverted by the machine", commit)
    if any(edit.kind is EditKind.OPERATION for edit in repaired.edits):
        return Refusal(PLAYBOOK, Reason.ESCALATED.value, "an Operation that ran is not undone by removing its file", commit)
    undone = repo.revert(commit, revision)
    if undone is None:
        return Refusal(PLAYBOOK, Reason.UNSAFE_EDIT.value, f"{commit[:12]} does not revert cleanly any more", commit)
    made = [replace_file(path, repo.read(revision, path), after, commit) for path, after in sorted(undone.items())]
    edited = [item for item in made if isinstance(item, Edited)]
    if not edited:
        return Refusal(PLAYBOOK, Reason.NO_CHANGE.value, f"{commit[:12]} is undone already", commit)
    proposal = _proposal(repaired, commit, revision, tuple(item.file for item in edited), tuple(harm))
    return Candidate(proposal, {e.edit.path: e.after for e in edited}, {e.edit.path: e.before for e in edited})


def _proposal(repaired: Proposal, commit: str, revision: str, files: tuple[FileEdit, ...], harm: tuple[str, ...]) -> Proposal:
    patch = digest(list(files))
    edits = tuple(_inverse(edit, commit) for edit in reversed(repaired.edits))
    asked = [c for c in repaired.expectation.checks if c.metric.startswith(FELT)] or list(repaired.expectation.checks)
    checks = tuple(dict.fromkeys(Check(c.component, c.metric, c.direction, "", IMPROVE) for c in asked))
    return replace(
        repaired,
        id=digest([repaired.incident, PLAYBOOK, patch]).removeprefix("sha256:")[:16],
        fingerprint=fingerprint(repaired.fingerprint, PLAYBOOK),
        playbook=PLAYBOOK,
        title=f"{repaired.component}: undo {repaired.playbook} ({commit[:12]})",
        confidence="1",
        edits=edits,
        files=files,
        patch=patch,
        base=revision,
        irreversibility=Irreversibility.REVERSIBLE,
        # Neighbours may be what it harmed, and what was to be repaired is back.
        expectation=replace(repaired.expectation, checks=checks, controls=(), gone=harm, healthy=False),
        predicted="what the repair made worse goes back to what it was",
        is_revert_of=commit,
        high_impact=(),
        prediction_only=False,
    )


def _inverse(edit: Edit, commit: str) -> Edit:
    return replace(edit, kind=EditKind.REVERT, before=edit.after, after=edit.before, commit=commit)
