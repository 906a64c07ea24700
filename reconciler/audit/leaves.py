"""The leaf: Rekor's hashedrekord 0.0.2 body, the form that cosign and sigstore-go check inside a bundle.

It holds the digest of the signed bytes (DSSE PAE), the signature and the public key: the leaf proves who signed what
without the payload, so that retention may drop payloads while every leaf stays provable.

Invariant: the bytes are canonical; `read_leaf` refuses anything that `leaf` would not have written.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Tampered
from reconciler.model.canonical import encode
from reconciler.model.keys import PublicKey, raw_from_spki

KIND = "hashedrekord"
VERSION = "0.0.2"
KEY_DETAILS = "PKIX_ED25519_PH"  # with SHA-512: the form in which sigstore-go rebuilds the entry of an Ed25519 envelope


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one leaf says: `public` signed bytes with this SHA-512 `digest`."""

    digest: bytes
    signature: bytes
    public: bytes

    @property
    def data(self) -> bytes:
        verifier = {"keyDetails": KEY_DETAILS, "publicKey": {"rawBytes": _text(PublicKey(self.public).spki)}}
        inner = {
            "data": {"algorithm": "SHA2_512", "digest": _text(self.digest)},
            "signature": {"content": _text(self.signature), "verifier": verifier},
        }
        return encode({"apiVersion": VERSION, "kind": KIND, "spec": {"hashedRekordV002": inner}})


def digest_of(signed: bytes) -> bytes:
    """The digest that a leaf keeps of the bytes its signature covers."""
    return hashlib.sha512(signed).digest()


def leaf_for(signed: bytes, signature: bytes, public: bytes) -> Leaf:
    return Leaf(digest_of(signed), signature, public)


def read_leaf(data: bytes) -> Leaf:
    """The leaf in these bytes."""
    try:
        inner = json.loads(data)["spec"]["hashedRekordV002"]
        leaf = Leaf(
            base64.b64decode(inner["data"]["digest"], validate=True),
            base64.b64decode(inner["signature"]["content"], validate=True),
            _public(inner["signature"]["verifier"]),
        )
        if len(leaf.digest) != 64 or len(leaf.signature) != 64 or leaf.data != data:
            raise Tampered("a leaf is not in its canonical form", next_step="homeostat audit verify")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Tampered("a leaf of the log cannot be read", next_step="homeostat audit verify") from error
    return leaf


def _public(verifier: dict[str, Any]) -> bytes:
    raw = raw_from_spki(base64.b64decode(verifier["publicKey"]["rawBytes"], validate=True))
    if raw is None:
        raise Tampered("a leaf names a key that is not Ed25519", next_step="homeostat audit verify")
    return raw


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
