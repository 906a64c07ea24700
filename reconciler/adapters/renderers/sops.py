"""sops: files that people encrypted with `sops` for age keys, decrypted in memory. The real format, read natively.

Not the `sops` program: a file chooses whom sops asks for its key (cloud services, Vault, gpg), and that file is what we do not
trust yet. Steps of `decrypt`: 1. one key from the file's age part, 2. every encrypted value, bound to its place by its path,
3. the MAC over all values, so that nothing can be added, removed, reordered or swapped. Keys come from a file or from an
environment variable that settings.yaml names, never from the repository. No message holds a key or a value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import stat
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reconciler.adapters.renderers.age import Identity, NotOpened, open_age
from reconciler.errors import Misconfigured

ENCRYPTED = re.compile(r"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]\Z", re.DOTALL)
ONLY_ENCRYPTED = hashlib.sha256(b"sops").digest()  # begins the MAC of files that were made with mac_only_encrypted
MAX_KEYS = 100


class AgeSecrets:
    """A Secrets. `keys` is read at each use: a key that is put in place cures a unit without a restart."""

    def __init__(self, key_file: Path | None = None, key_env: str = "") -> None:
        self._file = key_file
        self._env = key_env

    def decrypt(self, documents: Sequence[Any], where: str) -> list[Any]:
        told = [document.get("sops") if isinstance(document, dict) else None for document in documents]
        first = told[0]
        if not isinstance(first, dict) or any(part != first for part in told):
            raise Misconfigured(
                "only a part of this file is encrypted by sops", where=f"{where}:1:1", next_step="encrypt it again"
            )
        try:
            opener = _Opener(_data_key(first, self._identities()), only_encrypted=first.get("mac_only_encrypted") is True)
            made = [opener.opened({k: v for k, v in document.items() if k != "sops"}, ()) for document in documents]
            opener.prove(str(first.get("mac")), str(first.get("lastmodified")))
        except NotOpened as error:
            raise Misconfigured(
                f"cannot be decrypted: {error}",
                where=f"{where}:1:1",
                next_step="look with `sops decrypt`; see the guide on rendering",
            ) from error
        return made

    def _identities(self) -> list[Identity]:
        text = os.environ.get(self._env, "") if self._env else ""
        if self._file is not None and self._file.exists():
            text += "\n" + _read_guarded(self._file)
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        if not lines:
            places = " or ".join(filter(None, (str(self._file or ""), self._env and f"${self._env}"))) or "settings.yaml"
            raise NotOpened(f"there is no age key at {places}")
        return [Identity.parse(line) for line in lines[:MAX_KEYS]]


def _read_guarded(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "r", encoding="utf-8") as opened:
            mode = os.fstat(handle)
            if not stat.S_ISREG(mode.st_mode) or mode.st_mode & 0o077:
                raise NotOpened(f"others could have read {path}: chmod 600")
            return opened.read(64 * 1024)
    except (OSError, UnicodeDecodeError) as error:
        raise NotOpened(f"{path} cannot be read") from error


def _data_key(told: Mapping[str, Any], identities: Sequence[Identity]) -> bytes:  # 1
    groups = told.get("key_groups")
    if groups and len(groups) > 1:
        raise NotOpened("it was split over several key groups, which are not put together here")
    ages = groups[0].get("age") if groups and isinstance(groups[0], dict) else told.get("age")
    sealed = [entry["enc"] for entry in ages or () if isinstance(entry, dict) and isinstance(entry.get("enc"), str)]
    if not sealed:
        raise NotOpened("it was encrypted for no age key")
    reason = NotOpened("none of the age keys here opens it")
    for text in sealed[:MAX_KEYS]:
        try:
            key = open_age(text.encode(), identities)
        except NotOpened as error:
            reason = error
            continue
        if len(key) == 32:
            return key
    raise reason


class _Opener:
    """One file being opened; the digest of its values grows in the order of the file."""

    def __init__(self, key: bytes, *, only_encrypted: bool) -> None:
        self._cipher = AESGCM(key)
        self._only_encrypted = only_encrypted
        self._digest = hashlib.sha512(ONLY_ENCRYPTED if only_encrypted else b"")

    def opened(self, value: Any, path: tuple[str, ...]) -> Any:  # 2
        if isinstance(value, dict):
            return {key: self.opened(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.opened(item, path) for item in value]
        if value is None:
            return None
        found = ENCRYPTED.match(value) if isinstance(value, str) else None
        made = self._typed(found, path) if found else value
        if found or not self._only_encrypted:
            self._digest.update(_told(made))
        return made

    def _typed(self, found: re.Match[str], path: tuple[str, ...]) -> Any:
        text = self._decrypted(found, ":".join(path) + ":", ".".join(path))
        kind = found[4]
        try:
            if kind in ("int", "float"):
                return int(text) if kind == "int" else float(text)
            if kind == "bool":
                return {"True": True, "False": False, "true": True, "false": False}[text]
        except (ValueError, KeyError) as error:
            raise NotOpened(f"{'.'.join(path)} is no {kind}") from error
        if kind in ("str", "bytes"):
            return text
        raise NotOpened(f"{'.'.join(path)} is of a type that is not known ({kind[:20]})")

    def _decrypted(self, found: re.Match[str], bound_to: str, named: str) -> str:
        try:
            data, nonce, tag = (base64.b64decode(part, validate=True) for part in found.groups()[:3])
            return self._cipher.decrypt(nonce, data + tag, bound_to.encode()).decode("utf-8")
        except (InvalidTag, binascii.Error, ValueError) as error:  # UnicodeDecodeError is a ValueError
            raise NotOpened(f"{named} was altered") from error

    def prove(self, mac: str, moment: str) -> None:  # 3
        found = ENCRYPTED.match(mac)
        if found is None:
            raise NotOpened("it has no MAC")
        meant = self._decrypted(found, moment, "its MAC")
        if not hmac.compare_digest(meant.encode(), self._digest.hexdigest().upper().encode()):
            raise NotOpened("something in it was altered, added or removed since it was encrypted")


def _told(value: Any) -> bytes:
    """A value as sops writes it into its MAC."""
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f").encode()
    return str(value).encode()
