"""The world on disk: one JSON file, replaced atomically and synced, so that kill -9 leaves the old state or the new one.

A file that cannot be read is never guessed at: the error says what to do. Nothing here decides anything.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import Permanent, Retryable
from reconciler.lab.faults import Fault
from reconciler.lab.plane import Plane, load_plane

FILE = "world.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    seed: int
    time_ms: int
    plane: Plane
    faults: tuple[Fault, ...]
    next_fault: int
    nodes: dict[str, Any]
    acts: dict[str, list[Any]] = field(default_factory=dict)  # id -> unit, action, component, when, what it did


def write_snapshot(home: Path, state: Snapshot) -> None:
    """Durable before returning; a full disk is Retryable and leaves the old file."""
    data = {
        "version": VERSION,
        "seed": state.seed,
        "time_ms": state.time_ms,
        "plane": state.plane.dump(),
        "faults": [[f.id, f.kind, f.service, f.factor, f.release, f.mode, f.until_ms] for f in state.faults],
        "next_fault": state.next_fault,
        "nodes": state.nodes,
        "acts": state.acts,
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        _replace(home, json.dumps(data, separators=(",", ":")).encode())
    except OSError as error:
        raise Retryable(f"cannot store the lab in {home}: {error}", next_step="make room there, then try again") from error


def _replace(home: Path, data: bytes) -> None:
    fresh = home / f"{FILE}.new"
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / FILE)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_snapshot(home: Path) -> Snapshot | None:
    """The stored world, None when there is none yet."""
    path = home / FILE
    if not path.exists():
        return None
    try:
        return _snapshot(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        step = "move the file away to start a fresh lab; its desired state is applied again from Git"
        raise Permanent(f"{path} is no snapshot of this lab: {error}", next_step=step) from error


def _snapshot(data: Any) -> Snapshot:
    if data["version"] != VERSION:
        raise ValueError(f"version {data['version']}")
    faults = tuple(Fault(*row) for row in data["faults"])
    acts = data.get("acts", {})  # a lab of an earlier release had none
    return Snapshot(data["seed"], data["time_ms"], load_plane(data["plane"]), faults, data["next_fault"], data["nodes"], acts)
