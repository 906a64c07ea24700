"""FakeTarget: a target in memory, held to the same contract as the real ones (`check_target`).

It can be disturbed (drift), made to refuse an object, or made unreachable, and it keeps what it was asked to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.converge.diffing import make_plan
from reconciler.converge.shapes import body_digest
from reconciler.errors import Retryable
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, Health, HealthState, Observed, Plan, Rendered, Step, StepResult, Verb


@dataclass(slots=True)
class _Object:
    unit: str
    body: Mapping[str, Any]
    applied: str


@dataclass(slots=True)
class FakeTarget:
    """`refuse` holds ids that fail, `broken` makes every call Retryable, `calls` is the history."""

    name: str
    at_once: int = 1
    objects: dict[str, _Object] = field(default_factory=dict)
    fences: dict[str, tuple[int, str]] = field(default_factory=dict)
    refuse: set[str] = field(default_factory=set)
    broken: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    applied: list[Plan] = field(default_factory=list)

    def observe(self, unit: str) -> Observed:
        self._call("observe", unit)
        generation, revision = self.fences.get(unit, (0, ""))
        mine = {i: o for i, o in sorted(self.objects.items()) if o.unit == unit}
        live = {i: body_digest(o.body) for i, o in mine.items() if o.body}
        return Observed(unit, generation, revision, live, {i: o.applied for i, o in mine.items()})

    def inventory(self) -> Mapping[str, str]:
        self._call("inventory", "")
        return {i: o.unit for i, o in sorted(self.objects.items())}

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        self._call("plan", rendered.unit)
        return make_plan(rendered, self.observe(rendered.unit), lambda i: self.objects[i].body, revision, generation, shown=shown)

    def dry_run(self, plan: Plan) -> ChangeSet:
        self._call("dry_run", plan.unit)
        return self._do(plan, act=False)

    def apply(self, plan: Plan) -> ChangeSet:
        self._call("apply", plan.unit)
        self.applied.append(plan)
        return self._do(plan, act=True)

    def health(self, unit: str) -> Sequence[Health]:
        self._call("health", unit)
        state = {True: HealthState.HEALTHY, False: HealthState.MISSING}
        return [Health(i, state[bool(o.body)]) for i, o in sorted(self.objects.items()) if o.unit == unit]

    def disturb(self, object_id: str, body: Mapping[str, Any]) -> None:
        """Somebody else changes the live object; an empty body removes it."""
        self.objects[object_id].body = body

    def _call(self, what: str, unit: str) -> None:
        self.calls.append((what, unit))
        if self.broken:
            raise Retryable(f"target {self.name} does not answer to {what}", next_step="look whether it runs")

    def _do(self, plan: Plan, *, act: bool) -> ChangeSet:
        held, revision = self.fences.get(plan.unit, (0, ""))
        if plan.generation < held or (plan.generation == held and plan.revision != revision):
            return ChangeSet(plan.unit, self.name, plan.revision, plan.generation, (), Reason.STALE_PLAN.value)
        if act:
            self.fences[plan.unit] = (plan.generation, plan.revision)
        results = tuple(self._step(plan, step, act=act) for step in plan.steps)
        reason = Reason.APPLIED if all(r.ok for r in results) else Reason.INVALID
        return ChangeSet(plan.unit, self.name, plan.revision, plan.generation, results, reason.value)

    def _step(self, plan: Plan, step: Step, *, act: bool) -> StepResult:
        if step.id in self.refuse:
            return StepResult(step.id, step.verb, ok=False, reason=Reason.INVALID.value, detail="the target refuses this object")
        if act and step.verb is Verb.PRUNE:
            held = self.objects.get(step.id)
            if held is not None and held.unit == plan.unit:
                del self.objects[step.id]
        elif act:
            desired = next(o for o in plan.objects if o.id == step.id)
            self.objects[step.id] = _Object(plan.unit, dict(desired.spec), desired.digest)
        return StepResult(step.id, step.verb, ok=True, reason=Reason.APPLIED.value)
