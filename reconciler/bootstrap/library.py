"""Where the shipped documents lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import Misconfigured

PARTS = ("infra-repo-template", "policies", "playbooks", "schemas")


def library(part: str) -> Path:
    """The folder of one part."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_library" / part, package.parent / part):
        if folder.is_dir():
            return folder
    raise Misconfigured(f"the shipped {part} are missing", where=str(package), next_step="install homeostat again")


def template() -> dict[str, bytes]:
    """Every file of a new infra repository: the template, with the default policies, playbooks and schemas in place."""
    files = dict(_files(library("infra-repo-template"), ""))
    for part in ("policies", "playbooks"):
        files |= {path: data for path, data in _files(library(part), part) if path not in files}
    return files | dict(_files(library("schemas"), "schemas"))


def _files(folder: Path, under: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(folder).as_posix()
            yield (f"{under}/{name}" if under else name), path.read_bytes()
