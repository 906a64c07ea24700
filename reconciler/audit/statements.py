"""A record as an in-toto statement in a DSSE envelope, and back.

The statement's subject is the record's id (its SHA-256 digest), so that any verifier can be asked for exactly this
record; what the record is about (a commit, an incident) stands in the predicate, with `gitCommit` when it is a commit.

Invariants: the statement's bytes are canonical, so the same record is always the same bytes; reading one back checks
that the id, the predicate type and every field agree, and refuses anything more.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from reconciler.errors import Tampered
from reconciler.model.canonical import Json, plain
from reconciler.model.keys import PublicKey
from reconciler.model.records import Record, RecordKind, Stamp

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PREDICATES = "https://homeostat.dev/attestation/"
_FIELDS = ("key", "subject", "incident", "clock_ms", "wall_ms", "payload")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def predicate_type(kind: RecordKind) -> str:
    return f"{_PREDICATES}{kind.value}/v1"


def statement(record: Record) -> bytes:
    """The canonical bytes that are signed (inside PAE) and kept as payload."""
    payload = plain(dict(record.payload))
    predicate: dict[str, Json] = {
        "key": record.key,
        "subject": record.subject,
        "incident": record.incident,
        "clock_ms": record.stamp.clock_ms,
        "wall_ms": record.stamp.wall_ms,
        "payload": payload,
    }
    if _COMMIT.match(record.subject):
        predicate["gitCommit"] = record.subject
    subject: Json = {"name": record.key, "digest": {"sha256": _id(record.kind.value, predicate)}}
    return _dump({"_type": STATEMENT, "subject": [subject], "predicateType": predicate_type(record.kind), "predicate": predicate})


def _id(kind: str, predicate: Mapping[str, Json]) -> str:
    """The hex part of Record.id, from values that are plain already: payloads are walked once."""
    named = {name: predicate[name] for name in _FIELDS}
    return hashlib.sha256(_dump({"kind": kind, **named})).hexdigest()


def _dump(value: Json) -> bytes:
    """The bytes of `canonical.encode` for a value that is plain already."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_statement(data: bytes) -> Record:
    """The record in a statement; Tampered unless writing it again gives the same bytes."""
    try:
        found = json.loads(data, parse_float=_refuse_number, parse_constant=_refuse_number)
        record = _record(found)
        kind, predicate = record.kind, found["predicate"]
        said: Json = {"name": record.key, "digest": {"sha256": _id(kind.value, predicate)}}
        commit = {"gitCommit": record.subject} if _COMMIT.match(record.subject) else {}
        fields: Json = {**{name: predicate[name] for name in _FIELDS}, **commit}
        written = _dump({"_type": STATEMENT, "subject": [said], "predicateType": predicate_type(kind), "predicate": fields})
        if written != data:
            raise Tampered("a statement is not in its canonical form", next_step="homeostat audit verify")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Tampered("a statement in the log cannot be read", next_step="homeostat audit verify") from error
    return record


@dataclass(frozen=True, slots=True)
class Glance:
    """What a statement claims to be, unchecked: enough to find it, never to believe it."""

    id: str
    kind: str
    key: str
    subject: str
    incident: str


def glance(data: bytes) -> Glance:
    """A look at a statement without the cost of checking it."""
    try:
        found = json.loads(data)
        predicate = found["predicate"]
        kind = found["predicateType"].removeprefix(_PREDICATES).removesuffix("/v1")
        record_id = "sha256:" + found["subject"][0]["digest"]["sha256"]
        return Glance(record_id, kind, predicate["key"], predicate["subject"], predicate["incident"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Tampered("a statement in the log cannot be read", next_step="homeostat audit verify") from error


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text} is no exact number")


def _record(found: Mapping[str, Any]) -> Record:
    predicate = found["predicate"]
    for name, kind in (("key", str), ("subject", str), ("incident", str), ("clock_ms", int), ("wall_ms", int), ("payload", dict)):
        if type(predicate[name]) is not kind:
            raise TypeError(name)
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
