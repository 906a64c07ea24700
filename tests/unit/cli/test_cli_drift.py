"""Drift as a person reads it: what, who, when, and what follows."""

from __future__ import annotations

import textwrap

from reconciler.cli.drift import lines
from reconciler.model.differences import Difference, FieldDifference, Whose
from reconciler.steps.looking import UnitDrift

IMAGE = FieldDifference("/spec/image", "web:1", "web:2", "kubectl-edit", 1_790_000_000_000)
SCALED = FieldDifference("/spec/replicas", "2", "5", "hpa (scale)", 1_790_000_000_000, Whose.THEIRS, "a scaler sets it")
GONE = FieldDifference("/data/a", "1", "")


def test_each_difference_names_its_writer_and_what_follows() -> None:
    found = UnitDrift(
        "shop",
        "prod",
        "correct",
        (
            Difference("ConfigMap/shop/a", fields=(GONE,)),
            Difference("Deployment.apps/shop/db", fields=(SCALED,)),
            Difference("Deployment.apps/shop/web", fields=(IMAGE, SCALED)),
            Difference("Service/shop/web", gone=True),
        ),
        (("Deployment.apps/shop/web", "a brake stops drift correction"),),
    )
    assert "\n".join(lines(found)) + "\n" == textwrap.dedent("""\
        shop on prod, drift: correct
          ConfigMap/shop/a
            /data/a  1 -> (none)  nobody has it now
            is put back in the next round
          Deployment.apps/shop/db
            /spec/replicas  2 -> 5  by hpa (scale), 2026-09-21 14:13:20Z  (a scaler sets it)
            stays: nothing of it is Git's
          Deployment.apps/shop/web
            /spec/image     web:1 -> web:2  by kubectl-edit, 2026-09-21 14:13:20Z
            /spec/replicas  2 -> 5          by hpa (scale), 2026-09-21 14:13:20Z   (a scaler sets it)
            stays: a brake stops drift correction
          Service/shop/web is gone
            is put back in the next round
        """)


def test_a_unit_in_which_nothing_differs_says_nothing() -> None:
    assert list(lines(UnitDrift("shop", "prod", "correct"))) == []
