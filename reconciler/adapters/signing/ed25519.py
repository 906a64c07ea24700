"""FileSigner and Ed25519Verifier: the signing ports over `cryptography`, which is imported on first use.

A signer holds one role's key and never gives it out. The verifier holds nothing: it answers about the public keys,
messages and signatures it is given, and whatever is malformed is simply not a signature.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from reconciler.adapters.signing.keys import load_private
from reconciler.model import sshsig
from reconciler.model.keys import PublicKey


class FileSigner:
    """One role's key, read and checked when it is made, so that a wrong file stops the start and not a merge."""

    def __init__(self, path: Path, role: str) -> None:
        self._private = load_private(path)
        self._role = role

    @property
    def role(self) -> str:
        return self._role

    @cached_property
    def public(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> str:
        return PublicKey(self.public).key_id

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def sign_ssh(self, message: bytes, namespace: str) -> bytes:
        return sshsig.armor(self.public, namespace, self.sign(sshsig.signed_bytes(message, namespace)))

    def __repr__(self) -> str:
        return f"FileSigner({self._role}, {self.key_id})"


class Ed25519Verifier:
    """Checks Ed25519 signatures; equal answers to `ssh-keygen -Y verify` on the same key and bytes."""

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if len(public) != 32 or len(signature) != 64:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def verify_ssh(self, armored: bytes, message: bytes, namespace: str) -> bytes | None:
        found = sshsig.unarmor(armored)
        if found is None or not namespace or found.namespace != namespace:
            return None
        covered = sshsig.signed_bytes(message, namespace, found.algorithm, found.reserved)
        return found.public if self.verify(found.public, covered, found.signature) else None
