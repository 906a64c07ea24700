"""The candidate that touches nothing: a person is paged with what is known. It is always there, so acting is a choice."""

from __future__ import annotations

from reconciler.model.canonical import digest
from reconciler.model.diagnosis import Cause, CauseKind
from reconciler.model.proposals import BlastRadius, Edit, EditKind, Expectation, Impact, Irreversibility, Proposal
from reconciler.proposals.assembly import fingerprint
from reconciler.proposals.ready import Ready
from reconciler.proposals.situation import Candidate, Situation

NO_EDIT = Edit(EditKind.NOTHING, "", 0, (), None, None)


def nothing(situation: Situation, ready: Ready | None = None, cause: Cause | None = None) -> Candidate:
    """Do nothing and page; `ready` and `cause` where a playbook chose it."""
    incident, top = situation.incident, cause or situation.diagnosis.top
    component = top.component if top else next(iter(incident.components), "")
    playbook = ready.name if ready else "page"
    patch = digest([])
    proposal = Proposal(
        id=digest([incident.id, playbook, patch]).removeprefix("sha256:")[:16],
        incident=incident.id,
        fingerprint=fingerprint(incident.fingerprint, playbook),
        playbook=playbook,
        title=f"{component or 'unknown component'}: page a person",
        cause=top.kind.value if top else CauseKind.UNKNOWN.value,
        component=component,
        confidence=top.confidence if top else "0",
        edits=(NO_EDIT,),
        files=(),
        patch=patch,
        base=situation.revision,
        blast=BlastRadius((), (), (), 0, Impact.LOW),
        irreversibility=Irreversibility.REVERSIBLE,
        expectation=Expectation((), ()),
        predicted="nothing is touched",
        prediction_only=situation.diagnosis.prediction_only,
    )
    return Candidate(proposal, {}, {})
