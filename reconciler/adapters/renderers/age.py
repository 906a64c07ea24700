"""age: opening small files of the age format (age-encryption.org/v1) with X25519 keys, in memory.

Ninety lines over `cryptography` instead of another dependency: sops uses age only to wrap one key of 32 bytes. Other recipient
types (scrypt, SSH, post-quantum, plug-ins) are left out and said so. Steps of `open_age`: 1. armor, 2. header, 3. the file
key by any identity, 4. the header's MAC, 5. the payload. Tested against the real age.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"age-encryption.org/v1"
BEGIN, END = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"
CHUNK = 64 * 1024 + 16
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
MAX_BYTES = 64 * 1024
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class NotOpened(Exception):
    """Why a file was not opened; says nothing of keys and contents."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One private key."""

    private: X25519PrivateKey = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """An `AGE-SECRET-KEY-1...` line. Raises NotOpened, without the text."""
        if text.upper().startswith("AGE-SECRET-KEY-1"):
            raw = _bech32(text.lower(), "age-secret-key-")
            if len(raw) == 32:
                return cls(X25519PrivateKey.from_private_bytes(raw))
        raise NotOpened("not an X25519 age key (AGE-SECRET-KEY-1...)")

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()


def open_age(data: bytes, identities: Sequence[Identity]) -> bytes:
    """The plaintext of an armored or binary age file."""
    if len(data) > MAX_BYTES:
        raise NotOpened("an age file of this size is not one of sops")
    raw = _without_armor(data)  # 1
    head, mark, rest = raw.partition(b"\n--- ")
    if not mark or not head.startswith(VERSION + b"\n"):
        raise NotOpened("not an age file")
    mac, _, payload = rest.partition(b"\n")
    key = _file_key(_stanzas(head), identities)  # 2, 3
    made = hmac.digest(_derived(key, b"", b"header"), head + b"\n---", hashlib.sha256)  # 4
    if not hmac.compare_digest(made, _decoded(mac)):
        raise NotOpened("the header was altered")
    return _payload(key, payload)  # 5


def _without_armor(data: bytes) -> bytes:
    text = data.decode("ascii", "replace").strip()
    if not text.startswith(BEGIN):
        return data
    if not text.endswith(END):
        raise NotOpened("the armor has no end")
    try:
        return base64.b64decode("".join(text[len(BEGIN) : -len(END)].split()), validate=True)
    except binascii.Error as error:
        raise NotOpened("the armor is no base64") from error


def _stanzas(head: bytes) -> list[tuple[list[bytes], bytes]]:
    """Each recipient's arguments and body."""
    found: list[tuple[list[bytes], bytes]] = []
    for line in head.split(b"\n")[1:]:
        if line.startswith(b"-> "):
            found.append((line[3:].split(b" "), b""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line)
        else:
            raise NotOpened("not an age file")
    return found


def _file_key(stanzas: Sequence[tuple[list[bytes], bytes]], identities: Sequence[Identity]) -> bytes:
    mine = [(args, body) for args, body in stanzas if args[0] == b"X25519" and len(args) == 2]
    if not mine:
        raise NotOpened(f"only X25519 recipients are opened, this one has {args_of(stanzas)}")
    for args, body in mine:
        for identity in identities:
            if key := _unwrapped(identity, _decoded(args[1]), _decoded(body)):
                return key
    raise NotOpened("none of the age keys here opens it")


def args_of(stanzas: Sequence[tuple[list[bytes], bytes]]) -> str:
    return ", ".join(sorted({args[0].decode("ascii", "replace")[:40] for args, _ in stanzas})) or "none"


def _unwrapped(identity: Identity, ephemeral: bytes, body: bytes) -> bytes | None:
    try:
        shared = identity.private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        key = _derived(shared, ephemeral + identity.public, VERSION + b"/X25519")
        found = ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except (InvalidTag, ValueError):
        return None
    return found if len(found) == 16 else None


def _payload(key: bytes, data: bytes) -> bytes:
    stream = ChaCha20Poly1305(_derived(key, data[:16], b"payload"))
    body, found = data[16:], b""
    chunks = [body[at : at + CHUNK] for at in range(0, max(len(body), 1), CHUNK)]
    try:
        for number, chunk in enumerate(chunks):
            last = bytes([number == len(chunks) - 1])
            found += stream.decrypt(number.to_bytes(11, "big") + last, chunk, None)
    except (InvalidTag, ValueError) as error:
        raise NotOpened("its content was altered") from error
    return found


def _derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def _decoded(text: bytes) -> bytes:
    """Base64 without padding, as the header writes it."""
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise NotOpened("not an age file") from error


def _bech32(text: str, prefix: str) -> bytes:
    """The bytes of a Bech32 text (BIP 173) after its checksum was checked."""
    digits = [CHARSET.find(letter) for letter in text[len(prefix) + 1 :]]
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    if min(digits, default=-1) < 0 or _polymod(spread + digits) != 1:
        raise NotOpened("an age key with a typing error")
    bits = "".join(f"{digit:05b}" for digit in digits[:-6])
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _polymod(values: Sequence[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            found ^= generator if top >> bit & 1 else 0
    return found
