"""Notices: what the cheap first look remembers, and what stood out. A cache of this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.notices import Noticed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reconciler.analysis.attention import Attention


@dataclass
class Attending:
    """What this process remembers. Losing it costs one reading of the last quarter of an hour."""

    memory: Attention | None = None
    keys: list[tuple[str, str]] = field(default_factory=list)  # of the newest look, and their rows
    rows: NDArray[np.int64] | None = None
    looked_ms: int = -1
    weighed_ms: int = -1
    now: tuple[Noticed, ...] = ()
    told: str = ""  # as it was noted last
    resting: str = ""  # the maintenance that was
    lately: dict[str, tuple[int, float]] = field(default_factory=dict)  # component -> when it stood out last, and how much
