"""The catalogue: what metrics mean, from the shipped library and from the repository's own Sensor documents.

The shipped definitions say family, unit, direction, period and what missing data means, for attention and the other parts of
the analysis. Their rules never raise a signal: what wakes people stands in the repository, so a new installation and a new
release of Homeostat are as quiet as the old one. A repository's document of the same name takes the shipped one's place.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import cast

from reconciler.documents import load
from reconciler.documents.sensor import Sensor

LIBRARY = "library"


def catalogue(own: Iterable[Sensor] = ()) -> Mapping[str, Sensor]:
    """Every definition by its document's name."""
    return {**shipped(), **{sensor.metadata.name: sensor for sensor in own}}


def meaning(metric: str, known: Mapping[str, Sensor]) -> Sensor | None:
    """The definition of a metric: the document that is named after it (`cpu-usage` for cpu_usage, whatever its labels)."""
    plain = metric.partition("{")[0]
    found = known.get(plain.replace("_", "-"))
    return found if found is not None and found.spec.metric == plain else None


@functools.cache
def shipped() -> Mapping[str, Sensor]:
    """The library, by name."""
    found = (cast("Sensor", item.document) for name, data in _files() for item in load(data, f"{LIBRARY}/{name}"))
    return {sensor.metadata.name: sensor for sensor in found}


def shipped_text(name: str) -> str:
    """One definition as a file of its own, to begin with; "" when there is none of this name."""
    for _, data in _files():
        for part in data.decode().split("\n---\n"):
            if f"\n  name: {name}\n" in part:
                body = "\n".join(line for line in part.splitlines() if not line.startswith("#"))
                return f"# yaml-language-server: $schema=../schemas/sensor.schema.json\n{body}\n"
    return ""


def _files() -> tuple[tuple[str, bytes], ...]:
    folder = resources.files("reconciler.signals") / LIBRARY
    return tuple((item.name, item.read_bytes()) for item in sorted(folder.iterdir(), key=lambda one: one.name))
