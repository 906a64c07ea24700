"""The topology voter: who can be touched, and does the edit lie where the trouble is?

Data: the call graph, the blast radius and the edit itself; never the diagnosis' confidence. In this order:

1. No call graph, the component is not in it, or the incident names none: abstain. A component that a target itself names
   in the evidence needs no graph: the target says where the trouble is, and nothing is known to call it.
2. Capacity taken away while something fails or is slow: veto (S13). An idle CPU is no second witness.
3. The edited components are more than one, or more callers depend on them than `dependents`: reject.
4. The edited component lies on no failing path: nobody named by the incident is it or calls it: reject.
5. Otherwise approve.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.voters.ballot import EvidenceVoter, Opinion
from reconciler.model.judging import Choice
from reconciler.model.proposals import Edit, EditKind, Impact
from reconciler.model.telemetry import Topology
from reconciler.ports.voter import Question

CAPACITY = frozenset({"replicas", "cpuMillis", "memoryMiB", "workers", "connections", "limit"})
TROUBLE = ("error_rate", "latency_p50", "latency_p95", "latency_p99", "queue_depth")


class TopologyVoter(EvidenceVoter):
    """Group "topology". `components` and `dependents` bound what may be touched by itself."""

    def __init__(self, name: str = "blast-topology", group: str = "topology", components: int = 1, dependents: int = 12) -> None:
        super().__init__(name, group)
        self._components, self._dependents = components, dependents

    def opinion(self, question: Question) -> Opinion:
        component = question.proposal.component
        graph = component in question.topology.components
        if not (graph or _named(question)) or not question.incident.components:  # 1.
            return Opinion(Choice.ABSTAIN, ("the call graph does not show the component, or the incident names none",))
        if taken := _taken_away(question):  # 2.
            return Opinion(Choice.VETO, (taken,))
        if against := self._too_wide(question) or _elsewhere(question):  # 3. and 4.
            return Opinion(Choice.REJECT, (against,))
        if not graph:
            return Opinion(Choice.APPROVE, (f"the target itself names {component}, and only that is touched",))
        reach = len(_dependents(question.topology, component))
        return Opinion(Choice.APPROVE, (f"{component} lies on the failing path; {reach} component(s) depend on it",))  # 5.

    def _too_wide(self, question: Question) -> str:
        blast = question.proposal.blast
        if set(blast.components) != {question.proposal.component} or len(blast.components) > self._components:
            return f"the edit touches {len(blast.components)} component(s), it should touch its own"
        if blast.impact is Impact.HIGH and not question.proposal.high_impact:
            return "the impact is high and the proposal does not say why"
        reach = _dependents(question.topology, question.proposal.component)
        if len(reach) > self._dependents:
            return f"{len(reach)} components depend on it, more than {self._dependents}"
        return ""


def _named(question: Question) -> bool:
    """Whether a target named the component in trouble."""
    evidence = (e for cause in question.diagnosis.causes for e in cause.evidence)
    return any((e.kind, e.component) == ("told", question.proposal.component) for e in evidence)


def removes_capacity(edit: Edit) -> bool:
    """Whether a number that means capacity falls."""
    last = edit.pointer[-1] if edit.pointer else ""
    numbers = [v for v in (edit.before, edit.after) if isinstance(v, int) and not isinstance(v, bool)]
    changes = edit.kind in (EditKind.SET, EditKind.SCALE, EditKind.RESTORE)
    return changes and last in CAPACITY and len(numbers) == 2 and numbers[1] < numbers[0]


def _taken_away(question: Question) -> str:
    removed = [e for e in question.proposal.edits if removes_capacity(e)]
    if not removed or not _in_trouble(question):
        return ""
    field = ".".join(map(str, removed[0].pointer))
    return f"{field} would fall from {removed[0].before} to {removed[0].after} during trouble"


def _elsewhere(question: Question) -> str:
    failing, component = question.incident.components, question.proposal.component
    if component in _reachable(question.topology, failing):
        return ""
    return f"{component} is on no path of the failing {', '.join(failing[:5])}"


def _in_trouble(question: Question) -> bool:
    """Any trouble metric moved anywhere in the evidence, or an alert is about one."""
    moved = any(e.kind == "shift" and e.metric in TROUBLE for c in question.diagnosis.causes for e in c.evidence)
    return moved or any(s.metric in TROUBLE for s in question.incident.signals)


def _reachable(topology: Topology, start: Iterable[str]) -> set[str]:
    """The components and everything they call, directly or not."""
    found, waiting = set(start), list(start)
    while waiting:
        below = [c for c in topology.callees(waiting.pop()) if c not in found]
        found.update(below)
        waiting += below
    return found


def _dependents(topology: Topology, component: str) -> set[str]:
    found: set[str] = set()
    waiting = [component]
    while waiting:
        above = [c for c in topology.callers(waiting.pop()) if c not in found and c != component]
        found.update(above)
        waiting += above
    return found
