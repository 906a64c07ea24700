"""Logs: the last lines of the containers that are not well. A program wrote them: they are data, and never believed.

Secrets are hidden in the whole text, before it is cut into lines. A log that cannot be had says so in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import TEXT, Api, Refused, Request
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.loosely import items, part, text, whole
from reconciler.adapters.targets.kubernetes.wires import TooLarge
from reconciler.audit.redact import Redactor
from reconciler.errors import Retryable
from reconciler.health.facts import said
from reconciler.model.trees import LogTail

LINES: Final = 20
MAX_BYTES: Final = 64 * 1024  # of these lines
CONTAINERS: Final = 4  # of one pod
_REDACTOR: Final = Redactor()


async def tails(api: Api, pod: Mapping[str, Any], hide: Callable[[str], str]) -> tuple[LogTail, ...]:
    """Of a pod's containers that are not ready, those that have started at least once."""
    path = f"/api/v1/namespaces/{text(pod, 'metadata', 'namespace')}/pods/{text(pod, 'metadata', 'name')}/log"
    wanted = [
        (text(status, "name"), previous)
        for field in ("initContainerStatuses", "containerStatuses")
        for status in items(pod, "status", field)
        if status.get("ready") is not True and (previous := _which(status)) is not None
    ]
    return tuple(await asyncio.gather(*(_tail(api, path, name, hide, previous=p) for name, p in wanted[:CONTAINERS])))


def _which(status: Mapping[str, Any]) -> bool | None:
    """Whether the log of the container before this one tells more; None when it never started or ended well."""
    if part(status, "state", "terminated"):
        return False if whole(status, "state", "terminated", "exitCode") else None
    if part(status, "lastState", "terminated"):
        return True
    return False if part(status, "state", "running") else None


async def _tail(api: Api, path: str, container: str, hide: Callable[[str], str], *, previous: bool) -> LogTail:
    params = {"container": container, "tailLines": str(LINES), "limitBytes": str(MAX_BYTES)}
    asked = Request("GET", path, {**params, **({"previous": "true"} if previous else {})}, accept=TEXT, once=True)
    try:
        raw = await api.send(asked, Rank.IDLE)
    except Refused as refused:
        why = "the right to get pods/log is missing: " if refused.status == 403 else ""
        return LogTail(said(container), previous, note=said(f"its log cannot be read: {why}{hide(refused.told or str(refused))}"))
    except (Retryable, TooLarge) as error:
        return LogTail(said(container), previous, note=said(f"its log cannot be read: {hide(str(error))}"))
    return LogTail(said(container), previous, lines(raw, hide))


def lines(raw: str, hide: Callable[[str], str]) -> tuple[str, ...]:
    """The last lines, fit to be shown. What the limit of bytes cut in two is left out: it could be half a secret."""
    kept = raw.rpartition("\n")[0] if len(raw.encode()) >= MAX_BYTES else raw
    return tuple(said(line) for line in _REDACTOR.text(hide(kept)).splitlines()[-LINES:])
