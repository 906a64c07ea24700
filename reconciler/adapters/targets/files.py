"""Files below one root that nobody can lead outside: every folder is opened without following links.

A write is whole or not at all: a new file beside the old one, flushed, renamed, and the folder flushed. What is in the
way (a link, a folder, a device) is refused and left alone.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import Permanent

MAX_BYTES = 32 * 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Files:
    """Files at `folder/name` below `root`; both are single path parts that the caller has checked."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, folder: str, name: str) -> bytes | None:
        """The content, None when there is no such file."""
        try:
            with self._open(folder, make=False) as at:
                _plain(name, at)
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        except FileNotFoundError:
            return None
        with os.fdopen(handle, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Permanent(f"{self._root / folder / name} is larger than {MAX_BYTES} bytes", next_step="move it away")
        return data

    def digest(self, folder: str, name: str) -> str:
        """SHA-256 of the content, "" when there is no such file."""
        data = self.read(folder, name)
        return "" if data is None else content_digest(data)

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Replaces or creates; on any error the old file is as it was."""
        with self._open(folder, make=True) as at:
            with contextlib.suppress(FileNotFoundError):
                _plain(name, at)
            beside = f".{name}.{secrets.token_hex(4)}.new"
            try:
                _write_new(beside, data, at)
                os.rename(beside, name, src_dir_fd=at, dst_dir_fd=at)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=at)
                raise
            os.fsync(at)

    def remove(self, folder: str, name: str) -> None:
        """Removes the file; that it is gone already is fine."""
        try:
            with self._open(folder, make=False) as at:
                _plain(name, at)
                os.unlink(name, dir_fd=at)
                os.fsync(at)
        except FileNotFoundError:
            return

    @contextlib.contextmanager
    def _open(self, folder: str, *, make: bool) -> Iterator[int]:
        if make:
            self._root.mkdir(parents=True, exist_ok=True)
        try:
            with _opened(str(self._root), None) as root:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, 0o755, dir_fd=root)
                with _opened(folder, root) as at:
                    yield at
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Permanent(
                    f"{self._root / folder} is a link or no folder; it is not followed", next_step="replace it by a folder"
                ) from error
            raise


@contextlib.contextmanager
def _opened(name: str, at: int | None) -> Iterator[int]:
    handle = os.open(name, _FOLDER, dir_fd=at)
    try:
        yield handle
    finally:
        os.close(handle)


def _plain(name: str, at: int) -> None:
    """Refuses what is no ordinary file; FileNotFoundError when there is nothing."""
    mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
        raise Permanent(f"{name} is {what}; it is left alone", next_step="move it away")


def _write_new(name: str, data: bytes, at: int) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=at)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def content_digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
