"""How much memory an OTLP body takes once it is parsed, known before: a message of two bytes becomes an object of two hundred.

In: the bytes of a protobuf message and its descriptor. Out: a bound of its objects in bytes, or Refused as soon as it is too
much, or when the bytes are none of this message. The wire is walked as the official parser walks it, by the descriptor: what is
neither a message nor a list there (text, unknown fields) is skipped. Pure.
"""

from __future__ import annotations

import functools
from typing import Any

from webhooks.body import Refused

MOST = 128 << 20  # of the objects of one body; 8,192 spans with twenty attributes each take 30 MiB
MOST_FIELDS = 2_000_000  # some two seconds of looking; those spans have 800,000
LIGHT = 512 << 10  # the objects of so small a body take less in any case
_OBJECT, _FIELD, _ELEMENT = 32, 16, 16  # bytes: header and place in a list, each field, each number while its list grows
_VARINT, _LENGTH, _FIXED = 0, 2, {1: 8, 5: 4}  # wire types
_DEEPEST = 100  # messages within each other; the official parser refuses more
_TEXT = 1 << 62
_MORE = 0x80  # a byte of a varint after which another one comes

Heavy = dict[
    int, tuple[int, Any]
]  # by field: what a message takes, and its descriptor; or the width of a number in a list, and None


def weigh(body: bytes, descriptor: Any) -> int:
    """At most MOST. Small bodies are not looked at: they weigh nothing here."""
    if len(body) <= LIGHT:
        return 0
    try:
        return _walk(body, descriptor)
    except IndexError:
        raise _malformed() from None


def _walk(body: bytes, descriptor: Any) -> int:
    total, fields, at, within = 0, 0, 0, [(len(body), _heavy(descriptor))]
    while within:
        end, heavy = within[-1]
        if at >= end:
            within.pop()
            continue
        key, at = _varint(body, at)
        if key >> 32:  # no field, and the official parser could read another one
            raise _malformed()
        weight, inner = heavy.get(key >> 3, (0, None))
        size, at = _size(body, at, key)
        if at + size > end or len(within) > _DEEPEST:
            raise _malformed()
        if inner is not None and key & 7 == _LENGTH:
            within.append((at + size, _heavy(inner)))
            total += weight
        else:
            at += size
            total += size // weight * _ELEMENT + _ELEMENT if weight else 0
        fields += 1
        if total > MOST or fields > MOST_FIELDS:
            what = f"the body holds more than {MOST >> 20} MiB of objects or {MOST_FIELDS} fields"
            raise Refused(413, "too-large", what, "send smaller batches")
    return total


def _size(body: bytes, at: int, key: int) -> tuple[int, int]:
    """How many bytes a value has, and where it begins."""
    wire = key & 7
    if wire == _LENGTH:
        return _varint(body, at)
    if wire == _VARINT:
        return 0, _varint(body, at)[1]
    if wire not in _FIXED:  # groups are of a time before OTLP
        raise _malformed()
    return _FIXED[wire], at


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = body[at]
    if value < _MORE:
        return value, at + 1
    value &= _MORE - 1
    for shift in range(7, 70, 7):
        at += 1
        value |= (body[at] & (_MORE - 1)) << shift
        if body[at] < _MORE:
            return value, at + 1
    raise _malformed()


@functools.cache
def _heavy(descriptor: Any) -> Heavy:
    """The fields of a message whose values take more memory than bytes."""
    found: Heavy = {}
    for field in descriptor.fields:
        if (inner := field.message_type) is not None:
            alone = sum(one.containing_oneof is None for one in inner.fields)
            found[field.number] = _OBJECT + _FIELD * (alone + len(inner.oneofs)), inner
        elif field.is_repeated:
            wide = {field.TYPE_DOUBLE: 8, field.TYPE_FIXED64: 8, field.TYPE_STRING: _TEXT}
            found[field.number] = wide.get(field.type, 1), None
    return found


def _malformed() -> Refused:
    return Refused(
        400, "malformed", "the body is no OTLP request", "send what the OpenTelemetry exporters for http/protobuf send"
    )
