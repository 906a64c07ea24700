"""`homeostat orphan`: objects that Git no longer declares are given up, and stay in the cluster as they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.cli.common import acting, answer, opened
from reconciler.errors import Permanent

if TYPE_CHECKING:
    from reconciler.adapters.targets.kubernetes.releasing import Releaser
    from reconciler.bootstrap.system import System
    from reconciler.documents.installation_parts import KubernetesSettings

T = TypeVar("T")


def run(arguments: argparse.Namespace) -> int:
    """Rehearsed by the server first; nothing is done when anything is refused."""
    from reconciler.commands.orphaning import recorded, require_undeclared
    from reconciler.steps.converging import remember

    with opened(arguments) as system:
        remember(system.world)
        target, settings = _cluster(system, arguments.target)
        whole = "/" not in arguments.what
        unit, ids = _asked(system, settings, lambda to: _found(to, arguments.what, whole=whole))
        if not ids:
            raise Permanent(f"target {target} holds nothing of unit {unit}", next_step="homeostat plan shows orphaned units")
        require_undeclared(system.world, _render(system), target, unit, ids, whole=whole)
        refused = _asked(system, settings, lambda to: to.release(unit, ids, dry=True))
        if arguments.yes and not refused:
            recorded(system.world, acting(arguments, system.world), target, unit, ids)
            refused = _asked(system, settings, lambda to: _released(to, unit, ids, whole=whole))
    value = {"target": target, "unit": unit, "objects": ids, "refused": refused, "done": arguments.yes and not refused}
    answer(arguments, value, _text(value))
    return 1 if refused else 0


def _cluster(system: System, wanted: str) -> tuple[str, KubernetesSettings]:
    targets = system.world.standing().installation.spec.targets
    known = [t for t in targets if t.kind == "kubernetes" and wanted in ("", t.name)]
    if len(known) != 1:
        names = ", ".join(t.name for t in targets if t.kind == "kubernetes") or "none"
        raise Permanent(f"which cluster is meant? targets of kind kubernetes: {names}", next_step="--target NAME")
    return known[0].name, known[0].settings


def _asked(system: System, settings: KubernetesSettings, work: Callable[[Releaser], Coroutine[Any, Any, T]]) -> T:
    from reconciler.adapters.targets.kubernetes.releasing import Releaser
    from reconciler.adapters.targets.kubernetes.visiting import visit

    return visit(
        settings.kubeconfig, settings.context, lambda api, kinds: work(Releaser(api, kinds, settings)), home=system.home.root
    )


async def _found(to: Releaser, what: str, *, whole: bool) -> tuple[str, tuple[str, ...]]:
    return (what, await to.of_unit(what)) if whole else (await to.unit_of(what), (what,))


async def _released(to: Releaser, unit: str, ids: tuple[str, ...], *, whole: bool) -> Mapping[str, str]:
    refused = await to.release(unit, ids, dry=False)
    if not refused:
        await to.forget(unit, ids, whole=whole)
    return refused


def _render(system: System) -> Callable[[str, Any], Any]:
    from reconciler.bootstrap.rendering import tools
    from reconciler.converge.render import RenderCache

    cache = RenderCache(tools=tools(system.home, system.settings, system.world.author))
    return lambda revision, unit: cache.get(system.world.repo, revision, unit, "kubernetes")


def _text(value: Mapping[str, Any]) -> str:
    lines = [f"  {at}" + (f": REFUSED {value['refused'][at]}" if at in value["refused"] else "") for at in value["objects"]]
    head = f"unit {value['unit']} on {value['target']}"
    if value["done"]:
        return "\n".join([f"{head}: given up, and left as they are", *lines])
    tail = "nothing was done" if value["refused"] else "nothing was done yet: --yes gives them up; nothing is deleted"
    return "\n".join([f"{head}: would be given up", *lines, tail])
