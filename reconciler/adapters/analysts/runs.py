"""Runs: stretches of what services did, in features, with how they ended. What the model of failures is learned from.

One file a run, so that telemetry may be forgotten: a broken one (the hours before a failure) or a calm one (hours that no failure
followed). Bounded: beyond `MOST` of either the oldest goes. A file that cannot be read, or that another release wrote with other
features, is removed: a lesson is lost, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 300  # runs that broke, and as many that did not; some 20 KB each
NAME = re.compile(r"(broke|calm)-\d{16}-[0-9a-f]{16}\.npz")

UNREADABLE = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class Run:
    """Rows by features, `minutes` from each to the failure, NaN where none followed."""

    rows: NDArray[np.float32]
    minutes: NDArray[np.float64]


class Runs:
    """Those of one installation whose features have these names."""

    def __init__(self, folder: Path, features: Sequence[str]) -> None:
        self._folder, self._features = folder, tuple(features)

    def names(self) -> tuple[str, ...]:
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return tuple(sorted(file.name for file in found if NAME.fullmatch(file.name)))

    def has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def put(self, name: str, run: Run) -> None:
        """Whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / "fresh"
        with fresh.open("wb") as out:
            np.savez_compressed(out, names=np.array(self._features), rows=run.rows, minutes=run.minutes)
        fresh.replace(self._folder / name)
        for kind in ("broke", "calm"):
            kept = [one for one in self.names() if one.startswith(kind)]
            for old in kept[: max(0, len(kept) - MOST)]:
                (self._folder / old).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, Run]]:
        """By name."""
        for name in self.names():
            try:
                run = self._read(self._folder / name)
            except UNREADABLE:
                (self._folder / name).unlink(missing_ok=True)
                continue
            yield name, run

    def _read(self, file: Path) -> Run:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as said:
            run = Run(said["rows"].astype(np.float32), said["minutes"].astype(np.float64))
            if tuple(said["names"].tolist()) != self._features or run.rows.shape != (len(run.minutes), len(self._features)):
                raise ValueError("other features")
        return run


def name_of(broke: bool, service: str, at_ms: int) -> str:
    """The name of a run says when it was, and not of whom: names of services are foreign text."""
    whose = hashlib.blake2b(f"{service}\n{at_ms}".encode(), digest_size=8).hexdigest()
    return f"{'broke' if broke else 'calm'}-{at_ms:016d}-{whose}.npz"
