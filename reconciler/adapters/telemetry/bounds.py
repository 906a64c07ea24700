"""Bounds of the telemetry store, apart from it: naming them costs no import of numpy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept."""

    retention_ms: int = 6 * 3_600_000  # twice the longest look-back of diagnosis, and a night is not needed
    raw_ms: int = 48 * 3_600_000  # older samples are kept as means over five minutes
    max_series: int = 10_000
    max_series_each: int = 1_000  # of one component, so that none keeps the others out
    max_series_sent: int = 8_000  # beyond, only sources that are asked begin new ones: who sends may make up names
    max_bytes: int = 256 << 20
    max_points: int = 20_000  # of one answer
