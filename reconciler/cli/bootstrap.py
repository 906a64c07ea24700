"""`homeostat bootstrap`: Homeostat's own objects for a cluster, with rights generated from what the units render to."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler import __version__, plugins
from reconciler.cli.common import answer, opened
from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    from reconciler.adapters.targets.kubernetes.rights import Wants
    from reconciler.converge.render import RenderCache
    from reconciler.documents.installation_parts import KubernetesSettings
    from reconciler.ports.repo import Repo
    from reconciler.steps.rulebook import Rulebook


def run(arguments: argparse.Namespace) -> int:
    """Printed as one stream, or written as one file each."""
    plugins.load("target", "kubernetes")  # says what to install where it is missing
    from reconciler.adapters.targets.kubernetes import installing, rights
    from reconciler.adapters.targets.kubernetes.visiting import plurals
    from reconciler.cli.files import named, put
    from reconciler.yamltext.writing import write

    with _revision(arguments) as (rules, repo, revision, cache):
        settings = _settings(rules, arguments)
        wants = list(_wants(arguments, rules, repo, revision, cache))
    asked = bool(arguments.context or arguments.kubeconfig)
    known = plurals(arguments.kubeconfig, arguments.context) if asked else {}
    allowed = _allowed(arguments.allow)
    granted = rights.grants(wants, settings, allowed, known)
    image = arguments.image or f"homeostat:{__version__}"
    made = [
        *installing.manifests(settings, installing.Installed(image)),
        *rights.manifests(granted, rights.own_account(settings)),
    ]
    if not arguments.out:
        answer(arguments, made, write(made).rstrip("\n"))
        return 0
    new = put(arguments.out, named(made), overwrite=arguments.overwrite)
    answer(arguments, {"files": len(made), "new": new}, f"{len(made)} objects in {arguments.out}, {len(new)} files are new")
    return 0


@contextlib.contextmanager
def _revision(arguments: argparse.Namespace) -> Iterator[tuple[Rulebook, Repo, str, RenderCache]]:
    """The protected branch of the home, or a checkout."""
    from reconciler.bootstrap.checkout import scratch
    from reconciler.bootstrap.rendering import offline_tools, tools
    from reconciler.converge.render import RenderCache
    from reconciler.steps.rulebooks import Rulebooks

    if arguments.path:
        with scratch(arguments.path) as found:
            yield Rulebooks(found.repo).at(found.now), found.repo, found.now, RenderCache(tools=offline_tools())
        return
    with opened(arguments) as system:
        world = system.world
        cache = RenderCache(tools=tools(system.home, system.settings, world.author))
        yield world.rules.at(world.head()), world.repo, world.head(), cache


def _settings(rules: Rulebook, arguments: argparse.Namespace) -> KubernetesSettings:
    """Of the one cluster that is meant."""
    targets = [t for t in rules.installation.spec.targets if t.kind == "kubernetes" and arguments.target in ("", t.name)]
    if len(targets) != 1:
        names = ", ".join(t.name for t in rules.installation.spec.targets if t.kind == "kubernetes") or "none"
        raise Permanent(f"which cluster is meant? targets of kind kubernetes: {names}", next_step="--target NAME")
    arguments.target = targets[0].name
    settings: KubernetesSettings = targets[0].settings
    if arguments.namespace not in ("", settings.namespace):
        raise Permanent(
            f"target {arguments.target} keeps its records in namespace {settings.namespace}, not in {arguments.namespace}",
            next_step=f"write settings: {{namespace: {arguments.namespace}}} on the target in homeostat.yaml",
        )
    return settings


def _wants(arguments: argparse.Namespace, rules: Rulebook, repo: Repo, revision: str, cache: RenderCache) -> Iterator[Wants]:
    """A unit that does not render whole would get too few rights."""
    from reconciler.adapters.targets.kubernetes.rights import Wants
    from reconciler.converge.values import RenderFailure
    from reconciler.documents.installation_applier import applied_by

    units = {u.name: u for u in rules.installation.spec.units if u.target == arguments.target}
    if missing := [name for name in arguments.unit if name not in units]:
        raise Permanent(
            f"target {arguments.target} has no unit {missing[0]!r}", next_step=f"there are {', '.join(sorted(units))}"
        )
    for name in arguments.unit or units:
        made = cache.get(repo, revision, units[name], "kubernetes")
        if isinstance(made, RenderFailure) or made.errors:
            raise Misconfigured(f"unit {name} does not render: {made.detail}", next_step="homeostat plan --path .")
        yield Wants(name, units[name].apply.service_account, made.rendered.objects, applied_by(units[name].applier))


def _allowed(names: list[str]) -> frozenset[Any]:
    from reconciler.adapters.targets.kubernetes.operations import ACTIONS

    if unknown := [name for name in names if name not in ACTIONS]:
        raise Permanent(f"there is no act {unknown[0]!r}", next_step=f"there are {', '.join(ACTIONS)}")
    return frozenset(names)
