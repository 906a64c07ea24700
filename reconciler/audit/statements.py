"""A record as an in-toto statement in a DSSE envelope, and back.

The statement's subject is the record's id (its SHA-256 digest), so that any verifier can be asked for exactly this
record; what the record is about (a commit, an incident) stands in the predicate, with `gitCommit` when it is a commit.

Invariants: the statement's bytes are canonical, so the same record is always the same bytes; reading one back checks
that the id, the predicate type and every field agree, and refuses anything more.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.errors import Permanent, Tampered
from reconciler.model.canonical import Json, encode
from reconciler.model.keys import PublicKey
from reconciler.model.records import Record, RecordKind, Stamp

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PREDICATES = "https://homeostat.dev/attestation/"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def predicate_type(kind: RecordKind) -> str:
    return f"{_PREDICATES}{kind.value}/v1"


def statement(record: Record) -> bytes:
    """The canonical bytes that are signed (inside PAE) and kept as payload."""
    return encode(
        {
            "_type": STATEMENT,
            "subject": [{"name": record.key, "digest": {"sha256": record.id.removeprefix("sha256:")}}],
            "predicateType": predicate_type(record.kind),
            "predicate": _predicate(record),
        }
    )


def _predicate(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": record.key,
        "subject": record.subject,
        "incident": record.incident,
        "clock_ms": record.stamp.clock_ms,
        "wall_ms": record.stamp.wall_ms,
        "payload": dict(record.payload),
    }
    if _COMMIT.match(record.subject):
        found["gitCommit"] = record.subject
    return found


def read_statement(data: bytes) -> Record:
    """The record in a statement; Tampered unless writing it again gives the same bytes."""
    try:
        found = json.loads(data)
        record = _record(found)
        if statement(record) != data:
            raise Tampered("a statement is not in its canonical form", next_step="homeostat audit verify")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Permanent) as error:
        raise Tampered("a statement in the log cannot be read", next_step="homeostat audit verify") from error
    return record


def _record(found: Mapping[str, Any]) -> Record:
    predicate = found["predicate"]
    return Record(
        kind=RecordKind(found["predicateType"].removeprefix(_PREDICATES).removesuffix("/v1")),
        key=predicate["key"],
        subject=predicate["subject"],
        incident=predicate["incident"],
        stamp=Stamp(predicate["clock_ms"], predicate["wall_ms"]),
        payload=predicate["payload"],
    )


def pae(data: bytes) -> bytes:
    """DSSE pre-authentication encoding: what the signature covers."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(data), data)


def envelope(data: bytes, signature: bytes, public: bytes) -> dict[str, Json]:
    """The DSSE envelope of a statement."""
    return {
        "payload": base64.b64encode(data).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": PublicKey(public).key_id}],
    }
