"""The one canonical encoder: the bytes that are signed, hashed and compared.

Canonical JSON: UTF-8, keys sorted, no white space, no floats. Frozen dataclasses become objects with their
field names, enums their value, tuples lists. A float is refused: two machines print it differently and a
signature over it means nothing. Measured numbers travel as decimal text made by `number()`.

`decode(cls, data)` is the strict inverse: unknown or missing fields and wrong types are refused.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from reconciler.errors import Permanent

T = TypeVar("T")
Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def number(value: float) -> str:
    """A measured number as text with six significant digits; NaN and infinities are named."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return format(value, ".6g")


def plain(value: Any) -> Json:
    """The JSON value that `encode` writes; refuses what has no exact form."""
    if value is None or isinstance(value, (bool, str)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, int):
        return int(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(k): plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    kind = type(value).__name__
    raise Permanent(f"cannot encode {kind} canonically", next_step="use model.canonical.number() for measurements")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise Permanent(f"canonical objects have text keys, not {type(key).__name__}")
    return key


def encode(value: Any) -> bytes:
    """The canonical bytes of a value."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> str:
    """`sha256:` and the hex digest of the canonical bytes (or of `value` itself when it is bytes)."""
    raw = value if isinstance(value, bytes) else encode(value)
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def decode(cls: type[T], data: Any) -> T:
    """Rebuild a frozen value from its canonical JSON, strictly."""
    return typing.cast("T", _decode(cls, data, cls.__name__))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode(kind: Any, data: Any, at: str) -> Any:  # noqa: PLR0911 - one line a kind of type
    origin = typing.get_origin(kind)
    if kind is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        return _decode_union(kind, data, at)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), _expect(data, list, at), at)
    if origin in (dict, Mapping):
        value = typing.get_args(kind)[1]
        return {k: _decode(value, v, f"{at}.{k}") for k, v in _expect(data, dict, at).items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, _expect(data, dict, at), at)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError as error:
            raise Permanent(f"{at}: {data!r} is no {kind.__name__}") from error
    if kind is None or kind is type(None):
        return _expect(data, type(None), at)
    return _expect(data, kind, at)


def _decode_union(kind: Any, data: Any, at: str) -> Any:
    arms = typing.get_args(kind)
    if data is None and type(None) in arms:
        return None
    failures = []
    for arm in arms:
        if arm is type(None):
            continue
        try:
            return _decode(arm, data, at)
        except Permanent as error:
            failures.append(str(error))
    raise Permanent(f"{at}: no form fits ({'; '.join(failures)})")


def _decode_tuple(args: tuple[Any, ...], data: list[Any], at: str) -> tuple[Any, ...]:
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], v, f"{at}[{i}]") for i, v in enumerate(data))
    if len(args) != len(data):
        raise Permanent(f"{at}: expected {len(args)} items, found {len(data)}")
    return tuple(_decode(a, v, f"{at}[{i}]") for i, (a, v) in enumerate(zip(args, data, strict=True)))


def _decode_dataclass(kind: type, data: dict[str, Any], at: str) -> Any:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if unknown := sorted(set(data) - set(fields)):
        raise Permanent(f"{at}: unknown field {unknown[0]!r}")
    hints = _hints(kind)
    values = {name: _decode(hints[name], data[name], f"{at}.{name}") for name in fields if name in data}
    for name, field in fields.items():
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name not in values and missing:
            raise Permanent(f"{at}: missing field {name!r}")
    return kind(**values)


def _expect(data: Any, kind: Any, at: str) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise Permanent(f"{at}: expected {getattr(kind, '__name__', kind)}, found {type(data).__name__}")
    return data
