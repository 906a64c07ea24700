"""Which paths only people change: rules, playbooks, sensors, health, trust, `homeostat.yaml`, and what guards the repository.

A path is compared in its most suspicious reading: compatibility forms folded, accents and case ignored, invisible characters
removed, dots and doubled slashes resolved. A path that cannot be read plainly counts as protected.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

PROTECTED: Final = (
    "policies",
    "playbooks",
    "sensors",
    "health",
    "homeostat.yaml",
    "homeostat.yml",
    "codeowners",
    ".github",
    ".gitlab",
    ".gitlab-ci.yml",
    ".gitea",
    ".forgejo",
    "ci",
    ".ci",
    ".circleci",
    ".woodpecker",
    ".drone.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    ".gitattributes",
    ".gitmodules",
    ".mailmap",
)


def protected_paths(paths: Iterable[str], more: Iterable[str] = ()) -> tuple[str, ...]:
    """Those of the paths that only people change, sorted. `more` are further files and folders of this repository."""
    places = {*PROTECTED, *(_folded(place).strip("/") for place in more)}
    return tuple(sorted(path for path in paths if _is_protected(path, places)))


def _is_protected(path: str, places: set[str]) -> bool:
    folded = _folded(path)
    if "\\" in folded or folded.startswith("/") or ":" in folded:
        return True
    parts = [part if part == ".." else part.lstrip(" ").rstrip(" .") for part in folded.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "" in parts:
        return True
    return any("/".join(parts[:depth]) in places for depth in range(1, len(parts) + 1)) or parts[-1] in places


def _folded(path: str) -> str:
    visible = "".join(ch for ch in unicodedata.normalize("NFKD", path) if unicodedata.category(ch) not in ("Cf", "Cc", "Mn"))
    return unicodedata.normalize("NFKD", visible.casefold())
