"""The conformance kit for targets that can do one-shot acts: what every Operator promises.

`CHECKS` holds one function for each promise; each gets a fresh `OperatorRig`. `check_operator(make)` runs them all. A
failed promise raises AssertionError with a sentence. A rig has one unit with one component and one action that it can do,
and it counts how often the world was really acted on.
A rig whose operator is Lasting is a LastingRig, and `LASTING_CHECKS` hold, too.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from reconciler.errors import HomeostatError, Retryable
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted, Lasting, Operator
from reconciler.testing.expecting import expect

TRIES = 20

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


class LastingRig(OperatorRig, Protocol):
    """One whose operator is Lasting. An act that lasts takes at least two turns here; `effects` counts those that are done."""

    def lasting(self, name: str) -> Act:
        """A valid act under this id that takes longer than one turn."""
        ...

    def hold(self) -> None:
        """From now on the world lets nobody get on with it."""
        ...

    def let_go(self) -> None:
        """The world does not hold it up any more."""
        ...

    def soon(self, fact: Callable[[], bool], what: str) -> None:
        """Waits until it is so."""
        ...

    def reopen(self) -> Operator:
        """The process ended and another one has begun: its operator."""
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


def what_lasts_is_begun_by_one_call_and_ended_by_others(rig: LastingRig) -> None:
    act = rig.lasting("one")
    expect(act.action in _lasting(rig.operator).lasting(), "the rig's lasting action is not listed")
    rig.hold()
    acted = rig.operator.operate(act, dry_run=False)
    expect(acted.ok and acted.reason == Reason.WAITING.value, f"it is not said to be under way: {acted}")
    for _ in range(2):
        told = _turn(rig.operator, act)
        expect(told.ok and told.reason == Reason.WAITING.value and bool(told.detail), f"it does not say how far it is: {told}")
        expect(0 < told.again_ms <= 60_000, f"it does not say when to go on: {told}")
    expect(rig.effects() == 0, "it was done although the world held it up")
    rig.let_go()
    told = _to_its_end(rig, rig.operator, act)
    expect(told.ok and told.reason == Reason.APPLIED.value, f"it came to another end: {told}")
    expect(rig.effects() == 1, "nothing was done")
    again = rig.operator.operate(act, dry_run=False)
    expect(again.ok and again.reason == Reason.DUPLICATE.value, f"the second time does not say so: {again}")


def what_lasts_goes_on_in_another_process(rig: LastingRig) -> None:
    act = rig.lasting("one")
    rig.hold()
    rig.operator.operate(act, dry_run=False)
    _turn(rig.operator, act)
    rig.let_go()
    told = _to_its_end(rig, rig.reopen(), act)
    expect(told.reason == Reason.APPLIED.value, f"another process does not go on with it: {told}")
    expect(rig.effects() == 1, "it was not done once")
    again = _turn(rig.reopen(), act)
    expect(again.ok and again.reason == Reason.APPLIED.value, f"whoever comes too late does not hear of the end: {again}")


def going_on_never_begins(rig: LastingRig) -> None:
    for act in (rig.lasting("one"), rig.act("two")):
        try:
            told = _lasting(rig.operator).go_on(act)
        except HomeostatError:
            continue
        expect(held=False, promise=f"it went on with what was never begun: {told}")
    expect(rig.effects() == 0, "it was begun by going on")


def what_is_under_way_is_not_begun_again(rig: LastingRig) -> None:
    act = rig.lasting("one")
    rig.hold()
    rig.operator.operate(act, dry_run=False)
    _turn(rig.operator, act)
    for dry_run in (True, False):
        told = rig.operator.operate(act, dry_run=dry_run)
        expect(told.reason == Reason.WAITING.value, f"an id that is under way is not said to be: {told}")
    other = rig.operator.operate(replace(act, unit="another-unit"), dry_run=False)
    expect(not other.ok, "another act under an id that is under way was not refused")


def _lasting(operator: Operator) -> Lasting:
    expect(isinstance(operator, Lasting), "the operator is not a Lasting one")
    assert isinstance(operator, Lasting)  # noqa: S101 (for the type only: `expect` has said so)
    return operator


def _turn(operator: Operator, act: Act) -> Acted:
    """The world may be slow to answer, which is no answer yet."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(Retryable):
            return _lasting(operator).go_on(act)
    return _lasting(operator).go_on(act)


def _to_its_end(rig: LastingRig, operator: Operator, act: Act) -> Acted:
    told = [_turn(operator, act)]

    def over() -> bool:
        if told[-1].reason == Reason.WAITING.value:
            told.append(_turn(operator, act))
        return told[-1].reason != Reason.WAITING.value

    rig.soon(over, "the act comes to its end")
    return told[-1]


LASTING_CHECKS: Sequence[Callable[[LastingRig], None]] = (
    what_lasts_is_begun_by_one_call_and_ended_by_others,
    what_lasts_goes_on_in_another_process,
    going_on_never_begins,
    what_is_under_way_is_not_begun_again,
)
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


def check_lasting(make: Callable[[], AbstractContextManager[LastingRig]]) -> None:
    """What a Lasting one promises beyond that."""
    for check in LASTING_CHECKS:
        with make() as rig:
            check(rig)
