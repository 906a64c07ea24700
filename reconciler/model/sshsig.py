"""SSH signatures (PROTOCOL.sshsig) as bytes: what is signed, how it is armored, how it is read back.

No cryptography here: signers sign `signed_bytes`, verifiers check it, both armor and unarmor with this module.
The format is what git keeps in `gpgsig` and what `ssh-keygen -Y sign` writes.

Invariants: parsing is strict (one signature, Ed25519, version 1, no trailing bytes), and what cannot be parsed is
None: a malformed signature is never an error that a caller could mistake for an outage.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from reconciler.errors import Misconfigured
from reconciler.model.keys import KEY_TYPE, PublicKey, raw_from_wire

_MAGIC = b"SSHSIG"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_LINE = 70  # columns, as ssh-keygen writes them
_MAX_ARMORED = 4_096  # an Ed25519 signature needs about 300; more is an attack


@dataclass(frozen=True, slots=True)
class SshSignature:
    """A parsed signature. `signature` covers `signed_bytes(message, namespace, algorithm, reserved)`."""

    public: bytes
    namespace: str
    algorithm: bytes
    reserved: bytes
    signature: bytes


def signed_bytes(message: bytes, namespace: str, algorithm: bytes = b"sha512", reserved: bytes = b"") -> bytes:
    """The bytes an SSH signature covers: the message by its hash, bound to the namespace."""
    hashed = _HASHES[algorithm](message).digest()
    return _MAGIC + _text(namespace.encode()) + _text(reserved) + _text(algorithm) + _text(hashed)


def armor(public: bytes, namespace: str, signature: bytes) -> bytes:
    """The armored form of a raw 64-byte signature over `signed_bytes(message, namespace)`."""
    blob = b"".join(
        (
            _MAGIC,
            struct.pack(">I", 1),
            _text(PublicKey(public).wire),
            _text(namespace.encode()),
            _text(b""),
            _text(b"sha512"),
            _text(_text(KEY_TYPE) + _text(signature)),
        )
    )
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[i : i + _LINE] for i in range(0, len(encoded), _LINE)]
    return "\n".join((_BEGIN, *lines, _END, "")).encode()


def unarmor(armored: bytes) -> SshSignature | None:
    """The signature in `armored`, or None when it is not exactly one well-formed Ed25519 SSH signature."""
    blob = _decode(armored)
    if blob is None or not blob.startswith(_MAGIC + struct.pack(">I", 1)):
        return None
    fields = _fields(blob[len(_MAGIC) + 4 :])
    if fields is None or len(fields) != 5:
        return None
    wire, namespace, reserved, algorithm, signature = fields
    inner = _fields(signature)
    if algorithm not in _HASHES or inner is None or len(inner) != 2 or inner[0] != KEY_TYPE or len(inner[1]) != 64:
        return None
    try:
        return SshSignature(raw_from_wire(wire), namespace.decode(), algorithm, reserved, inner[1])
    except (Misconfigured, UnicodeDecodeError):
        return None


def _decode(armored: bytes) -> bytes | None:
    if len(armored) > _MAX_ARMORED:
        return None
    try:
        lines = armored.decode("ascii").strip().splitlines()
        if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
            return None
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (UnicodeDecodeError, binascii.Error, ValueError):
        return None


def _fields(data: bytes) -> list[bytes] | None:
    """Length-prefixed strings that fill `data` exactly."""
    fields, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            return None
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return None
        fields.append(data[at + 4 : end])
        at = end
    return fields


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value
