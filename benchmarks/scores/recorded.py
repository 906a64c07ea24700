"""Recorded cases: archives as they are published, or folders of the same names."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[3] / "shared" / "data"


def place() -> Path:
    """`DATA=DIR`, or the development cases beside the checkout, which users do not have."""
    return Path(os.environ.get("DATA") or SHIPPED)


@contextmanager
def recorded(data: Path, name: str) -> Iterator[Path | None]:
    """The folder that `name`.tar.gz unpacks to; None when there is neither."""
    archive = data / f"{name}.tar.gz"
    if not archive.exists():
        folder = data / name
        yield folder if folder.is_dir() else None
        return
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(archive) as file:
            file.extractall(unpacked, filter="data")
        inside = Path(unpacked) / name
        yield inside if inside.is_dir() else Path(unpacked)
