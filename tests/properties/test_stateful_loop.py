"""The whole loop against whatever people, attackers, crashes and the clock do, in any order (a Hypothesis state machine).

Each rule does one thing to a real installation and lets the loop settle; after each, `loop_invariants.check` holds Git,
the signed log and the lab against each other. `make test` tells the same few stories each time; `CHAOS=all` tells more and
longer ones, others with every run, and shrinks what fails.
Homes lie in memory: on a disk a story waits mostly for Git's and SQLite's fsync, and no rule here cuts the power.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from examples import EVERYTHING
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from installation import CHECKOUT, GOOD, Installation, installation
from labserver import serving
from loop_invariants import check

from reconciler.commands import brakes
from reconciler.commands.accepting import accept
from reconciler.model.pulls import PullState
from reconciler.ports.repo import MACHINE, Identity, RefMove
from reconciler.settings import Home
from reconciler.signals import parse_alertmanager

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CART, AUTONOMY, ROLLBACK = "apps/shop/cart.yaml", "policies/autonomy.yaml", "playbooks/rollback-release.yaml"
SOONER = "  expect:\n    guardAfterSeconds: 20\n    outcomeAfterSeconds: 60\n"
NOT_THEIRS = ("+HEAD~1:main", ":main", "HEAD:refs/homeostat/pr/9", ":refs/homeostat/log", "+HEAD:refs/homeostat/log")
MALLORY = Identity("Mallory", "mallory@example.org")


@functools.cache
def opened_up() -> Path:
    """A home in which the machine may roll back releases by itself; made once, never used itself."""
    folder = Path(tempfile.mkdtemp(prefix="homeostat-stateful-", dir=MEMORY))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with installation(folder) as site:
        site.allow("rollback-release")
        site.push({ROLLBACK: ("  expect:\n", SOONER)}, "Look sooner")
        site.settle()
    return folder / "home"


class Loop(RuleBasedStateMachine):
    """One installation and everybody around it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="homeostat-loop-", dir=MEMORY))
        self.open = contextlib.ExitStack()
        self.open.callback(shutil.rmtree, self.folder, ignore_errors=True)
        home = Home(self.folder / "home")
        shutil.copytree(opened_up(), home.root)
        url, muted = self.open.enter_context(serving(home))
        self.site = Installation(home, url, self.folder / "clone", muted)
        self.open.callback(self._close)
        self.broken = False  # the newest policy does not load

    @initialize()
    def begins(self) -> None:
        self.site.settle()

    def _close(self) -> None:
        self.site.system.close()  # the one that is open then: restarts replace it

    @property
    def pulls(self) -> list[int]:
        return [pull.number for pull in self.site.pulls(PullState.OPEN.value)]

    # trouble

    @rule(mode=st.sampled_from(["slow", "failing"]))
    def a_bad_release(self, mode: str) -> None:
        if f'"{GOOD}"' in self.site.file(CHECKOUT):
            self.site.bad_release(mode)

    @rule()
    def releases_go_bad_for_a_while(self) -> None:  # the name sorts late: the first one is what every story shrinks to
        self.a_bad_release("slow")
        self.site.advance(40)

    @rule(component=st.sampled_from(["checkout", "cart", "nobody"]), name=st.sampled_from(["HighErrorRate", "HighLatency"]))
    def an_alert(self, component: str, name: str) -> None:
        world = self.site.system.world
        at = datetime.fromtimestamp(world.clock.now() // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        alert = {"status": "firing", "labels": {"alertname": name, "service": component}, "startsAt": at}
        raw = json.dumps({"version": "4", "alerts": [alert]}).encode()
        world.store.accept(parse_alertmanager(raw, "main", world.clock.now()))
        self.site.settle()

    @rule()
    def faults_end(self) -> None:
        self.site.heal()

    @rule()
    def measurements_stop_or_come_back(self) -> None:
        (self.site.muted.clear if self.site.muted.is_set() else self.site.muted.set)()

    # people

    @rule(replicas=st.integers(2, 4))
    def a_person_edits(self, replicas: int) -> None:
        text = self.site.file(CART)
        old = next(line for line in text.splitlines() if "replicas:" in line)
        if old.strip() != f"replicas: {replicas}":
            self.site.push({CART: (old, f"  replicas: {replicas}")}, f"cart: {replicas} replicas")
            self.site.settle()

    @rule(mode=st.sampled_from(["review", "autonomous"]))
    def a_person_edits_policy(self, mode: str) -> None:
        other = {"review": "autonomous", "autonomous": "review"}[mode]
        rule_of = 'playbooks: [rollback-release]\n      units: ["*"]\n      mode: {}\n'
        if rule_of.format(other) in self.site.file(AUTONOMY):
            self.site.push({AUTONOMY: (rule_of.format(other), rule_of.format(mode))}, f"Roll back: {mode}")
            self.site.settle()

    @precondition(lambda self: not self.broken)
    @rule()
    def a_person_breaks_policy(self) -> None:
        self.site.push({AUTONOMY: ("  rules:\n", "  rulez:\n")}, "A slip")
        self.broken = True
        self.site.settle()

    @precondition(lambda self: self.broken)
    @rule()
    def a_person_mends_policy(self) -> None:
        self.site.push({AUTONOMY: ("  rulez:\n", "  rules:\n")}, "Mend it")
        self.broken = False
        self.site.settle()

    @rule()
    def a_person_reverts_the_machine(self) -> None:
        for commit in self.site.machine_commits()[:1]:
            with contextlib.suppress(AssertionError):  # it conflicts, or there is nothing left to revert: git says so
                self.site.git_revert(commit)
            self.site.git("reset", "-q", "--hard", "origin/main")
            self.site.settle()

    @rule(choice=st.sampled_from(["approve", "reject"]))
    def a_person_reviews(self, choice: str) -> None:
        for number in self.pulls[:1]:
            self.site.review(number, choice)
            self.site.settle()

    @rule(seconds=st.sampled_from([30, 600]))
    def a_person_brakes(self, seconds: int) -> None:
        brakes.put_on(self.site.system.world, self.site.person(), "wait", seconds * 1_000)
        self.site.settle()

    @rule()
    def a_person_lifts_brakes(self) -> None:
        for brake in brakes.brakes(self.site.system.world):
            brakes.take_off(self.site.system.world, self.site.person(), brake.id)
        self.site.settle()

    @rule(replicas=st.integers(2, 4), life=st.sampled_from(["settle", "restart", "lose_store"]))
    def a_person_suspends_a_unit(self, replicas: int, life: str) -> None:
        """Whatever Git, the machine and a lost memory say meanwhile, it stays as it is; then it is what Git says."""
        before = self.shop()
        brakes.suspend(self.site.system.world, self.site.person(), "shop", "hands off", 3_600_000)
        self.a_person_edits(replicas)
        getattr(self.site, life)()
        self.site.advance(30)
        assert self.shop() == before, "something of a suspended unit was applied"
        brakes.resume(self.site.system.world, self.site.person(), "shop")
        self.site.advance(10)

    def shop(self) -> list[object]:
        services = self.site.lab("/state")["services"]
        return [services[name]["spec"] for name in ("cart", "checkout", "search")]

    @rule()
    def a_person_panics(self) -> None:
        self.site.panic(300)
        self.site.settle()

    @rule(what=st.sampled_from(NOT_THEIRS))
    def somebody_pushes_what_is_not_theirs(self, what: str) -> None:
        self.site.pull()
        before = self.site.refs()
        with contextlib.suppress(AssertionError):
            self.site.git("push", "-q", "origin", what)
            raise RuntimeError(f"{what} was pushed")
        assert self.site.refs() == before

    @rule(rewritten=st.booleans())
    def somebody_moves_the_branch_behind_the_hook(self, rewritten: bool) -> None:
        """A forged commit of the machine on top, or a history without the last commit: frozen and told, then put back.

        Taking the forged commit back rewrites the branch, too: it stays frozen until somebody who may accepts it.
        """
        world, head = self.site.system.world, self.site.head()
        base = world.repo.commit(head).parents[0] if rewritten else head  # type: ignore[union-attr]
        text = self.site.file("apps/payments/fraud.yaml", base).replace("replicas: 2", "replicas: 9")
        who = MALLORY if rewritten else MACHINE
        forged = world.repo.write(base, {"apps/payments/fraud.yaml": text.encode()}, "Trust me", who, world.clock.now(), None)
        pages = len(self.site.pages())
        assert world.repo.move([RefMove(world.ref, head, forged)])
        self.site.settle()
        self.a_person_reviews("approve")  # who has not noticed
        self.site.advance(40)
        assert world.head() == forged, "the machine built on a branch that nobody admitted"
        assert len(self.site.pages()) > pages
        check(self.site)
        assert world.repo.move([RefMove(world.ref, forged, head)])
        self.site.settle()
        assert ("no longer descends" in world.not_followed()) != rewritten
        if not rewritten:
            accept(world, self.site.person(), head)
            self.site.settle()

    # time and crashes

    @rule(seconds=st.sampled_from([5, 20, 60]))
    def time_passes(self, seconds: int) -> None:
        self.site.advance(seconds)

    @rule()
    def it_restarts(self) -> None:
        self.site.restart()
        self.site.settle()

    @rule()
    def the_store_is_lost(self) -> None:
        before = self.done()
        self.site.lose_store()
        self.site.settle()
        assert self.done() == before, "losing the store did or undid something"

    def done(self) -> tuple[str, object, int]:
        return self.site.head(), self.site.lab("/state")["services"]["checkout"]["spec"], len(self.site.records("merge"))

    @invariant()
    def invariants(self) -> None:
        check(self.site)

    def teardown(self) -> None:
        with self.open:
            assert self.site.verify().ok, self.site.verify().problems


STORY = settings(
    max_examples=30 if EVERYTHING else 5,
    stateful_step_count=30 if EVERYTHING else 14,
    derandomize=not EVERYTHING,
    print_blob=True,  # `@reproduce_failure` with it, on `Loop`, tells the story again
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if EVERYTHING else (Phase.generate,),  # Hypothesis stops shrinking after 5 minutes
)


@pytest.mark.timeout(3_600 if EVERYTHING else 240)
def test_no_order_of_events_breaks_an_invariant() -> None:
    run_state_machine_as_test(Loop, settings=STORY)


def play(loop: Loop, *steps: Callable[[], None]) -> set[str]:
    """These rules in this order, checked after each; the kinds of record that came of it."""
    try:
        loop.begins()
        for step in steps:
            step()
            check(loop.site)
        return set(loop.site.kinds())
    finally:
        loop.teardown()


def test_the_rules_reach_repairs_reverts_and_panics() -> None:
    """The machine is not green because nothing happens in it."""
    loop = Loop()
    kinds = play(
        loop,
        loop.releases_go_bad_for_a_while,
        partial(loop.time_passes, 60),
        loop.it_restarts,
        loop.a_person_reverts_the_machine,
        partial(loop.somebody_moves_the_branch_behind_the_hook, rewritten=True),
        loop.the_store_is_lost,
        loop.a_person_breaks_policy,
        loop.it_restarts,
        loop.a_person_panics,
    )
    assert {"merge", "outcome", "hold", "panic", "brake", "alarm"} <= kinds


def test_the_rules_reach_a_unit_that_is_suspended_while_it_is_repaired() -> None:
    loop = Loop()
    kinds = play(
        loop,
        partial(loop.a_bad_release, "failing"),
        partial(loop.a_person_suspends_a_unit, 4, "lose_store"),
        partial(loop.time_passes, 60),
        partial(loop.a_person_suspends_a_unit, 3, "restart"),
        loop.it_restarts,
    )
    assert {"merge", "brake"} <= kinds


def test_the_rules_reach_a_repair_that_is_braked_and_a_forged_branch_below_it() -> None:
    loop = Loop()
    kinds = play(
        loop,
        partial(loop.a_person_edits_policy, "review"),
        partial(loop.a_person_brakes, 600),
        loop.releases_go_bad_for_a_while,
        loop.a_person_lifts_brakes,
        partial(loop.somebody_moves_the_branch_behind_the_hook, rewritten=False),
        partial(loop.time_passes, 60),
    )
    assert {"merge", "brake", "alarm"} <= kinds
