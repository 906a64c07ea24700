"""The objects that Argo CD tests its own health checks with, of API groups that are not among the development cases.

Of these groups a third was looked at while rules were written, chosen by a hash of the group's name before any object was read;
the rules of the others were written from the operators' sources and documentation, without their objects.
"""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

BUILD = Path(__file__).resolve().parents[1] / ".ci/peers/build"
Case = dict[str, Any]


def part(group: str) -> int:
    """Which third of all groups this one is in."""
    return int(sha256(f"homeostat-health-holdout-1:{group}".encode()).hexdigest(), 16) % 3


def looked_at(group: str) -> bool:
    return part(group) == 1


def folder() -> Path | None:
    """Where `make peers` has put them, None where it has not."""
    asked = subprocess.run([BUILD, "--where", "argocd-cases"], capture_output=True, text=True, check=False)
    return Path(asked.stdout.strip()) / "resource_customizations" if asked.returncode == 0 else None


def cases(root: Path, known: Collection[str]) -> Iterator[Case]:
    """Of groups that are not `known`."""
    for told in sorted(root.rglob("health_test.yaml")):
        group = told.parent.parent.relative_to(root).as_posix()
        if group not in known:
            for test in yaml.load(told.read_text(), Loader=yaml.CSafeLoader)["tests"]:
                found = _object(told.parent / test.get("inputPath", ""))
                if found is not None:
                    yield {"group": group, "kind": told.parent.name, "expect": test["healthStatus"]["status"], "object": found}


def _object(path: Path) -> object | None:
    """None for the few files that hold no single object, or are not there."""
    if not path.is_file():
        return None
    documents = list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))
    return _plain(documents[0]) if len(documents) == 1 and isinstance(documents[0], dict) else None


def _plain(value: object) -> object:
    """As the API server would send it: a time is text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, dt.date) else value
