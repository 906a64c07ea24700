"""What each Reason means and what a person does about it: the text behind docs/reference/reasons.md.

One entry for every member of `Reason`; a test fails when one is missing, so no outcome reaches an operator unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model.reasons import Reason

_NOTHING = "Nothing."

MEANINGS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.OK: ("What was asked for holds.", _NOTHING),
    Reason.ERROR: (
        "A step failed for good; the case ended with a page.",
        "Read the text beside it; `homeostat why` shows the case.",
    ),
    Reason.UNKNOWN: ("The data does not say.", "Look at the telemetry of the component; unknown is never good or bad."),
    Reason.STALE: (
        "The present no longer shows what the alert claimed.",
        "Nothing; if it comes and goes, look at the alert's rule.",
    ),
    Reason.DUPLICATE: ("The same signal was already stored.", _NOTHING),
    Reason.COALESCED: ("The signal joined an open incident.", "Look at that incident."),
    Reason.HELD: (
        "A hold keeps the machine away from this file or unit.",
        "`homeostat brake list`, then `brake unhold` when you agree.",
    ),
    Reason.NO_CAUSE: ("Diagnosis found no cause with enough evidence.", "A person looks; the machine does not guess."),
    Reason.NO_PLAYBOOK: ("No playbook's condition holds for this diagnosis.", "Act yourself, or write a playbook for it."),
    Reason.UNSAFE_EDIT: (
        "The edit cannot be made without touching other bytes.",
        "Make it by hand; the text names file, line and reason.",
    ),
    Reason.NO_CHANGE: ("The edit would leave every byte as it is.", _NOTHING),
    Reason.REMEMBERED: (
        "The same patch was reverted before.",
        "Another remedy is needed; the patch itself is not proposed again.",
    ),
    Reason.COOLING_DOWN: (
        "The playbook acted on this component a short while ago.",
        "Wait, or act yourself; `coolDownSeconds` is in the playbook.",
    ),
    Reason.DO_NOTHING: ("Doing nothing is the best candidate.", _NOTHING),
    Reason.ALLOWED: ("Every requirement of the policy holds.", _NOTHING),
    Reason.DENIED: ("A requirement forbids it.", "`homeostat policy explain N` names the document and the line."),
    Reason.NEEDS_PERSON: ("A person has to approve it.", "`homeostat pr show N`, then approve or reject."),
    Reason.POLICY_ERROR: (
        "A condition could not be evaluated, so it denies.",
        "Repair the condition; `homeostat policy test --path .`",
    ),
    Reason.LIMIT: (
        "The edit moves a value further outside a hard limit.",
        "Nothing overrides a limit; change the Limits document if it is wrong.",
    ),
    Reason.BUDGET: ("A budget of merges is spent.", "Wait for the window to pass, or change the Budget document."),
    Reason.MAINTENANCE: (
        "People work on what the repair touches.",
        "Wait until the window of the Maintenance document ends, or approve it.",
    ),
    Reason.FROZEN: ("A freeze is in force.", "Wait until it ends, or change the Freeze document."),
    Reason.SUSPENDED: ("A person suspended the unit; nothing of it is touched.", "`homeostat resume UNIT`, or wait for its end."),
    Reason.BRAKED: ("A brake is on.", "`homeostat brake list`, then `brake off` when you agree."),
    Reason.AUTONOMY: (
        "Autonomy does not let this playbook go so far in this unit.",
        "Approve it, or open it up in `policies/autonomy.yaml`.",
    ),
    Reason.BLAST_RADIUS: (
        "It reaches further than the guardrail level allows.",
        "A person approves it, or the repair becomes smaller.",
    ),
    Reason.LOW_CONFIDENCE: (
        "The cause is less certain than a merge by itself needs.",
        "Look at the evidence and approve or reject.",
    ),
    Reason.IRREVERSIBLE: ("It cannot be taken back.", "A person always decides."),
    Reason.RATE: (
        "Too many merges in a short time, or a second one in the same failure domain.",
        "Wait; it is judged again when time has passed.",
    ),
    Reason.TRUST: ("The identity may not do this.", "`policies/trust.yaml` says who may; edits of it need the role policy."),
    Reason.QUORUM_MET: ("Enough independent evidence agrees.", _NOTHING),
    Reason.NO_QUORUM: ("Not enough independent evidence agrees.", "A review of a person stands in for missing votes."),
    Reason.VETO: ("A voter forbids it, with its reason.", "A veto is not outvoted; read the ballot's reasons."),
    Reason.NO_VOTERS: (
        "No voter is eligible, so nobody can agree.",
        "Look at the Quorum document; a person's review may stand in.",
    ),
    Reason.NOT_APPLICABLE: ("This requirement does not concern this edit.", _NOTHING),
    Reason.MERGED: ("The judged head is the tip of the branch.", _NOTHING),
    Reason.BASE_MOVED: ("The branch moved meanwhile; the commit is built again on it.", "Nothing; it is judged again."),
    Reason.HEAD_MOVED: (
        "The pull request has another head than the one that was seen.",
        "Look at it again: `homeostat pr show N`.",
    ),
    Reason.REJECTED: (
        "A person rejected it.",
        "Nothing; the machine proposes something else or nothing, and this edit not again for `grouping.rejectedMs`.",
    ),
    Reason.REVIEWED: ("Somebody reviewed it in the moment in which it was to land.", "Nothing; it is judged again."),
    Reason.CLOSED: ("The pull request is closed.", "`homeostat pr show N` says why."),
    Reason.APPLIED: ("The target holds what the revision says.", _NOTHING),
    Reason.UNVERDICTED: (
        "A machine commit without its signed verdict on record; it is not applied.",
        "Treat it as an intrusion: `homeostat audit verify`.",
    ),
    Reason.NOT_ADMITTED: (
        "A person's commit that Trust does not admit; it is not applied.",
        "Sign it with a key that Trust lists, or revert it.",
    ),
    Reason.REWRITTEN: (
        "The protected branch no longer descends from the tip that was seen last; it is not followed.",
        "Find out who pushed with force; push the old history back, or accept it: `homeostat reconcile --accept COMMIT`.",
    ),
    Reason.STALE_PLAN: ("The target holds a newer generation.", "Nothing; the plan is made again."),
    Reason.EMPTY_RESULT: (
        "The revision would remove every object of a unit; it is refused.",
        "Repair the revision, or remove the unit from `homeostat.yaml`.",
    ),
    Reason.PRUNE_BUDGET: ("The revision would remove more objects than allowed at once.", "Remove them in smaller commits."),
    Reason.INVALID: (
        "The revision does not load or render; the last good one stays applied.",
        "`homeostat policy check --path .` names file, line and column.",
    ),
    Reason.BLOCKED: ("A unit that this one depends on is not applied.", "Look at that unit first."),
    Reason.WAITING: (
        "An earlier wave is not healthy yet, something still needs what is to be deleted, or an Operation is under way.",
        "Nothing: it goes on by itself. When it lasts, look at the object that is named.",
    ),
    Reason.ELSEWHERE: (
        "Another process of this installation converges the target.",
        "Nothing: this one takes over when that process is gone for 15 seconds.",
    ),
    Reason.INCOMPLETE: (
        "An Operation was begun and its target could not do it to its end in time, or something stopped it.",
        "Its record says how far it came. Add an Operation with a new name if the rest is still wanted.",
    ),
    Reason.DRIFTED: ("A live object differs from what Git says.", "Nothing, unless it returns: then something else writes it."),
    Reason.UNHEALTHY: ("Objects of the unit are not healthy after the apply.", "`homeostat status` names them."),
    Reason.BETTER: ("What the playbook expected is seen, and neighbours say that it was the repair.", _NOTHING),
    Reason.WORSE: ("It became worse; the machine undoes its own edit.", "Nothing at once; the patch is remembered."),
    Reason.BLIND: ("Telemetry is missing; there is no outcome.", "Repair the source; a person may have to look at the service."),
    Reason.REVERTED: ("The edit was undone.", _NOTHING),
    Reason.ESCALATED: ("A person has to look; a page was sent.", "`homeostat why` shows what is known."),
}
