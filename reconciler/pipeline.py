"""The loop, on one screen.

    alert, drift, forecast -> signals -> incident -> case -> diagnosis -> proposal -> two judges -> pull request
        -> merge -> apply -> verification -> revert if worse -> record

`turn()` does what is due, once, in this order, and says whether it did anything. A case is a row; `advance()` takes
one step of it: re-read the truth, act at most once, commit the row and its records in one transaction. Everything may
crash between any two lines: the next turn finds the row as it was and the truth where it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from reconciler.errors import HomeostatError, Misconfigured, Permanent, Retryable
from reconciler.model.cases import Case, Stage
from reconciler.ports.work import Lease
from reconciler.steps import endings
from reconciler.steps.accounting import account
from reconciler.steps.apply import await_apply
from reconciler.steps.attending import attend
from reconciler.steps.converging import converge, correct_drift, remember
from reconciler.steps.diagnose import diagnose
from reconciler.steps.foreseeing import foresee
from reconciler.steps.housekeeping import keep_house
from reconciler.steps.intake import take_in
from reconciler.steps.judge import judge
from reconciler.steps.land import land
from reconciler.steps.learning import learn
from reconciler.steps.observe import guard, soak
from reconciler.steps.open import open_pull_request
from reconciler.steps.operating import operate
from reconciler.steps.progress import readable
from reconciler.steps.propose import propose
from reconciler.steps.publishing import publish, recover
from reconciler.steps.revisiting import revisit
from reconciler.steps.scoring import score
from reconciler.steps.sensing import scrape, sense
from reconciler.steps.telling import listen
from reconciler.steps.triage import triage
from reconciler.steps.undo import undo
from reconciler.steps.world import Advance, World

log = logging.getLogger(__name__)
Step = Callable[[World, Case], Advance]

STEPS: Mapping[Stage, Step] = {
    Stage.TRIAGE: triage,  # is it still true?
    Stage.DIAGNOSE: diagnose,  # what most likely broke?
    Stage.PROPOSE: propose,  # the smallest edit that would help; a refused one makes room for a smaller one
    Stage.OPEN: open_pull_request,  # one signed commit, one pull request
    Stage.JUDGE: judge,  # votes and policy, composed; deny wins
    Stage.LAND: land,  # exactly the judged head, by compare-and-swap
    Stage.APPLY: await_apply,  # converge has brought it to the target
    Stage.GUARD: guard,  # 60 s: clearly worse?
    Stage.SOAK: soak,  # five minutes: better, worse, unknown
    Stage.UNDO: undo,  # the inverse, on the fast lane
}

TURN: tuple[Callable[[World], bool], ...] = (
    remember,  # once: the revision that is applied
    recover,  # once: machine merges without an outcome become cases again
    scrape,  # measurements in
    sense,  # sensors and drift: signals out
    attend,  # a cheap look at every series: what stands out
    account,  # objectives: error budgets, and signals where one is spent too fast
    score,  # how well the whole is, for people
    foresee,  # what the detectors see coming: signals out
    learn,  # of what failed lately, how failures announce themselves
    revisit,  # what a person has to look at: what the detectors say of it minutes later
    converge,  # new revisions of the protected branch: admit, plan, apply
    operate,  # one-shot acts that came with them, each at most once
    correct_drift,
    listen,  # what targets say is wrong: signals out
    publish,  # outbox -> signed log: before any case is judged by it
    take_in,  # signals -> incidents -> cases; their records go with those of the cases' first steps
    keep_house,  # once a day
)


def turn(world: World) -> bool:
    """One turn; True while something was done."""
    busy = False
    for part in (*TURN, work, publish):
        busy = world.guarded(part) or busy
    return busy


def work(world: World) -> bool:
    """One step after another, of whichever case is due. A store that fails here ends the turn and not the process."""
    busy = False
    while lease := world.work.claim(world.worker, world.clock.now(), world.clock.wall()):
        advance(world, lease)
        busy = True
    return busy


def advance(world: World, lease: Lease) -> None:
    """One step of one case, committed with its records; whoever lost the lease commits nothing."""
    case = world.store.case(lease.case)
    if case is not None and case.stage is not Stage.DONE:
        with world.timed(case.stage.value):
            good = readable(case)
            done = endings.settled(world, case, _step(world, case)) if good else endings.set_aside(world, case)
        if world.store.commit(done.case, done.records):
            _tell(case, done.case)
    world.work.done(lease)


def _tell(before: Case, after: Case) -> None:
    """One line a step that moved or said something new; waiting is not repeated."""
    if (before.stage, before.reason, before.detail) != (after.stage, after.reason, after.detail):
        fields = {
            "case": after.id,
            "from": before.stage.value,
            "to": after.stage.value,
            "reason": after.reason,
            "detail": after.detail,
        }
        log.info("case.step", extra={"fields": fields})


def _step(world: World, case: Case) -> Advance:
    try:
        return STEPS[case.stage](world, case)
    except Retryable as error:
        return endings.later(world, case, error)
    except Misconfigured as error:
        return endings.stuck(world, case, error)
    except HomeostatError as error:
        return endings.failed(world, case, error)
    except Exception as error:  # a mistake in one step ends one case, with a page, and not the healer
        log.exception("case.broken", extra={"fields": {"case": case.id, "stage": case.stage.value}})
        return endings.failed(world, case, Permanent(f"{type(error).__name__}: {error}", next_step="report this"))
