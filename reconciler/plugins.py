"""Plug-ins: targets, forges, voters, notifiers, renderers and detectors by name.

Built-ins are one explicit dictionary of dotted strings, so that nothing is imported before it is asked for; third
parties register an entry point in the group `homeostat.<kind>`. A built-in name cannot be taken over from outside.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from reconciler.errors import Misconfigured

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

Kind = Literal["target", "forge", "voter", "notifier", "renderer", "detector"]

BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "target": {
        "lab": "reconciler.adapters.targets.lab:LabTarget",
        "directory": "reconciler.adapters.targets.directory:DirectoryTarget",
        "kubernetes": "reconciler.adapters.targets.kubernetes:KubernetesTarget",
    },
    "forge": {"embedded": "reconciler.adapters.forges.embedded:EmbeddedForge"},
    "voter": {
        "causal": "reconciler.adapters.voters.causal:CausalVoter",
        "topology": "reconciler.adapters.voters.topology:TopologyVoter",
        "outcomes": "reconciler.adapters.voters.outcomes:OutcomesVoter",
        "anomaly": "reconciler.adapters.voters.anomaly:AnomalyVoter",
        "forecast": "reconciler.adapters.voters.forecast:ForecastVoter",
    },
    "notifier": {
        "file": "reconciler.adapters.notify.file:FileNotifier",
        "webhook": "reconciler.adapters.notify.webhook:WebhookNotifier",
    },
    "renderer": {
        "kustomize": "reconciler.adapters.renderers.kustomize:KustomizeRenderer",
        "helm": "reconciler.adapters.renderers.helm:HelmRenderer",
    },
    "detector": {
        "causes": "reconciler.analysis.detectors.causes:Causes",
        "levels": "reconciler.analysis.detectors.levels:Levels",
        "anomalies": "reconciler.analysis.detectors.anomalies:AnomalyDetector",
        "forecasts": "reconciler.analysis.detectors.forecasts:Forecasts",
        "failures": "reconciler.analysis.detectors.failures:Failures",
        "patterns": "reconciler.analysis.detectors.patterns:Patterns",
    },
}

_HOW = {  # to install what a built-in needs
    "kubernetes": "`make clusters` in the checkout installs it",
    "detector": "`pip install 'homeostat[analysis]'` installs it",
}


def names(kind: Kind) -> tuple[str, ...]:
    """Every name that can be asked for, built-ins first."""
    outside = sorted(e.name for e in _outside(kind) if e.name not in BUILT_IN[kind])
    return (*BUILT_IN[kind], *outside)


def load(kind: Kind, name: str) -> Any:
    """The factory behind a name; an unknown name says which ones exist."""
    if dotted := BUILT_IN[kind].get(name):
        module, _, attribute = dotted.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "reconciler":
                raise
            raise Misconfigured(
                f"{kind} {name!r} needs the package {error.name}, which is not installed",
                next_step=_HOW.get(name, _HOW.get(kind, "install it")),
            ) from error
    for entry in _outside(kind):
        if entry.name == name:
            return entry.load()
    raise Misconfigured(f"no {kind} named {name!r}", next_step=f"use one of {', '.join(names(kind))}")


def _outside(kind: Kind) -> EntryPoints:
    from importlib.metadata import entry_points  # 0.02 s, which a command pays only for a name that is no built-in

    return entry_points(group=f"homeostat.{kind}")
