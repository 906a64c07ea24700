"""How a detector says something: numbers become decimal text, foreign names are made harmless, settings become a digest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.canonical import digest, number
from reconciler.model.findings import Finding

LONGEST = 80  # characters of a foreign name that are quoted
SHARE = "share "  # before the name of a metric: its part of what speaks for a cause
LATEST_MS = 1 << 53  # times beyond it are no times


def named(text: str, longest: int = LONGEST) -> str:
    """The name of a component or metric for a sentence: one line, no signs that a terminal or page obeys."""
    shown = "".join(c if c.isprintable() and c not in "`<>" else "?" for c in text[:longest])
    return shown + "..." if len(text) > longest else shown


def shown(value: float) -> str:
    """A number for a sentence: three digits are enough for reading, `values` have the rest."""
    return f"{value:.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.3g}"


def share(value: float) -> str:
    """A confidence as decimal text within 0..1; what is no number is no confidence."""
    return number(min(1.0, max(0.0, value))) if math.isfinite(value) else "0"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says findings in the name of one detector."""

    detector: str
    version: str
    settings: Mapping[str, str]

    def say(
        self, kind: str, about: tuple[str, str], at_ms: float, confidence: float, values: Mapping[str, float], text: str
    ) -> Finding:
        """`about` is (component, metric); values that are no numbers are left out, never written as zero."""
        at = int(at_ms) if math.isfinite(at_ms) and abs(at_ms) < LATEST_MS else 0
        told = tuple((name, number(value)) for name, value in values.items() if math.isfinite(value))
        return Finding(self.detector, self.version, digest(dict(self.settings)), kind, *about, at, share(confidence), told, text)

    def unknown(self, at_ms: float, reason: str, about: tuple[str, str] = ("", "")) -> Finding:
        return self.say("unknown", about, at_ms, 0.0, {}, reason)
