"""The real renderers for tests, and a history to render from."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from peers import peers

from reconciler.adapters.renderers.helm import HelmRenderer
from reconciler.adapters.renderers.kustomize import KustomizeRenderer
from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.documents.installation import Unit
from reconciler.ports.repo import MACHINE
from reconciler.testing.signing import MemorySigner


def program(name: str) -> str:
    """The path of kustomize, helm, sops, age or age-keygen; skips or, in CI, fails where it is not."""
    wrapper = name.partition("-")[0]
    folder = peers(wrapper)
    return shutil.which(name, path=os.fspath(folder)) or str(folder / name)


def kustomize() -> KustomizeRenderer:
    return KustomizeRenderer(program("kustomize"))


def helm() -> HelmRenderer:
    return HelmRenderer(program("helm"))


def unit(name: str, **more: object) -> Unit:
    return Unit.model_validate_json(json.dumps({"name": name, "path": f"apps/{name}", "target": "t", **more}))


@functools.cache
def _repo(folder: Path) -> PygitRepo:
    return PygitRepo(init_bare(folder / "infra.git", author=MemorySigner("author", "machine").public))


class Files:
    """Revisions that hold exactly the given files."""

    def __init__(self, folder: Path) -> None:
        self.repo = _repo(folder)

    def __call__(self, files: Mapping[str, bytes]) -> tuple[PygitRepo, str]:
        return self.repo, self.repo.write("", dict(files), "Files", MACHINE, 1_000, None)
