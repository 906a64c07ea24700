"""A record as a Sigstore bundle v0.3: envelope, inclusion proof and checkpoint in one JSON file.

`cosign verify-blob-attestation --bundle FILE --key judge.pem` checks it without Homeostat; `trusted_root` is the file
that tells such programs which log to believe. The proof is for the newest checkpoint, so that it can be checked
against whatever checkpoint somebody remembers.
"""

from __future__ import annotations

import base64

from reconciler.audit.leaves import KIND, VERSION, read_leaf
from reconciler.audit.merkle import inclusion_proof
from reconciler.audit.notes import key_id
from reconciler.audit.state import State, Trusted
from reconciler.errors import Permanent
from reconciler.model.canonical import Json
from reconciler.model.keys import PublicKey

_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


def bundle(state: State, index: int, trusted: Trusted) -> dict[str, Json]:
    """The bundle of one signed entry, after checking it."""
    checkpoint = state.checkpoint
    if checkpoint is None or index >= checkpoint.size:
        raise Permanent(f"log entry {index} is not in a signed checkpoint yet", next_step="try again in a second")
    logged = state.logged(index, trusted)
    body = state.leaf(index)
    proof = inclusion_proof(index, checkpoint.size, state.tiles.node)
    entry: dict[str, Json] = {
        "logIndex": str(index),
        "logId": {"keyId": _log_id(trusted)},
        "kindVersion": {"kind": KIND, "version": VERSION},
        "canonicalizedBody": _text(body),
        "inclusionProof": {
            "logIndex": str(index),
            "treeSize": str(checkpoint.size),
            "rootHash": _text(checkpoint.root),
            "hashes": [_text(value) for value in proof],
            "checkpoint": {"envelope": checkpoint.note},
        },
    }
    hint = PublicKey(read_leaf(body).public).key_id
    material: dict[str, Json] = {"publicKey": {"hint": hint}, "tlogEntries": [entry]}
    envelope = dict(logged.envelope)
    return {"mediaType": _MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope}


def trusted_root(trusted: Trusted) -> dict[str, Json]:
    """What cosign's `--trusted-root` takes: this log and its key, nothing else."""
    key: dict[str, Json] = {
        "rawBytes": _text(PublicKey(_log_key(trusted)).spki),
        "keyDetails": "PKIX_ED25519",
        "validFor": {"start": "1970-01-01T00:00:00Z"},
    }
    tlog: dict[str, Json] = {
        "baseUrl": f"https://{trusted.origin}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": key,
        "logId": {"keyId": _log_id(trusted)},
    }
    return {"mediaType": _ROOT_TYPE, "tlogs": [tlog]}


def _log_id(trusted: Trusted) -> str:
    return _text(key_id(trusted.origin, _log_key(trusted)))


def _log_key(trusted: Trusted) -> bytes:
    keys = trusted.keys.of_role("log")
    if not keys:
        raise Permanent("no log key is trusted", next_step="compare keys/log.key.pub with the trust roots")
    return keys[-1]


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
