"""Put a folder of manifests into a world without Git: for benchmarks, evaluations and tests of the lab alone.

The folder looks like the template's `apps/`: one sub-folder for each unit. `overrides` change single fields, as a commit would.
The loop never comes this way: it converges through the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.lab.plane import UnitPlan
from reconciler.lab.world import World
from reconciler.model.canonical import digest
from reconciler.yamltext.parser import parse_one

Manifests = Mapping[str, Mapping[str, dict[str, Any]]]  # unit -> object id -> spec


def read_manifests(folder: Path) -> Manifests:
    """Every manifest below the folder, by unit and object id."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*/*.yaml")):
        value: Any = parse_one(path.read_bytes(), str(path)).value
        found.setdefault(path.parent.name, {})[f"{value['kind']}/{value['metadata']['name']}"] = value["spec"]
    return found


def deploy(world: World, manifests: Manifests, generation: int, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Apply every unit at one generation; `overrides` are fields by object id. Wrong objects raise ValueError."""
    changed = overrides or {}
    for unit, specs in manifests.items():
        objects = {i: {**spec, **changed.get(i, {})} for i, spec in specs.items()}
        bodies = {i: (spec, digest(spec)) for i, spec in objects.items()}
        steps = tuple(("update", i) for i in objects)
        answer = world.apply(UnitPlan(unit, f"stage-{generation}", generation, steps, bodies)).shown()
        if answer["reason"] != "applied":
            raise ValueError(f"unit {unit}: {answer}")
