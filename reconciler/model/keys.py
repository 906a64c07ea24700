"""Public keys as people write them: `ssh-ed25519 AAAA... comment` lines, raw bytes and `SHA256:` fingerprints.

Standard library only: Trust documents, the log and the pull-request store all name keys, and none of them needs
cryptography to do so. Only Ed25519 is a key here; every other type is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from reconciler.errors import Misconfigured

KEY_TYPE = b"ssh-ed25519"
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One Ed25519 public key. `comment` is for people and never compared."""

    raw: bytes
    comment: str = ""

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise Misconfigured(f"an Ed25519 public key has 32 bytes, not {len(self.raw)}")

    @property
    def wire(self) -> bytes:
        """The SSH wire form: two length-prefixed strings."""
        return _text(KEY_TYPE) + _text(self.raw)

    @property
    def line(self) -> str:
        """As in a `.pub` file, without the line end."""
        return f"{KEY_TYPE.decode()} {base64.b64encode(self.wire).decode()} {self.comment}".rstrip()

    @property
    def key_id(self) -> str:
        """`SHA256:<base64>` as ssh-keygen prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.wire).digest()).decode().rstrip("=")

    @property
    def spki(self) -> bytes:
        """DER SubjectPublicKeyInfo, as Sigstore bundles and PEM files hold it."""
        return _SPKI_PREFIX + self.raw

    @property
    def pem(self) -> str:
        """PEM, as `cosign --key` reads it."""
        return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(self.spki).decode()}\n-----END PUBLIC KEY-----\n"


def parse_public(line: str, *, where: str = "") -> PublicKey:
    """One `ssh-ed25519 AAAA... [comment]` line, strictly."""
    parts = line.strip().split(None, 2)
    if len(parts) < 2 or parts[0] != KEY_TYPE.decode():
        raise Misconfigured(f"not an ssh-ed25519 public key: {line[:40]!r}", where=where, next_step="paste the whole .pub line")
    try:
        wire = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Misconfigured("the public key is not valid base64", where=where, next_step="paste the whole .pub line") from error
    return PublicKey(raw_from_wire(wire, where=where), parts[2] if len(parts) == 3 else "")


def raw_from_wire(wire: bytes, *, where: str = "") -> bytes:
    """The 32 raw bytes from the SSH wire form; anything before, between or after them is refused."""
    prefix = _text(KEY_TYPE) + struct.pack(">I", 32)
    if len(wire) != len(prefix) + 32 or not wire.startswith(prefix):
        raise Misconfigured(
            "not an Ed25519 key in SSH wire form", where=where, next_step="use a key made by `ssh-keygen -t ed25519`"
        )
    return wire[len(prefix) :]


def raw_from_spki(spki: bytes) -> bytes | None:
    """The 32 raw bytes from DER SubjectPublicKeyInfo, None when it is any other key."""
    if len(spki) != len(_SPKI_PREFIX) + 32 or not spki.startswith(_SPKI_PREFIX):
        return None
    return spki[len(_SPKI_PREFIX) :]


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value
