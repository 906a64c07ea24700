"""Who is believed, as converge needs it: principals with emails and keys, and the machine's author keys.

The Trust documents and the home's machine keys become these values (`Trust.of`), always from the state *before* the
commit that is being looked at. A key is revoked by log position, never by date: dates inside a commit are chosen by
whoever holds the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.documents.trust import Principal, TrustSpec
from reconciler.model.judging import Verdict
from reconciler.model.keys import parse_public


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

    @classmethod
    def of(cls, documents: Sequence[TrustSpec], pinned: Sequence[bytes]) -> Trust:
        """From the Trust documents of one revision; `pinned` are the author keys that init wrote beside the home's keys.

        Any document that enforces makes all of it enforce. Without documents nobody but the pinned machine is known. A
        pinned key that a document lists is believed as that document says, revocation included.
        """
        listed = [TrustKey(parse_public(k.public).raw, k.revoked_at) for d in documents for k in d.machine if k.role == "author"]
        known = {key.public for key in listed}
        return cls(
            any(d.mode == "enforce" for d in documents),
            tuple(_principal(p) for d in documents for p in d.principals),
            (*listed, *(TrustKey(public) for public in pinned if public not in known)),
        )

    def principal_of(self, public: bytes) -> tuple[TrustPrincipal, TrustKey] | None:
        for principal in self.principals:
            for key in principal.keys:
                if key.public == public:
                    return principal, key
        return None


def _principal(principal: Principal) -> TrustPrincipal:
    keys = tuple(TrustKey(parse_public(k.public).raw, k.revoked_at) for k in principal.keys)
    return TrustPrincipal(principal.name, principal.emails, keys)


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """A verdict whose record was found in the log with a valid judge signature; `record` is the record's id."""

    record: str
    verdict: Verdict


TrustAt = Callable[[str], Trust]  # a commit that is already believed -> the Trust state of its tree
VerdictOf = Callable[[str], RecordedVerdict | None]  # a commit -> the signed verdict on record for exactly this head
