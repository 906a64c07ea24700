"""Helm: a chart of the repository, rendered by the installed `helm template`.

It reads the chart's folder and the values files that homeostat.yaml names. Dependencies have to lie in the chart's `charts`
folder: nothing is fetched. No cluster is asked (`lookup` finds nothing), no name is resolved, no plug-in runs. Hooks are told
apart after rendering, by what homeostat.yaml says about them.

A chart that makes a new password at every render would be applied anew forever: where a template calls a function of that
kind, the chart is rendered twice, and refused when the two differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.renderers.child import Limits, Program, exported, run
from reconciler.errors import Misconfigured
from reconciler.ports.renderer import Ask, Reads
from reconciler.ports.repo import Repo

CHANGING = re.compile(
    rb"\{\{[^}]*\b(rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|now|ago|htpasswd|bcrypt|shuffle|encryptAES|getHostByName)\b", re.DOTALL
)
ARCHIVES = (".tgz", ".tar.gz")


class HelmRenderer:
    """A Renderer."""

    def __init__(self, program: str = "", limits: Limits | None = None) -> None:
        self._program = Program("helm", program)
        self._limits = limits or Limits()

    def version(self) -> str:
        return self._program.version("version", "--short")

    def reads(self, ask: Ask, repo: Repo, revision: str) -> Reads:
        chart = _chart(ask)
        files = dict(repo.files(revision, chart)) if repo.tree(revision, chart) else {}
        if f"{chart}/Chart.yaml" not in files:
            raise Misconfigured(f"{chart} holds no Chart.yaml", where=chart, next_step="name the chart's folder in render.chart")
        for path in ask.settings.get("valuesFiles", ()):
            blob = repo.files(revision, path.rpartition("/")[0]).get(path) if _folder_there(repo, revision, path) else None
            if blob is None:
                raise Misconfigured(
                    f"{path} is not in the repository", where=path, next_step="render.valuesFiles are paths from the root"
                )
            files[path] = blob
        around = {chart, *ask.settings.get("valuesFiles", ())}
        return Reads(files, frozenset(p for p in around if p != ask.path and not p.startswith(f"{ask.path}/")))

    def render(self, ask: Ask, files: Mapping[str, bytes], *, secret: bool) -> bytes:
        with exported(files, secret=secret) as folder:
            arguments = _arguments(ask, folder)
            made = run(self._program.path(), arguments, folder, self._limits)
            if changing := _changing(ask, files):
                again = run(self._program.path(), arguments, folder, self._limits)
                if again != made:
                    raise Misconfigured(
                        f"the chart renders differently each time ({changing[1]} in {changing[0]})",
                        where=changing[0], next_step="give the value that it makes up in the unit's values",
                    )  # fmt: skip
        return made


def _folder_there(repo: Repo, revision: str, path: str) -> bool:
    return repo.tree(revision, path.rpartition("/")[0]) is not None


def _chart(ask: Ask) -> str:
    return str(ask.settings.get("chart") or ask.path)


def _arguments(ask: Ask, folder: Path) -> list[str]:
    told, inside = ask.settings, folder / "in"
    inline = folder / "home" / "values.json"
    inline.write_text(json.dumps(told.get("values", {})), encoding="utf-8")
    made = ["template", str(told.get("release") or ask.unit), str(inside / _chart(ask)), "--skip-tests"]
    made += ["--namespace", ask.namespace or "default"]
    made += [word for path in told.get("valuesFiles", ()) for word in ("--values", str(inside / path))]
    made += ["--values", str(inline)]
    made += [word for api in told.get("apiVersions", ()) for word in ("--api-versions", api)]
    made += ["--kube-version", str(told["kubeVersion"])] if told.get("kubeVersion") else []
    return made + (["--include-crds"] if told.get("includeCRDs", True) else [])


def _changing(ask: Ask, files: Mapping[str, bytes]) -> tuple[str, str] | None:
    """A file of the chart that may not render the same twice, and the function it calls. Archives are not opened."""
    for path, data in files.items():
        if not path.startswith(f"{_chart(ask)}/"):
            continue
        if path.endswith(ARCHIVES):
            return path, "whatever it calls"
        if (found := CHANGING.search(data)) and "/templates/" in path:
            return path, found[1].decode()
    return None
