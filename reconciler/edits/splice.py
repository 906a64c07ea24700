"""What an edit is made of, and what undoes it: both compare before they write.

A `Splice` replaces bytes inside a file, a `Whole` a file as such. Each knows the bytes it expects and refuses any other,
so an inverse can never be applied to a file that has moved on.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.canonical import digest
from reconciler.model.proposals import Edit, FileEdit
from reconciler.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Unsafe:
    """An edit that was not made: why, and file:line:column."""

    reason: Reason
    detail: str
    where: str


@dataclass(frozen=True, slots=True)
class Splice:
    """At byte `start`, `old` becomes `new`; the rest of the file has this digest before (`of`) and after (`gives`)."""

    path: str
    start: int
    old: bytes
    new: bytes
    of: str
    gives: str

    @property
    def inverse(self) -> Splice:
        return Splice(self.path, self.start, self.new, self.old, self.gives, self.of)

    def apply(self, data: bytes | None) -> bytes | Unsafe:
        if data is None or digest(data) != self.of:
            return _moved(self.path)
        return data[: self.start] + self.new + data[self.start + len(self.old) :]


@dataclass(frozen=True, slots=True)
class Whole:
    """A file as such: None is absence."""

    path: str
    old: bytes | None
    new: bytes | None

    @property
    def inverse(self) -> Whole:
        return Whole(self.path, self.new, self.old)

    def apply(self, data: bytes | None) -> bytes | Unsafe | None:
        return self.new if data == self.old else _moved(self.path)


def _moved(path: str) -> Unsafe:
    return Unsafe(Reason.UNSAFE_EDIT, "the file is not the one this edit was made for", f"{path}:1:1")


@dataclass(frozen=True, slots=True)
class Edited:
    """One edit, made: the typed description, the bytes before and after, and what undoes it."""

    edit: Edit
    before: bytes | None
    after: bytes | None
    inverse: Splice | Whole

    @property
    def file(self) -> FileEdit:
        return FileEdit(self.edit.path, _digest(self.before), _digest(self.after))


def _digest(data: bytes | None) -> str:
    return "" if data is None else digest(data)
