"""The conformance kit for targets that can do one-shot acts: what every Operator promises.

`CHECKS` holds one function for each promise; each gets a fresh `OperatorRig`. `check_operator(make)` runs them all. A
failed promise raises AssertionError with a sentence. A rig has one unit with one component and one action that it can do,
and it counts how often the world was really acted on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Operator
from reconciler.testing.expecting import expect

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class OperatorRig(Protocol):
    """One fresh operator and what a check may do with it."""

    @property
    def operator(self) -> Operator: ...

    def act(self, name: str) -> Act:
        """A valid act under this id."""
        ...

    def effects(self) -> int:
        """How often the world was acted on."""
        ...


def every_action_has_a_name_that_a_document_can_hold(rig: OperatorRig) -> None:
    actions = rig.operator.actions()
    expect(bool(actions), "an operator without actions")
    expect(all(NAME.fullmatch(name) for name in actions), f"a name that no Operation can hold: {sorted(actions)}")
    expect(rig.act("one").action in actions, "the rig's own action is not listed")


def a_dry_run_agrees_and_touches_nothing(rig: OperatorRig) -> None:
    told = rig.operator.operate(rig.act("one"), dry_run=True)
    expect(told.ok and told.reason == Reason.OK.value, f"the dry run of a valid act fails: {told}")
    expect(rig.effects() == 0, "the dry run acted")


def an_act_is_done_and_said_to_be(rig: OperatorRig) -> None:
    acted = rig.operator.operate(rig.act("one"), dry_run=False)
    expect(acted.ok and acted.reason == Reason.APPLIED.value, f"a valid act fails: {acted}")
    expect(rig.effects() == 1, "nothing was done")


def the_same_id_twice_is_done_once(rig: OperatorRig) -> None:
    rig.operator.operate(rig.act("one"), dry_run=False)
    for dry_run in (False, True):
        again = rig.operator.operate(rig.act("one"), dry_run=dry_run)
        expect(again.ok and again.reason == Reason.DUPLICATE.value, f"the second time does not say so: {again}")
    expect(rig.effects() == 1, "it was done twice")


def another_id_is_another_act(rig: OperatorRig) -> None:
    rig.operator.operate(rig.act("one"), dry_run=False)
    expect(rig.operator.operate(rig.act("two"), dry_run=False).reason == Reason.APPLIED.value, "a fresh act was refused")
    expect(rig.effects() == 2, "the second act was not done")


def what_cannot_be_done_is_refused_before_anything_happens(rig: OperatorRig) -> None:
    act = rig.act("one")
    for wrong in (
        replace(act, action="no-such-action"),
        replace(act, component="no-such-component"),
        replace(act, unit="another-unit"),
    ):
        for dry_run in (True, False):
            answer = rig.operator.operate(wrong, dry_run=dry_run)
            expect(not answer.ok and bool(answer.detail), f"it was not refused with a reason: {wrong}: {answer}")
    expect(rig.effects() == 0, "a refused act was done")
    expect(rig.operator.operate(act, dry_run=False).ok, "a refused act used up its id")


def an_id_never_stands_for_two_acts(rig: OperatorRig) -> None:
    act = rig.act("one")
    rig.operator.operate(act, dry_run=False)
    other = rig.operator.operate(replace(act, unit="another-unit"), dry_run=False)
    expect(not other.ok, "another act under a used id was not refused")
    expect(rig.effects() == 1, "another act under a used id was done")


CHECKS: Sequence[Callable[[OperatorRig], None]] = (
    every_action_has_a_name_that_a_document_can_hold,
    a_dry_run_agrees_and_touches_nothing,
    an_act_is_done_and_said_to_be,
    the_same_id_twice_is_done_once,
    another_id_is_another_act,
    what_cannot_be_done_is_refused_before_anything_happens,
    an_id_never_stands_for_two_acts,
)


def check_operator(make: Callable[[], AbstractContextManager[OperatorRig]]) -> None:
    """Every promise, each on a fresh operator."""
    for check in CHECKS:
        with make() as rig:
            check(rig)
