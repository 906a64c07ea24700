"""A signer without files, and the conformance kit for signers and verifiers.

`MemorySigner` makes real Ed25519 signatures with a key derived from a seed: tests get the same key ids every time
and no key material on disk. It is for tests: a seed is no secret.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

from reconciler.model import sshsig
from reconciler.model.keys import PublicKey
from reconciler.ports.signing import Signer, Verifier


class MemorySigner:
    """A Signer whose key is the digest of `role` and `seed`."""

    def __init__(self, role: str, seed: str = "") -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._role = role
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{role}/{seed}".encode()).digest())

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


def check_signer(signer: Signer, verifier: Verifier) -> None:
    """Raises AssertionError unless `signer` and `verifier` keep the contract of `ports.signing`."""
    _check_identity(signer)
    _check_raw(signer, verifier)
    _check_ssh(signer, verifier)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def _check_identity(signer: Signer) -> None:
    _require(bool(signer.role), "a signer has a role")
    _require(len(signer.public) == 32, "public is 32 raw bytes")
    _require(signer.key_id == PublicKey(signer.public).key_id, "key_id is the fingerprint that ssh-keygen prints")


def _check_raw(signer: Signer, verifier: Verifier) -> None:
    signature = signer.sign(b"message")
    _require(len(signature) == 64 and signature == signer.sign(b"message"), "raw signatures have 64 bytes and are deterministic")
    _require(verifier.verify(signer.public, b"message", signature), "a signature verifies")
    _require(not verifier.verify(signer.public, b"massage", signature), "another message does not")
    _require(not verifier.verify(bytes(32), b"message", signature), "another key does not")
    for broken in (b"", signature[:-1], signature + b"\0", bytes([signature[0] ^ 1]) + signature[1:]):
        _require(not verifier.verify(signer.public, b"message", broken), "a damaged signature does not verify and does not raise")
    _require(not verifier.verify(b"short", b"message", signature), "a malformed key does not verify and does not raise")


def _check_ssh(signer: Signer, verifier: Verifier) -> None:
    armored = signer.sign_ssh(b"message", "git")
    _require(verifier.verify_ssh(armored, b"message", "git") == signer.public, "an SSH signature names the key that made it")
    _require(verifier.verify_ssh(armored, b"massage", "git") is None, "another message does not verify")
    _require(verifier.verify_ssh(armored, b"message", "file") is None, "another namespace does not verify")
    for broken in (b"", armored[:-40], armored.replace(b"U1NI", b"U1NJ"), b"\xff" + armored, armored + armored):
        _require(verifier.verify_ssh(broken, b"message", "git") is None, "a damaged SSH signature is None and does not raise")
