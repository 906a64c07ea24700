"""C2SP signed notes and checkpoints: the few lines that stand for the whole log.

A checkpoint is the text `origin, size, base64 root`, a blank line and signature lines. The key id is the C2SP one:
the first four bytes of SHA-256 over name, newline, 0x01 and the public key. Other signers' lines (witnesses) are kept.

Invariants: parsing is strict; `open_checkpoint` returns only what the given key signed, otherwise raises Tampered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from reconciler.errors import Tampered
from reconciler.ports.signing import Signer, Verifier

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_MAX_NOTE = 16_384


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head and the signed note that says so."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def trailer(self) -> str:
        """What machine commits carry as `Homeostat-Checkpoint`."""
        return f"{self.size} {base64.b64encode(self.root).decode()}"


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The C2SP vkey text that other programs take."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def body(origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def sign_checkpoint(origin: str, size: int, root: bytes, signer: Signer) -> Checkpoint:
    """The same tree always gives the same bytes, so two workers that sign one tree agree."""
    text = body(origin, size, root)
    mark = base64.b64encode(key_id(origin, signer.public) + signer.sign(text.encode())).decode()
    return Checkpoint(origin, size, root, f"{text}\n{_DASH}{origin} {mark}\n")


def open_checkpoint(note: str, origin: str, publics: tuple[bytes, ...], verifier: Verifier) -> Checkpoint:
    """The checkpoint in `note`, after checking that one of `publics` signed it for this origin."""
    found = parse_checkpoint(note)
    if found.origin != origin:
        raise Tampered(
            f"the checkpoint is of log {found.origin!r}, not {origin!r}", next_step="compare the origin in the settings"
        )
    text, marks = note[: note.index("\n\n") + 1], _signatures(note)
    for public in publics:
        wanted = key_id(origin, public)
        signatures = [mark[4:] for name, mark in marks if name == origin and mark[:4] == wanted]
        if any(verifier.verify(public, text.encode(), signature) for signature in signatures):
            return found
    raise Tampered("the checkpoint is not signed by the log's key", next_step="homeostat audit verify; compare keys/log.key.pub")


def parse_checkpoint(note: str) -> Checkpoint:
    """The claim of a note, unchecked. Refuses everything that is not exactly a checkpoint."""
    lines = note.split("\n")
    if len(note) > _MAX_NOTE or len(lines) < 6 or lines[3] != "" or lines[-1] != "":
        raise Tampered("the checkpoint is malformed", next_step="homeostat audit verify")
    origin, size, root = lines[:3]
    hashed = _exact_base64(root)
    if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size or hashed is None or len(hashed) != 32:
        raise Tampered("the checkpoint is malformed", next_step="homeostat audit verify")
    return Checkpoint(origin, int(size), hashed, note)


def _signatures(note: str) -> list[tuple[str, bytes]]:
    found = []
    for line in note.split("\n")[4:-1]:
        name, _, mark = line.removeprefix(_DASH).rpartition(" ")
        raw = _exact_base64(mark)
        if not line.startswith(_DASH) or not name or raw is None or len(raw) < 5:
            raise Tampered("the checkpoint has a malformed signature line", next_step="homeostat audit verify")
        found.append((name, raw))
    return found


def _exact_base64(text: str) -> bytes | None:
    """Decoded, or None unless `text` is the one canonical encoding: spare bits would let two notes mean the same."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None
