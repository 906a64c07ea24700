"""Redaction before every sink: what looks like a secret is replaced, by key name, by known value and by entropy.

In: any canonical value on its way into a record. Out: the same shape without secrets. Digests, commit ids and public
keys are not secrets and must survive untouched: replay needs them byte for byte.

Invariants: deterministic; applying it twice changes nothing; it never fails on any JSON value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.records import Record

REDACTED = "[redacted]"
_NAMES = re.compile(
    r"(?i)(^|[^a-z])(pass(word|wd|phrase)?|secrets?|tokens?|api[-_]?keys?|apikey|private[-_]?keys?|access[-_]?keys?|credentials?|"
    r"authorization|cookie|bearer|dsn|connection[-_]?string|client[-_]?secret)($|[^a-z])"
)
_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9_-]{20,})"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?i:\b(?:bearer|basic)\s+[A-Za-z0-9+/=._-]{8,})"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_PART = re.compile(r"[A-Za-z0-9+=]{24,}")  # names and paths are cut at their separators into short parts
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])")
_PUBLIC = "AAAAC3NzaC1lZDI1NTE5"  # every ssh-ed25519 public key begins so
_SIGNATURE = "-----BEGIN SSH SIGNATURE-----"
_ENTROPY = 4.0  # bits a character; English words and paths stay below, random base64 of 24 characters above


class Redactor:
    """Knows the values of this installation's secrets, in memory only."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(secret) for secret in known)) if known else None

    def record(self, record: Record) -> Record:
        """The record without secrets; the same object when there were none."""
        payload = self.value(dict(record.payload))
        return record if payload == dict(record.payload) else replace(record, payload=payload)

    def value(self, value: Any, name: str = "") -> Any:
        """A value of any shape, with `name` the key it stands under."""
        if isinstance(value, Mapping):
            return {self.text(key): self.value(inner, key) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(inner, name) for inner in value]
        if isinstance(value, str) and value:
            return REDACTED if _NAMES.search(_spaced(name)) else self.text(value)
        return value

    def text(self, text: str) -> str:
        """Free text: known secrets, forms that only secrets have, and long random-looking runs."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        text = _FORMS.sub(REDACTED, text)
        return text if text.startswith(_SIGNATURE) else _RUN.sub(_if_random, text)


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """`value` without secrets, for callers that have no Redactor at hand."""
    return Redactor(secrets).value(value)


def _spaced(name: str) -> str:
    """ClientSecret and client_secret read alike."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _if_random(match: re.Match[str]) -> str:
    run, start = match[0], match.start()
    if match.string[max(0, start - 7) : start] == "SHA256:" or run.startswith(_PUBLIC):
        return run
    secret = any(_MIXED.match(part) and _entropy(part) >= _ENTROPY for part in _PART.findall(run))
    return REDACTED if secret else run


def _entropy(text: str) -> float:
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())
