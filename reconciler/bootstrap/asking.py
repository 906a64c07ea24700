"""Asking: the Prometheus servers that homeostat.yaml names, with the credentials that this machine keeps for them."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.documents.installation_sources import PromqlSource
from reconciler.errors import Misconfigured, Retryable
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.following import Follower, Following, Write
    from reconciler.adapters.telemetry.prometheus import Access
    from reconciler.settings import CredentialSettings


_AFTER_MS = 15_000
_MAX_SECRET = 64 * 1024
_OPEN = stat.S_IWGRP | stat.S_IRWXO  # the group may read: that is how a Secret is mounted for a process that is not root


class Asking:
    """Makes what follows the servers. `home` is where relative files begin."""

    def __init__(self, home: Path, credentials: Mapping[str, CredentialSettings], clock: Clock, write: Write) -> None:
        self._home, self._credentials, self._clock, self._write = home, credentials, clock, write

    def following(self, sources: Sequence[PromqlSource]) -> Following:
        """Misconfigured names the source whose credential is missing or for another origin."""
        from reconciler.adapters.telemetry.following import Following

        return Following([self._follower(source) for source in sources], self._write)

    def _follower(self, source: PromqlSource) -> Follower:
        from reconciler.adapters.telemetry.following import Follower
        from reconciler.adapters.telemetry.prometheus import PrometheusServer, PrometheusTelemetry

        server = PrometheusServer(
            name=source.name,
            url=source.url,
            queries=tuple((metric.name, metric.query) for metric in source.metrics),
            label=source.label,
            calls=source.calls.query if source.calls else "",
            callee=source.calls.callee if source.calls else "callee",
            interval_ms=source.interval_ms,
            timeout_ms=source.timeout_ms,
            remote=source.read == "remote",
        )
        telemetry = PrometheusTelemetry(server, self._clock, self._access(source))
        metrics = tuple(metric.name for metric in source.metrics)
        return Follower(source.name, telemetry, metrics, source.interval_ms, source.behind_ms)

    def _access(self, source: PromqlSource) -> Access | None:
        from reconciler.adapters.telemetry.prometheus import Access

        if not source.credential:
            return None
        found = self._credentials.get(source.credential)
        if found is None:
            message = f"source {source.name} uses the credential {source.credential}, which this machine does not have"
            raise Misconfigured(message, where="homeostat.yaml", next_step="add it to credentials in settings.yaml")
        trust = str(self._home / found.ca_file) if found.ca_file else ""
        return Access(found.origin, lambda: _proof(self._home / found.file, found.user), trust)


def _proof(path: Path, user: str) -> str:
    """The Authorization header; a file that cannot be read is tried again, as its server is."""
    secret = _secret(path)
    if not secret.isascii() or any(not letter.isprintable() for letter in secret):
        raise Retryable(f"the secret in {path} is not one line of plain text", after_ms=_AFTER_MS, next_step="write it again")
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}" if user else f"Bearer {secret}"


def _secret(path: Path) -> str:
    """Through links, as Kubernetes mounts a Secret, and opened once: a swap between check and use finds nothing to swap."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8") as file:
            _refuse_open(os.fstat(file.fileno()).st_mode, path)
            return file.read(_MAX_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the secret {path}: {type(error).__name__}"
        raise Retryable(message, after_ms=_AFTER_MS, next_step="write it there, readable by this process alone") from error


def _refuse_open(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise Retryable(f"the secret {path} is no plain file", after_ms=_AFTER_MS, next_step="write it there")
    if mode & _OPEN:
        message = f"the secret {path} is not sent: others than its owner and group can read it, or can write it"
        step = f"chmod 600 {path}, and replace the secret if it was exposed; of a mounted Kubernetes Secret set defaultMode: 0440"
        raise Retryable(f"{message} (mode {stat.S_IMODE(mode):04o})", after_ms=_AFTER_MS, next_step=step)
