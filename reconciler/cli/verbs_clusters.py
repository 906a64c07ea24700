"""Verbs about units and clusters that change something: suspend, resume, bootstrap, adopt, orphan."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.parser import Verbs, person


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    suspend = verbs.add(
        "suspend",
        "reconciler.cli.brakes:suspend",
        "leave a unit alone for a while: nothing is applied, corrected or deleted",
        SUSPEND,
    )
    suspend.add_argument("unit", help="the unit's name in homeostat.yaml")
    suspend.add_argument("--reason", required=True, help="why; everybody sees it")
    suspend.add_argument("--until", default="1d", help="ends by itself after this long, such as 30m or 2h (default 1d)")
    person(suspend)
    resume = verbs.add("resume", "reconciler.cli.brakes:resume", "apply a suspended unit again, as Git says by now", RESUME)
    resume.add_argument("unit", help="the unit's name in homeostat.yaml")
    person(resume)
    _bootstrap(verbs)
    adopt = verbs.add(
        "adopt", "reconciler.cli.adopt:run", "write a live namespace as files for Git; changes nothing there", ADOPT
    )
    adopt.add_argument("namespace", help="which namespace")
    adopt.add_argument("--unit", required=True, help="the name that the unit gets in homeostat.yaml")
    _reach(adopt)
    _written(adopt, required=True)
    orphan = verbs.add("orphan", "reconciler.cli.orphan:run", "give up what Git no longer declares; nothing is deleted", ORPHAN)
    orphan.add_argument(
        "what", metavar="UNIT|OBJECT", help="one unit, or one object as plans write it, such as Deployment.apps/shop/web"
    )
    orphan.add_argument("--target", default="", help="which cluster, when homeostat.yaml names several")
    how = orphan.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="say what would be given up (the default)")
    how.add_argument("--yes", action="store_true", help="do it")
    person(orphan)


def _bootstrap(verbs: Verbs) -> None:
    verb = verbs.add(
        "bootstrap",
        "reconciler.cli.bootstrap:run",
        "Homeostat's own manifests for a cluster, with the rights that units need",
        BOOTSTRAP,
    )
    verb.add_argument("--path", type=Path, help="read a checked-out folder instead of the home's protected branch")
    verb.add_argument("--target", default="", help="which cluster, when homeostat.yaml names several")
    verb.add_argument("--unit", action="append", default=[], help="only for this unit; again for more (default the target's)")
    verb.add_argument("--namespace", default="", help="where Homeostat runs (default the target's settings.namespace)")
    verb.add_argument(
        "--image", default="", help="the container image that has `homeostat` on its PATH (default homeostat:VERSION)"
    )
    verb.add_argument("--allow", action="append", default=[], metavar="ACT", help="an act that Operations may do, such as evict")
    _reach(verb)
    _written(verb)


def _reach(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--context", default="", help="the kubeconfig's context of a cluster to ask")
    verb.add_argument("--kubeconfig", default="", help="the kubeconfig (default KUBECONFIG or ~/.kube/config)")


def _written(verb: argparse.ArgumentParser, *, required: bool = False) -> None:
    verb.add_argument("--out", type=Path, required=required, help="write one file for each object into this folder")
    verb.add_argument("--overwrite", action="store_true", help="also over files that say something else")


SUSPEND = """\
  homeostat suspend shop --reason 'moving the database' --until 2h
  homeostat suspend shop --reason 'moving the database' --as alice --key ~/.ssh/id_ed25519"""
RESUME = "  homeostat resume shop"
BOOTSTRAP = """\
  homeostat bootstrap --path . --image registry.example.org/homeostat:1.0
  homeostat bootstrap --path . --target prod --context prod --allow restart --allow evict --out clusters/prod/homeostat"""
ADOPT = "  homeostat adopt shop --unit shop --context prod --out apps/shop"
ORPHAN = """\
  homeostat orphan shop
  homeostat orphan Deployment.apps/shop/web --yes"""
