"""The leaf: Rekor's hashedrekord 0.0.2 body, the form that cosign and sigstore-go check inside a bundle.

It holds the digest of the signed bytes (DSSE PAE), the signature and the public key: the leaf proves who signed what
without the payload, so that retention may drop payloads while every leaf stays provable.

Invariant: the bytes are canonical; `read_leaf` refuses anything that `leaf` would not have written.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from reconciler.errors import Tampered
from reconciler.model.keys import PublicKey, raw_from_spki

KIND = "hashedrekord"
VERSION = "0.0.2"
KEY_DETAILS = "PKIX_ED25519_PH"  # with SHA-512: the form in which sigstore-go rebuilds the entry of an Ed25519 envelope
_HEAD = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_512","digest":"'
_SIGNATURE = b'"},"signature":{"content":"'
_KEY = b'","verifier":{"keyDetails":"%s","publicKey":{"rawBytes":"' % KEY_DETAILS.encode()
_FORM = re.compile(rb'%s([^"]*)%s([^"]*)%s([^"]*)"}}}}}}' % tuple(map(re.escape, (_HEAD, _SIGNATURE, _KEY))))


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one leaf says: `public` signed bytes with this SHA-512 `digest`."""

    digest: bytes
    signature: bytes
    public: bytes

    @property
    def data(self) -> bytes:
        """Written out, not encoded: base64 needs no escapes, and a log is read leaf by leaf."""
        return b'%s%s%s%s%s%s"}}}}}}' % (
            *(_HEAD, _text(self.digest)),
            *(_SIGNATURE, _text(self.signature)),
            *(_KEY, _text(PublicKey(self.public).spki)),
        )


def digest_of(signed: bytes) -> bytes:
    """The digest that a leaf keeps of the bytes its signature covers."""
    return hashlib.sha512(signed).digest()


def leaf_for(signed: bytes, signature: bytes, public: bytes) -> Leaf:
    return Leaf(digest_of(signed), signature, public)


def read_leaf(data: bytes) -> Leaf:
    """The leaf in these bytes."""
    found = _FORM.fullmatch(data)
    if found is None:
        raise _unreadable()
    try:
        digest, signature, spki = (base64.b64decode(part, validate=True) for part in found.groups())
    except ValueError as error:
        raise _unreadable() from error
    public = raw_from_spki(spki)
    if public is None or len(digest) != 64 or len(signature) != 64:
        raise _unreadable()
    leaf = Leaf(digest, signature, public)
    if leaf.data != data:  # base64 with spare bits set
        raise _unreadable()
    return leaf


def _unreadable() -> Tampered:
    return Tampered("a leaf of the log cannot be read", next_step="homeostat audit verify")


def _text(value: bytes) -> bytes:
    return base64.b64encode(value)
