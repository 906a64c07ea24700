"""Prometheus' remote-read as bytes: the question, and the samples of its answer. Pure; `prometheus` does the talking.

The protocol is protobuf packed by snappy. Its few messages are described here, since nobody publishes them for Python; of snappy
only the block format is read, and a question is packed as one literal. An answer is foreign: sizes are checked before anything is
copied, and what does not fit is refused as a whole.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import Permanent

PATH = "/api/v1/read"
HEADERS: Mapping[str, str] = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-read-version": "0.1.0",
}
SELECTOR = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)?\s*\{([^{}]*)\}\s*")

_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*(?:,|$)')
_TYPES = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_MESSAGES: Mapping[str, tuple[tuple[str, str, bool], ...]] = {  # field, type, repeated; numbered from one
    "Matcher": (("type", "int32", False), ("name", "string", False), ("value", "string", False)),
    "Query": (("start_ms", "int64", False), ("end_ms", "int64", False), ("matchers", "Matcher", True)),
    "Request": (("queries", "Query", True),),
    "Label": (("name", "string", False), ("value", "string", False)),
    "Sample": (("value", "double", False), ("at_ms", "int64", False)),
    "TimeSeries": (("labels", "Label", True), ("samples", "Sample", True)),
    "Result": (("timeseries", "TimeSeries", True),),
    "Response": (("results", "Result", True),),
}


def question(selector: str, start_ms: int, end_ms: int) -> bytes:
    """The body that asks for the samples of a plain selector; Permanent when it is none."""
    request = _message("Request")
    query = request.queries.add(start_ms=start_ms, end_ms=end_ms)
    for name, kind, value in _matchers(selector):
        query.matchers.add(type=_TYPES[kind], name=name, value=value)
    return packed(request.SerializeToString())


def samples(answer: bytes, most: int) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Labels and points of every series; Permanent when the answer is none, or is larger than `most` unpacked."""
    from google.protobuf.message import DecodeError

    response = _message("Response")
    try:
        response.ParseFromString(unpacked(answer, most))
    except DecodeError as error:
        raise Permanent("the answer is no remote-read response") from error
    for result in response.results:
        for series in result.timeseries:
            yield {label.name: label.value for label in series.labels}, [(s.at_ms, s.value) for s in series.samples]


def packed(plain: bytes) -> bytes:
    """Snappy's block format with nothing made smaller: literals of at most 64 KiB."""
    parts = (plain[at : at + 65_536] for at in range(0, len(plain), 65_536))
    return _varint(len(plain)) + b"".join(b"\xf4" + (len(part) - 1).to_bytes(2, "little") + part for part in parts)


def unpacked(data: bytes, most: int) -> bytes:
    """Snappy's block format undone; Permanent when it is none."""
    try:
        size, at = _read_varint(data)
        if size > most:
            raise Permanent(f"the answer unpacks to {size} bytes, more than {most}")
        found = bytearray()
        while at < len(data) and len(found) <= size:
            at = _literal(data, at, found) if data[at] & 3 == 0 else _copy(data, at, found)
    except IndexError as error:
        raise Permanent("the answer is cut short") from error
    if len(found) != size:
        raise Permanent("the answer is not packed by snappy")
    return bytes(found)


def _literal(data: bytes, at: int, found: bytearray) -> int:
    size, at = data[at] >> 2, at + 1
    if size >= 60:
        extra = size - 59
        size, at = int.from_bytes(data[at : at + extra], "little"), at + extra
    found += data[at : at + size + 1]
    return at + size + 1


def _copy(data: bytes, at: int, found: bytearray) -> int:
    tag = data[at]
    if tag & 3 == 1:
        size, back, at = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at + 1], at + 2
    else:
        width = 2 if tag & 3 == 2 else 4
        size, back, at = 1 + (tag >> 2), int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width
    if not 0 < back <= len(found):
        raise Permanent("the answer is not packed by snappy")
    start = len(found) - back
    while size > 0:  # what is copied may overlap what it makes
        part = found[start : start + size]
        found += part
        start, size = start + len(part), size - len(part)
    return at


def _matchers(selector: str) -> Iterator[tuple[str, str, str]]:
    found = SELECTOR.fullmatch(selector)
    if found is None:
        raise Permanent(f"{selector[:100]!r} is no plain selector", next_step='write name{label="value"}, or ask by the API')
    if found[1]:
        yield "__name__", "=", found[1]
    at, text = 0, found[2]
    while text[at:].strip():
        one = _MATCHER.match(text, at)
        if one is None:
            raise Permanent(f"{text[at : at + 100]!r} is no label matcher", next_step='write label="value"')
        yield one[1], one[2], _value(one[3])
        at = one.end()


def _value(quoted: str) -> str:
    """Escapes that PromQL knows and JSON does not are refused: a guess would ask for something else."""
    try:
        value = str(json.loads(quoted))
        value.encode()
    except ValueError as error:
        step = 'write the characters themselves, with \\\\ for \\ and \\" for ", or ask by the API'
        raise Permanent(f"{quoted[:100]} is no text that remote-read can ask for", next_step=step) from error
    return value


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _read_varint(data: bytes) -> tuple[int, int]:
    number = 0
    for at in range(5):
        number |= (data[at] & 127) << 7 * at
        if data[at] < 128:
            return number, at + 1
    raise Permanent("the answer is not packed by snappy")


def _message(name: str) -> Any:
    return _classes()[name]()


@functools.cache
def _classes() -> Mapping[str, Any]:
    """The messages of the protocol, as far as they are used; what else an answer holds is skipped."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="homeostat/remote_read.proto", package="homeostat", syntax="proto3")
    types = {"int32": 5, "int64": 3, "string": 9, "double": 1}
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for number, (field, kind, repeated) in enumerate(fields, start=1):
            told = made.field.add(name=field, number=number, label=3 if repeated else 1, type=types.get(kind, 11))
            if kind not in types:
                told.type_name = f".homeostat.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"homeostat.{name}")) for name in _MESSAGES}
