"""The tree of a unit as a person reads it."""

from __future__ import annotations

import textwrap

from reconciler.cli.tree import lines
from reconciler.model.revisions import HealthState
from reconciler.model.trees import Branch, Happening, LogTail, Tree

POD = Branch(
    "Pod/shop/web-5d9c-x",
    HealthState.DEGRADED,
    "CrashLoopBackOff",
    events=(Happening(1_790_000_000_000, "BackOff", "Back-off restarting"),),
    logs=(LogTail("web", True, ("starting", "no database")), LogTail("side", note="its log cannot be read: no")),
    note="the right to list events is missing",
)
SET = Branch("ReplicaSet.apps/shop/web-5d9c", HealthState.PROGRESSING, below=(POD,), folded=2)
TREE = Tree("shop", "prod", (Branch("Deployment.apps/shop/web", HealthState.DEGRADED, "2 of 3", below=(SET,)),), 4)


def text(tree: Tree) -> str:
    return "\n".join(lines(tree)) + "\n"


def test_a_failing_container_is_led_to_from_its_unit() -> None:
    assert text(TREE) == textwrap.dedent("""\
        shop on prod
          Deployment.apps/shop/web  degraded  2 of 3
            ReplicaSet.apps/shop/web-5d9c  progressing
              Pod/shop/web-5d9c-x  degraded  CrashLoopBackOff
                event 2026-09-21 14:13:20Z BackOff: Back-off restarting
                log of web, before it ended last:
                  | starting
                  | no database
                log of side: its log cannot be read: no
                (the right to list events is missing)
              2 well
          4 well; --all shows them
        """)


def test_a_unit_that_is_well_is_two_lines() -> None:
    assert text(Tree("shop", "prod", (), 7)) == "shop on prod\n  all 7 well; --all shows them\n"


def test_a_unit_of_which_nothing_is_there_says_so() -> None:
    assert text(Tree("shop", "prod")) == "shop on prod: nothing is applied yet\n"


def test_a_tree_is_well_when_everything_in_it_is() -> None:
    assert not TREE.fine
    assert Tree("shop", "prod", (Branch("Pod/a/b", HealthState.SUSPENDED),)).fine
