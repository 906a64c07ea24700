"""Redaction: the decrypted values of one unit, so that no message shows them and objects that hold them are marked.

Short values are not looked for: they stand everywhere. Kinds that are secret by themselves do not need this. What says which
object a manifest is (apiVersion, kind, metadata) is no secret, also where a whole file was encrypted.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import re
from collections.abc import Iterable

from reconciler.model.revisions import DesiredObject

HIDDEN = "(hidden)"
SHORTEST = 4  # that is hidden in messages
TELLING = 6  # that makes an object secret which holds it
IDENTITY = frozenset({"apiVersion", "kind", "metadata"})
SHORTEST_LINE = 8  # of a value of several lines, each of which a program may quote alone


class KnownValues:
    """Learns values, then hides them. Empty, it changes nothing."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._values)

    def learn_manifest(self, before: object, after: object) -> None:
        """Of one document."""
        if isinstance(before, dict) and isinstance(after, dict):
            known = IDENTITY if "kind" in after else frozenset[str]()
            self.learn(before, {key: value for key, value in after.items() if key not in known})

    def learn(self, before: object, after: object) -> None:
        """Every leaf that decryption changed."""
        if isinstance(before, dict) and isinstance(after, dict):
            for key, value in after.items():
                self.learn(before.get(key), value)
        elif isinstance(before, list) and isinstance(after, list):
            for old, new in zip(before, after, strict=False):
                self.learn(old, new)
        elif before != after and not isinstance(after, bool):
            self.add(str(after))

    def add(self, value: str) -> None:
        self.__dict__.pop("_pattern", None)
        lines = [line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST_LINE]
        for text in {value, value.strip(), *lines}:
            if len(text) >= SHORTEST:
                self._values |= {text, base64.b64encode(text.encode()).decode()}

    def learn_objects(self, objects: Iterable[DesiredObject]) -> None:
        """Whatever the secret ones hold, and what base64 hides in them."""
        for desired in objects:
            if desired.secret:
                self._learn_leaves([value for key, value in desired.spec.items() if key not in IDENTITY])
                for encoded in (desired.spec.get("data") or {}).values() if desired.spec.get("kind") == "Secret" else ():
                    with contextlib.suppress(ValueError):
                        self.add(base64.b64decode(str(encoded)).decode("utf-8", "replace"))

    def _learn_leaves(self, value: object) -> None:
        if isinstance(value, dict | list):
            for below in value.values() if isinstance(value, dict) else value:
                self._learn_leaves(below)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            self.add(str(value))

    def hide(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._values else text

    def holds(self, value: object) -> bool:
        """Whether any text in a value holds a secret one."""
        if not self._values:
            return False
        if isinstance(value, dict):
            return any(self.holds(item) for pair in value.items() for item in pair)
        if isinstance(value, list):
            return any(self.holds(item) for item in value)
        return value is not None and any(len(found) >= TELLING for found in self._pattern.findall(str(value)))

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._values, key=len, reverse=True))))
