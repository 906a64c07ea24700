"""`homeostat adopt`: a live namespace as files for Git, and what to write into homeostat.yaml."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import plugins
from reconciler.cli.common import answer
from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    from reconciler.adapters.targets.kubernetes.adopting import Harvest

BIG = 8 * 1024 * 1024


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 when something is there that applying would not leave alone."""
    plugins.load("target", "kubernetes")  # says what to install where it is missing
    from reconciler.adapters.targets.kubernetes.adopting import harvest
    from reconciler.adapters.targets.kubernetes.visiting import visit
    from reconciler.cli.files import named, put

    found = visit(arguments.kubeconfig, arguments.context, lambda api, kinds: harvest(api, kinds, arguments.namespace))
    good = {at: manifest for at, manifest in found.manifests.items() if _reads_back(manifest)}
    left = {**found.left, **dict.fromkeys(found.manifests.keys() - good.keys(), "it holds text that no strict reader takes")}
    if not good:
        raise Permanent(f"nothing in namespace {arguments.namespace} can be adopted", next_step="; ".join(left.values()))
    files = named(good.values())
    new = put(arguments.out, files, overwrite=arguments.overwrite)
    value = {
        "unit": arguments.unit, "files": sorted(files), "new": new, "left": left, "secrets": list(found.secrets),
        "appliers": found.appliers, "changes": found.changes,
    }  # fmt: skip
    answer(arguments, value, "\n\n".join(filter(None, _paragraphs(arguments, found, left, len(files), len(new)))))
    return 1 if found.changes else 0


def _reads_back(manifest: Mapping[str, Any]) -> bool:
    """The file says what the cluster says, to our reader as to kubectl."""
    from reconciler.yamltext import Reading, kubernetes, parse
    from reconciler.yamltext.writing import write

    try:
        documents = parse(write([manifest]).encode(), "adopted", Reading(BIG, 1, 100, kubernetes))
    except Misconfigured:
        return False
    return [document.value for document in documents] == [manifest]


def _paragraphs(arguments: argparse.Namespace, found: Harvest, left: Mapping[str, str], files: int, new: int) -> list[str]:
    checked = "" if found.changes else "; by the server's dry run, applying them changes nothing"
    return [
        f"{files} files in {arguments.out}, {new} of them new{checked}",
        _rows("applying these is not known to leave them alone", found.changes),
        _rows("applied by somebody else: take them out there first, or leave the unit to it with `applier`", found.appliers),
        _rows("left out", left),
        _secrets(found.secrets),
        _unit(arguments.unit, arguments.out),
    ]


def _rows(title: str, rows: Mapping[str, str]) -> str:
    return "\n".join([title, *(f"  {at}: {why}" for at, why in rows.items())]) if rows else ""


def _secrets(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    next_step = (
        "  write each as a file and encrypt it: sops encrypt --age age1... --encrypted-regex '^(data|stringData)$' -i FILE"
    )
    return "\n".join(["secrets, whose values are never written here", *(f"  {name}" for name in names), next_step])


def _unit(name: str, out: Path) -> str:
    return (
        "next: commit the files, and below `units` in homeostat.yaml\n"
        f"  - name: {name}\n    path: {out.as_posix()}\n    target: TARGET\n    apply: {{adopt: true}}\n"
        "`adopt` may go when the unit was applied once"
    )
