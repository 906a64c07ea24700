"""`homeostat sensors`: what the shipped library says of each metric; one of its documents, to be put into a repository."""

from __future__ import annotations

import argparse

from reconciler.cli.common import answer, table
from reconciler.documents import load_one
from reconciler.documents.nearest import nearest
from reconciler.documents.sensor import Rule, Sensor, SensorSpec
from reconciler.errors import Misconfigured
from reconciler.model.canonical import number
from reconciler.signals.catalogue import shipped, shipped_text

TITLES = ("name", "family", "unit", "bad", "every", "missing", "rule", "means")


def sensors(arguments: argparse.Namespace) -> int:
    """The list, or one document."""
    if arguments.name:
        return _one(arguments)
    found = [s for s in shipped().values() if arguments.family in (None, s.spec.family)]
    rows = [row(sensor) for sensor in found]
    answer(arguments, [dict(zip(TITLES, line, strict=True)) for line in rows], table([TITLES, *rows]))
    return 0


def row(sensor: Sensor) -> tuple[str, ...]:
    """One sensor in a list."""
    spec = sensor.spec
    every = f"{spec.period_ms // 1_000} s"
    name, family = sensor.metadata.name, spec.family.value if spec.family else ""
    return name, family, spec.unit, spec.bad.value, every, spec.missing.value, rule(spec), sensor.metadata.description


def rule(spec: SensorSpec) -> str:
    """A rule in a few words, "none" where there is none."""
    limit = spec.above if spec.above is not None else spec.below
    if limit is None:
        return "none"
    side = "above" if spec.above is not None else "below"
    moves = " a minute" if spec.rule is Rule.RATE else ""
    lasts = f" for {spec.for_ms // 1_000} s" if spec.for_ms else ""
    return f"{side} {number(limit)}{moves}{lasts}"


def _one(arguments: argparse.Namespace) -> int:
    text = shipped_text(arguments.name)
    if not text:
        step = nearest(arguments.name, list(shipped()))
        raise Misconfigured(f"no shipped sensor is named {arguments.name!r}", where="the library", next_step=step)
    answer(arguments, load_one(text.encode(), arguments.name, Sensor).value, text.rstrip())
    return 0
