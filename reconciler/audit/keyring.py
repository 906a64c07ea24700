"""KeyRing: which public keys may sign what, by role and by position in the log.

A key is revoked from a position on, never from a date: dates are written by whoever holds the stolen key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.records import RecordKind

_JUDGED = frozenset({RecordKind.VERDICT, RecordKind.BALLOTS, RecordKind.REFUSAL})


def role_of(kind: RecordKind) -> str:
    """Whose key signs a record: judges sign what they decided, people's reviews have their own key, the log the rest."""
    if kind in _JUDGED:
        return "judge"
    return "review" if kind is RecordKind.REVIEW else "log"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key of one role, trusted for leaves at positions [since, until)."""

    role: str
    public: bytes
    since: int = 0
    until: int | None = None

    def covers(self, index: int) -> bool:
        return index >= self.since and (self.until is None or index < self.until)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Public keys only. An empty role trusts nobody."""

    keys: tuple[TrustedKey, ...]

    @classmethod
    def of(cls, publics: Mapping[str, bytes]) -> KeyRing:
        """One key per role, trusted from the start of the log."""
        return cls(tuple(TrustedKey(role, public) for role, public in sorted(publics.items())))

    def trusts(self, role: str, public: bytes, index: int) -> bool:
        return any(key.role == role and key.public == public and key.covers(index) for key in self.keys)

    def of_role(self, role: str) -> tuple[bytes, ...]:
        """All keys a role ever had; what they may sign is decided by position."""
        return tuple(key.public for key in self.keys if key.role == role)

    def for_checkpoint(self, size: int) -> tuple[bytes, ...]:
        """The log keys that may sign a tree of this size: a key revoked at a position signs no larger tree."""
        return tuple(k.public for k in self.keys if k.role == "log" and size >= k.since and (k.until is None or size <= k.until))
