"""JSON as the API server reads and writes it: most of what a small request costs is this."""

from __future__ import annotations

import json
from typing import Any

import orjson


def read(raw: bytes) -> Any:
    """ValueError where it is none."""
    return orjson.loads(raw)


def write(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number of more than 64 bits, half a character: the server says what it thinks of it
        return json.dumps(value).encode()


def ordered(value: object) -> bytes:
    """The same for what is the same, whatever the order of its keys."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, sort_keys=True).encode()
