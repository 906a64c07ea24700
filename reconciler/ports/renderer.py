"""Renderer: what turns the files of one unit into manifests. Secrets: what decrypts files of the repository in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.ports.repo import Repo


@dataclass(frozen=True, slots=True)
class Ask:
    """One unit: its folder, the namespace of what names none, and the unit's `render` as written in homeostat.yaml."""

    unit: str
    path: str
    namespace: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a render depends on. `files` is exactly what the renderer will see; a touched path in or below one of `around`
    may change which files that are (a base that is not there yet, a file that another one begins to name).
    """

    files: Mapping[str, str]  # path to blob id
    around: frozenset[str] = frozenset()


class Renderer(Protocol):
    """The same files and settings give the same bytes, on every machine and at every time. Reads nothing but `files`, reaches
    no network, runs nothing of the repository's, ends within its limits and leaves nothing behind. What is wrong is
    Misconfigured with its place; what another try may cure (a time-out, a program that is not installed) is Retryable.
    """

    def version(self) -> str:
        """Part of the cache key: another version may render otherwise."""
        ...

    def reads(self, ask: Ask, repo: Repo, revision: str) -> Reads:
        """Resolved from the files themselves. A path that is named and is not in the repository is refused at its place."""
        ...

    def render(self, ask: Ask, files: Mapping[str, bytes], *, secret: bool) -> bytes:
        """Manifests as YAML documents. `secret` files hold decrypted values, which never touch a disk."""
        ...


class Secrets(Protocol):
    """Decrypts what people encrypted into the repository; keys never come from the repository."""

    def decrypt(self, documents: Sequence[Any], where: str) -> list[Any]:
        """The documents of one file, decrypted and without their `sops` part. A missing or wrong key, and a file that was
        altered, are Misconfigured at `where`, without any value in the message.
        """
        ...
