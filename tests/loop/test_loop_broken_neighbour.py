"""Another object of the unit cannot be applied, before the repair and after it: the repair is not undone for that."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from installation import BAD, GOOD, Installation
from telling import Teller, add_playbook, release_bad, while_bad

from reconciler.model.revisions import ChangeSet, Plan, Step, StepResult, Verb

BROKEN = "Service/legacy"


class Half(Teller):
    """Beside what it really holds of `shop` there is an object that it never takes, or not once the bad release is gone."""

    broken = BROKEN
    always = True
    bad = False

    def plan(self, rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        plan = self.real.plan(rendered, revision, generation, shown=shown)
        if plan.unit != "shop":
            return plan
        bad = any(BAD in str(o.spec) for o in rendered.objects)
        self.bad |= bad
        if not self.always and (bad or not self.bad):
            return plan
        return dataclasses.replace(plan, steps=(*plan.steps, Step(Verb.UPDATE, self.broken)))

    def apply(self, plan: Plan) -> ChangeSet:
        steps = tuple(s for s in plan.steps if s.id != self.broken)
        if steps == plan.steps:
            return self.real.apply(plan)
        done = self.real.apply(dataclasses.replace(plan, steps=steps))
        failed = StepResult(self.broken, Verb.UPDATE, ok=False, reason="invalid", detail="spec.port: not a number")
        return dataclasses.replace(done, results=(*done.results, failed))


@pytest.fixture
def said(site: Installation) -> Iterator[Half]:
    add_playbook(site)
    site.muted.set()
    targets = site.system.connections.targets
    targets["lab"] = made = Half(targets["lab"])
    made.say = while_bad(site)
    yield made
    site.muted.clear()


def test_a_repair_is_verified_though_another_object_cannot_be_applied_as_before(site: Installation, said: Half) -> None:
    release_bad(site)
    site.until(lambda: site.payloads("outcome"), seconds=300)
    assert len(site.payloads("merge")) == 1
    assert site.payloads("outcome")[0]["state"] == "better"
    assert site.live("checkout", "release") == GOOD


def test_an_object_that_fails_only_since_the_repair_is_waited_for_and_then_the_repair_is_undone(
    site: Installation, said: Half
) -> None:
    said.always = False
    release_bad(site)
    site.until(lambda: len(site.payloads("merge")) == 2, seconds=600)
    repair, undo = site.payloads("merge")
    assert undo["reverts"] == repair["commit"]


def test_what_has_the_name_of_the_repaired_component_has_to_be_applied(site: Installation, said: Half) -> None:
    said.broken = "Route/checkout"
    release_bad(site)
    site.until(lambda: len(site.payloads("merge")) == 2, seconds=900)
    assert not [o for o in site.payloads("outcome") if o["commit"] == site.payloads("merge")[0]["commit"]]
