"""Signer and Verifier: keys separate by role (author, judge, log, review)."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """Signs with one role's Ed25519 key. `key_id` is `SHA256:<base64>` as ssh-keygen prints it."""

    @property
    def role(self) -> str: ...

    @property
    def key_id(self) -> str: ...

    @property
    def public(self) -> bytes:
        """The 32 raw public key bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A raw 64-byte Ed25519 signature."""
        ...

    def sign_ssh(self, message: bytes, namespace: str) -> bytes:
        """An armored SSH signature (PROTOCOL.sshsig), as git stores it in `gpgsig`."""
        ...


class Verifier(Protocol):
    """Checks signatures against public keys it is given; knows no secrets."""

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool: ...

    def verify_ssh(self, armored: bytes, message: bytes, namespace: str) -> bytes | None:
        """The raw public key that made this valid signature, or None. The caller decides whom it belongs to."""
        ...
