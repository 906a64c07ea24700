"""Proposals: from a diagnosis to the smallest typed edits that might help, best first. Pure: it writes nothing.

In: a `Situation` (incident, diagnosis, revision, units, call graph, what is remembered), ready playbooks, and read-only
views of Git and Telemetry. Out: `Proposed`: candidates in the order to try them, each with the new bytes of its files
and the bytes that undo it, and the refusals with their reasons.

Invariants
* "Do nothing and page" is always a candidate, and the only one when the diagnosis does not say what broke.
* A candidate that is refused, here or by a judge, makes room for the next, which is smaller or less preferred.
* Only typed fields become edits: nothing that telemetry, an alert or a label says is ever written into a file; the name
  of a component is used only after an object of that name was found in the tree.
* Only files below a unit's folder are edited (and new ones added below operations/): never policies, playbooks or trust.
* A patch that was reverted is not proposed again, nor is the same edit on a file that has otherwise moved on; so, for a while,
  with one that a person rejected.

Whether a candidate may be merged is left to the judges, writing the commit to `changes`.
"""

from reconciler.proposals.assembly import memory
from reconciler.proposals.propose import propose
from reconciler.proposals.ready import Ready, ready
from reconciler.proposals.rehearsal import CaseResult, run_cases
from reconciler.proposals.situation import Candidate, Proposed, Rejection, Situation
from reconciler.proposals.undoing import undo

__all__ = [
    "Candidate",
    "CaseResult",
    "Proposed",
    "Ready",
    "Rejection",
    "Situation",
    "memory",
    "propose",
    "ready",
    "run_cases",
    "undo",
]
