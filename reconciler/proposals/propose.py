"""The stage itself: every cause, every playbook that fits it, every variant, in that order; refusals are kept.

Steps
1. no believable cause: only "do nothing and page";
2. for each cause, best first, the playbooks whose trigger is true, by priority and name;
3. a playbook that is cooling down for this component is refused;
4. each variant becomes edits; an unsafe one is refused, and the next (smaller) one is tried;
5. a patch that was reverted before, that a person rejected lately or that a judge has refused for this case, is refused;
6. "do nothing and page" ends the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.audit.text import moment
from reconciler.edits import Unsafe
from reconciler.model.diagnosis import Cause, CauseKind
from reconciler.model.proposals import Refusal
from reconciler.model.reasons import Reason
from reconciler.ports.telemetry import Telemetry
from reconciler.proposals.assembly import assemble, memory
from reconciler.proposals.nothing import nothing
from reconciler.proposals.places import Tree, Workspace
from reconciler.proposals.ready import Ready
from reconciler.proposals.situation import Candidate, History, Proposed, Rejection, Situation
from reconciler.proposals.steps import Made, Scene, take
from reconciler.proposals.triggers import trigger_values

MAX_CAUSES = 3  # deeper ones are guesses


def propose(situation: Situation, playbooks: Sequence[Ready], repo: History, telemetry: Telemetry) -> Proposed:
    """Candidates in the order to try them, and why the others are none."""
    candidates: list[Candidate] = []
    refusals: list[Refusal] = []
    for result in _attempts(Tree(situation, repo), playbooks, telemetry):
        if isinstance(result, Refusal):
            refusals.append(result)
        elif all(result.proposal.patch != known.proposal.patch for known in candidates):
            candidates.append(result)
    if not candidates and not refusals:
        refusals.append(_empty(situation))
    if not candidates or candidates[-1].files:
        candidates.append(nothing(situation))
    return Proposed(tuple(candidates), tuple(refusals))


def _attempts(tree: Tree, playbooks: Sequence[Ready], telemetry: Telemetry) -> Iterator[Candidate | Refusal]:
    situation = tree.situation
    # 1. `top` is None when the diagnosis says unknown; lower causes are then no better than guesses.
    causes = situation.diagnosis.causes[:MAX_CAUSES] if situation.diagnosis.top else ()
    for cause in causes:
        if cause.kind is CauseKind.UNKNOWN:
            continue
        # 2. triggers see typed values only.
        values = trigger_values(situation, cause, telemetry)
        for ready in sorted(playbooks, key=lambda r: (r.spec.priority, r.name)):
            answer = ready.trigger.evaluate(values)
            if answer.error:
                yield Refusal(ready.name, Reason.NO_PLAYBOOK.value, f"its trigger has no answer: {answer.error}", ready.where)
            elif answer.passed:
                yield from _variants(tree, ready, cause, telemetry)


def _variants(tree: Tree, ready: Ready, cause: Cause, telemetry: Telemetry) -> Iterator[Candidate | Refusal]:
    situation = tree.situation
    if ready.spec.pages_only:
        yield nothing(situation, ready, cause)
        return
    # 3. an effect needs time to show before the same thing is done again.
    until = situation.cooling.get((ready.name, cause.component), 0)
    if situation.now_ms < until:
        left = (until - situation.now_ms + 999) // 1_000
        yield Refusal(
            ready.name, Reason.COOLING_DOWN.value, f"was merged for {cause.component} lately, {left} s left", ready.where
        )
        return
    for parameters in ready.variants():
        made = _edits(Scene(Workspace(tree), cause, ready.name, parameters, ready.spec.irreversibility), ready)
        if isinstance(made, Refusal):
            yield made
            continue
        candidate = assemble(situation, ready, cause, made, telemetry)
        # 5. what did not help is not tried twice.
        yield _known(situation, candidate) or candidate


def _edits(scene: Scene, ready: Ready) -> Sequence[Made] | Refusal:
    """4. all steps or none."""
    made: list[Made] = []
    for step in ready.spec.steps:
        result = take(scene, step)
        if isinstance(result, Unsafe):
            return Refusal(ready.name, result.reason.value, result.detail, result.where)
        made += result
    return made


def _known(situation: Situation, candidate: Candidate) -> Refusal | None:
    proposal = candidate.proposal
    where = f"{proposal.edits[0].path}:1:1"
    if situation.remembered.intersection(memory(proposal)):
        return Refusal(proposal.playbook, Reason.REMEMBERED.value, f"{proposal.title}: was reverted before", where)
    if said := next((situation.rejected[one] for one in memory(proposal) if one in situation.rejected), None):
        return Refusal(proposal.playbook, Reason.REJECTED.value, f"{proposal.title}: {_rejected(said)}", where)
    if proposal.patch in situation.refused:
        return Refusal(proposal.playbook, Reason.DENIED.value, f"{proposal.title}: was refused by a judge", where)
    return None


def _rejected(said: Rejection) -> str:
    when, until = moment(said.said_ms), moment(said.until_ms)
    return f"{said.by} rejected it at {when} (pull request {said.number}); it is not proposed again before {until}"


def _empty(situation: Situation) -> Refusal:
    if situation.diagnosis.top is None:
        return Refusal("page", Reason.NO_CAUSE.value, "the data does not say what broke")
    return Refusal("page", Reason.NO_PLAYBOOK.value, "no playbook fits any of the causes")
