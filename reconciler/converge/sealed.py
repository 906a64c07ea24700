"""Sealed: files of the repository that sops wrote, in each form in which it writes them. Pure; keys are someone else's.

YAML and JSON are trees with a `sops` part. Any other file is JSON with its whole text as `data`, or, for KEY=VALUE files, lines
whose keys begin with `sops_`. Renderers get YAML and JSON back as JSON, which is YAML, and other files as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from reconciler.errors import Misconfigured
from reconciler.yamltext import Reading, Value, parse

SEALED = (b"sops", b"ENC[AES256_GCM,")  # both stand in every file that sops wrote
TREES = (".yaml", ".yml", ".json")
PART = "sops_"
STEP = re.compile(r"__(?:list|map)_")

Open = Callable[[Sequence[Value]], list[Value]]


def maybe_sealed(data: bytes) -> bool:
    """Quickly, and never wrongly no."""
    return all(mark in data for mark in SEALED)


def is_sealed(value: Value) -> bool:
    """Whether a document was written by sops."""
    told = value.get("sops") if isinstance(value, dict) else None
    return isinstance(told, dict) and "mac" in told


def written(values: Iterable[Value]) -> bytes:
    """Documents as text that every YAML reader reads alike: JSON, which is YAML."""
    return b"".join(b"---\n" + json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


def unsealed(data: bytes, path: str, reading: Reading, open_: Open) -> bytes:
    """A file as a renderer may read it."""
    if path.endswith(TREES):
        values = [document.value for document in parse(data, path, reading)]
        if not any(map(is_sealed, values)):
            return data
        opened = open_(values)
        return json.dumps(opened[0], ensure_ascii=False).encode() if path.endswith(".json") else written(opened)
    if data.lstrip().startswith(b"{"):
        (document,) = parse(data, path, reading) or (None,)
        if document is None or not is_sealed(document.value):
            return data
        (found,) = open_([document.value])
        return str(found.get("data", "") if isinstance(found, dict) else "").encode()
    return _variables(data, path, open_) if b"\nsops_mac=" in data else data


def _variables(data: bytes, path: str, open_: Open) -> bytes:
    """KEY=VALUE lines."""
    lines = [line for line in data.decode("utf-8", "replace").splitlines() if line and not line.startswith("#")]
    pairs = [(key, value.replace("\\n", "\n")) for key, _, value in (line.partition("=") for line in lines)]
    tree: dict[str, Value] = {key: value for key, value in pairs if not key.startswith(PART)}
    (found,) = open_([{**tree, "sops": _unflattened(pairs, path)}])
    opened = found.items() if isinstance(found, dict) else ()
    return "".join(f"{key}={str(value).replace(chr(10), chr(92) + 'n')}\n" for key, value in opened).encode()


def _unflattened(pairs: Sequence[tuple[str, str]], path: str) -> dict[str, Value]:
    """`sops_age__list_0__map_enc` is `age[0].enc`. Only what is needed: age keys, and texts."""
    found: dict[str, Value] = {}
    ages: dict[int, dict[str, Value]] = {}
    for key, value in pairs:
        if not key.startswith(PART):
            continue
        name, *steps = STEP.split(key.removeprefix(PART))
        if not steps:
            found[name] = True if value == "true" else value
        elif name == "age" and len(steps) == 2 and steps[0].isdigit():
            ages.setdefault(int(steps[0]), {})[steps[1]] = value
    if not ages:
        raise Misconfigured("encrypted by sops, and for no age key", where=f"{path}:1:1")
    return {**found, "age": [ages[index] for index in sorted(ages)]}
