"""Who is believed, as converge needs it: principals with emails and keys, and the machine's author keys.

The Trust document and the home's machine keys are mapped to these values by the caller, always from the state *before*
the commit that is being looked at. A key is revoked by log position, never by date: dates inside a commit are chosen by
whoever holds the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model.judging import Verdict


@dataclass(frozen=True, slots=True)
class TrustKey:
    """A raw 32-byte Ed25519 public key, believed before log position `revoked_from` (None: still believed)."""

    public: bytes
    revoked_from: int | None = None

    def holds(self, position: int) -> bool:
        return self.revoked_from is None or position < self.revoked_from


@dataclass(frozen=True, slots=True)
class TrustPrincipal:
    """One person. `emails` are compared without regard to case."""

    name: str
    emails: tuple[str, ...]
    keys: tuple[TrustKey, ...]

    def owns(self, email: str) -> bool:
        return email.casefold() in {e.casefold() for e in self.emails}


@dataclass(frozen=True, slots=True)
class Trust:
    """The Trust state at one revision. `enforce` off means: people are admitted because the branch let them in."""

    enforce: bool
    principals: tuple[TrustPrincipal, ...]
    machine: tuple[TrustKey, ...]

    def principal_of(self, public: bytes) -> tuple[TrustPrincipal, TrustKey] | None:
        for principal in self.principals:
            for key in principal.keys:
                if key.public == public:
                    return principal, key
        return None


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """A verdict whose record was found in the log with a valid judge signature; `record` is the record's id."""

    record: str
    verdict: Verdict


TrustAt = Callable[[str], Trust]  # a commit that is already believed -> the Trust state of its tree
VerdictOf = Callable[[str], RecordedVerdict | None]  # a commit -> the signed verdict on record for exactly this head
