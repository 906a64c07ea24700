"""The narrative: what a pull request says, made of typed fields.

In: incident, diagnosis and proposal. Out: a Narrative whose every string is one clean line. No text from outside is copied
whole: names, metrics and numbers are put into sentences written here; evidence carries sentences that diagnosis wrote. What
people wrote in their runbooks is quoted in part, with its place, and is text like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.changes.wording import line
from reconciler.model.diagnosis import Cause, Diagnosis
from reconciler.model.explanations import call_in_words
from reconciler.model.memory import Alike, Passage, Seen
from reconciler.model.proposals import BlastRadius, Edit, EditKind, Irreversibility, Proposal, Scalar
from reconciler.model.pulls import Narrative
from reconciler.model.signals import Incident

MAX_EVIDENCE = 8
MAX_EDITS = 20
MAX_NAMES = 8  # in one sentence
MAX_ALIKE, MAX_PASSAGES = 3, 3
MAX_CALLS = 2

_REVERSIBILITY = {
    Irreversibility.REVERSIBLE: "The inverse edit restores everything.",
    Irreversibility.COSTLY: "The inverse edit restores the files, but not what running instances lost meanwhile.",
    Irreversibility.IRREVERSIBLE: "This cannot be undone in the running system; a person has to approve it.",
}
_CAME = {
    "better": "it helped",
    "worse": "it did not help, or was undone",
}  # what was undone counts as worse, whatever was seen first


def describe(incident: Incident, diagnosis: Diagnosis, proposal: Proposal) -> Narrative:
    """The same words for pull request, page, CLI and record."""
    told = diagnosis.explanation
    return Narrative(
        title=line(proposal.title, 120),
        what_happened=_what_happened(incident, diagnosis),
        evidence=(*_evidence(diagnosis), *calls_in_words(diagnosis)),
        edit_in_words=edits_in_words(proposal),
        predicted=line(proposal.predicted or "No effect is predicted."),
        blast_radius=_blast_radius(proposal.blast),
        undo=_undo(proposal),
        incident=line(incident.id, 120),
        playbook=line(proposal.playbook, 120),
        fingerprint=line(proposal.fingerprint, 120),
        seen=seen_in_words(diagnosis.seen),
        explained=line(told.summary, 800) if told else "",
        graph=told.drawings.graph if told and told.drawings.graph.nodes else None,
    )


def _what_happened(incident: Incident, diagnosis: Diagnosis) -> str:
    alerts = "one signal" if incident.count == 1 else f"{incident.count} signals"
    names = _listed(dict.fromkeys(signal.name for signal in incident.signals))
    said = f"{alerts} ({names})" if names else alerts
    return line(
        f"{incident.severity.value}: {said} about {_listed(incident.components) or 'no named component'}. {_cause(diagnosis)}",
        800,
    )


def _cause(diagnosis: Diagnosis) -> str:
    top = diagnosis.top
    if top is None:
        return "The data does not say why."
    commit = f", commit {line(top.commit, 40)[:12]}" if top.commit else ""
    early = " It is a forecast: nothing is broken yet." if diagnosis.prediction_only else ""
    spreading = " It is spreading." if diagnosis.cascading else ""
    named = f"{top.kind.value} of {line(top.component, 80)}{commit}"
    return f"Likely cause: {named} (confidence {line(top.confidence, 12)}).{early}{spreading}"


def _evidence(diagnosis: Diagnosis) -> tuple[str, ...]:
    top: Cause | None = diagnosis.top
    found = top.evidence if top is not None else ()
    more = (f"and {len(found) - MAX_EVIDENCE} more in the record",) if len(found) > MAX_EVIDENCE else ()
    return (*(line(evidence.text) for evidence in found[:MAX_EVIDENCE]), *more)


def calls_in_words(diagnosis: Diagnosis) -> tuple[str, ...]:
    """The calls in trouble around the cause, with traces that show them."""
    told = diagnosis.explanation
    return tuple(line(call_in_words(call), 500) for call in told.calls[:MAX_CALLS]) if told else ()


def seen_in_words(seen: Seen | None) -> tuple[str, ...]:
    """The past of a diagnosis: counts, incidents that look alike, and passages of runbooks as quotations with their place."""
    if seen is None:
        return ()
    return (line(seen.summary), *map(_alike, seen.alike[:MAX_ALIKE]), *map(_passage, seen.passages[:MAX_PASSAGES]))


def _alike(other: Alike) -> str:
    came = _CAME.get(other.outcome, "its effect is not known")
    repaired = f"{other.playbook} landed: {came}" if other.playbook else "no repair landed"
    return line(f"{other.incident} looks alike ({other.likeness}): {other.cause} of {other.component}; {repaired}")


def _passage(passage: Passage) -> str:
    heading = f", {line(passage.heading, 80)}" if passage.heading else ""
    return f"{line(passage.path, 160)}:{passage.line}{heading}: \u201c{line(passage.text, 240)}\u201d"


def edits_in_words(proposal: Proposal) -> tuple[str, ...]:
    """One sentence an edit; files without one (a reverted commit's) by name."""
    if proposal.is_nothing:
        return ("Nothing is edited; a person is asked to look.",)
    told = {edit.path for edit in proposal.edits}
    rest = [f"{line(file.path, 200)}: {_file_verb(file.before, file.after)}" for file in proposal.files if file.path not in told]
    words = [*(_edit(edit) for edit in proposal.edits), *rest]
    more = (f"and {len(words) - MAX_EDITS} more files, see the diff",) if len(words) > MAX_EDITS else ()
    return (*words[:MAX_EDITS], *more)


def _edit(edit: Edit) -> str:
    where = line(edit.path, 200)
    if edit.kind is EditKind.REVERT:
        return line(f"{where}: undo commit {edit.commit[:12]}")
    if edit.kind is EditKind.OPERATION:
        return f"{where}: add this one-shot Operation"
    if edit.kind is EditKind.APPEND:
        return line(f"{where}: add {edit.after} to {'.'.join(str(part) for part in edit.pointer[:-1])}")
    source = f", as it was in commit {line(edit.commit, 40)[:12]}" if edit.commit else ""
    pointer = line(".".join(str(part) for part in edit.pointer), 200)
    return f"{where}: {pointer} from {_value(edit.before)} to {_value(edit.after)}{source}"


def _value(value: Scalar) -> str:
    if value is None:
        return "nothing"
    return f'"{line(value, 80)}"' if isinstance(value, str) else str(value).lower()


def _file_verb(before: str, after: str) -> str:
    if not before:
        return "added"
    return "altered" if after else "removed"


def _blast_radius(blast: BlastRadius) -> str:
    objects = "1 object" if blast.objects == 1 else f"{blast.objects} objects"
    where = f"{_listed(blast.components) or 'no component'} in {_listed(blast.units) or 'no unit'}"
    callers = _listed(blast.dependents) or "nobody known"
    return line(f"{blast.impact.value} impact: {objects} of {where}; called by {callers}.", 800)


def _undo(proposal: Proposal) -> str:
    again = "This is itself an undo. " if proposal.is_revert_of else ""
    how = f"{again}git revert the merged commit and push, or 'homeostat pr revert NUMBER'."
    return f"{how} {_REVERSIBILITY[proposal.irreversibility]}"


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    shown = [line(name, 60) for name in list(names)[:MAX_NAMES]]
    more = [f"{len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return ", ".join([*shown, *more])
