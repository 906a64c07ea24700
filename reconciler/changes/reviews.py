"""Reviews as they are signed: which bytes a review's signature covers, and how the text of a signature is read.

Every approval channel (page, CLI, chat) makes the same signed thing, with the review role's key, after it has
authenticated its principal. The bytes name repository and pull request, so that a review cannot be carried to another.
The form is DSSE's: the type is inside what is signed, so that no other signed document can pass for a review.
"""

from __future__ import annotations

import base64
import binascii

from reconciler.model.canonical import encode
from reconciler.model.pulls import Review
from reconciler.ports.signing import Signer

PAYLOAD_TYPE = "application/vnd.homeostat.review+json"


def review_payload(repository: str, number: int, review: Review) -> bytes:
    """The canonical document: what is kept beside the signature."""
    return encode({"repository": repository, "number": number, "review": review})


def signed_bytes(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding of a review's payload."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def sign_review(repository: str, number: int, review: Review, signer: Signer) -> str:
    """The signature to hand to `Forge.review`."""
    return base64.b64encode(signer.sign(signed_bytes(review_payload(repository, number, review)))).decode("ascii")


def decode_signature(text: str) -> bytes:
    """The raw signature; b"", which verifies nothing, when the text is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
