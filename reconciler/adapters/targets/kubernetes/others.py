"""Others: what Flux's Kustomization and Argo CD's Application say of themselves, read into one Standing; and what they hold.

Pure: no request is made here. Anybody may have written these objects, so every read is total.

Flux: `lastAppliedRevision` is set after its health checks, `lastAttemptedRevision` before it applies. A revision is
`main@sha1:ID`, `main/ID` or `ID`; of an OCI artifact the origin revision counts.
Argo CD: `sync.revision` is what was compared with the cluster, so it is applied only when the status is Synced; of what was
applied and has changed since (OutOfSync after a sync of the same revision) the objects are drifted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.loosely import condition, holds, items, part, text, texts, whole
from reconciler.audit.redact import Redactor
from reconciler.health.facts import said
from reconciler.model.appliers import Phase, Standing

KIND: Final = {"flux": "Kustomization.kustomize.toolkit.fluxcd.io", "argocd": "Application.argoproj.io"}
_ID: Final = re.compile(r"(?:^|[:/])([0-9a-f]{40}|[0-9a-f]{64})$")
_WAITS: Final = frozenset({
    "DependencyNotReady", "Progressing", "ProgressingWithRetry", "Reconciling", "NewGeneration", "ReconciliationRequested",
})  # fmt: skip
_REDACTOR: Final = Redactor()


def standing(kind: str, obj: Mapping[str, Any]) -> Standing:
    return flux(obj) if kind == "flux" else argocd(obj)


def held(kind: str, obj: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the objects that they say they applied."""
    status = obj.get("status")
    if kind == "flux":
        entries = part(status, "inventory").get("entries")
        found = (_entry(text(e, "id")) for e in (entries if isinstance(entries, list) else ()))
    else:
        resources = part(status).get("resources")
        found = (_resource(r) for r in (resources if isinstance(resources, list) else ()))
    return tuple(sorted({i for i in found if i}))


def flux(obj: Mapping[str, Any]) -> Standing:
    status, ready = part(obj, "status"), condition(obj, "Ready")
    applied = _ids([text(status, "lastAppliedOriginRevision"), text(status, "lastAppliedRevision")])
    tried = _ids([text(status, "lastAttemptedRevision")])
    folder = text(obj, "spec", "path") if text(obj, "spec", "sourceRef", "kind") == "GitRepository" else None
    about = Standing(Phase.BUSY, _words(ready), applied, tried, folder)
    if part(obj, "spec").get("suspend") is True:
        return _as(about, Phase.STOPPED, "it is suspended: flux resume kustomization")
    if holds(obj, "Stalled"):
        return Standing(Phase.FAILED, _words(condition(obj, "Stalled")), applied, (), folder)
    if whole(status, "observedGeneration") != whole(obj, "metadata", "generation"):
        return _as(about, Phase.BUSY, about.told or "Flux has not looked at it yet")
    if text(ready, "status") == "True":
        return _as(about, Phase.DONE, about.told)
    if text(ready, "status") == "False" and text(ready, "reason") not in _WAITS:
        unwell = text(ready, "reason") == "HealthCheckFailed"
        return _as(about, Phase.UNHEALTHY if unwell else Phase.FAILED, about.told)
    return about


def argocd(obj: Mapping[str, Any]) -> Standing:
    sync, last = part(obj, "status", "sync"), part(obj, "status", "operationState")
    compared = _ids([text(sync, "revision"), *texts(sync, "revisions")])
    synced = _ids([text(last, "syncResult", "revision"), *texts(last, "syncResult", "revisions")])
    synced = synced or _ids([text(last, "operation", "sync", "revision")])
    folder = text(obj, "spec", "source", "path") or None
    phase, told = text(last, "phase"), _shown(text(last, "message"))
    matches = text(sync, "status") == "Synced"
    if phase in ("Running", "Terminating"):
        return Standing(Phase.BUSY, told or "it is being synced", (), synced, folder)
    if not matches and (errors := _errors(obj)):
        return Standing(Phase.FAILED, errors, (), synced if phase in ("Failed", "Error") else (), folder)
    if phase in ("Failed", "Error") and not (matches and synced != compared):
        return Standing(Phase.FAILED, told or f"its sync {phase.lower()}", (), synced, folder)
    if matches or (phase == "Succeeded" and compared and compared == synced):
        return _well(obj, compared, folder, () if matches else _drifted(obj))
    if text(sync, "status") == "OutOfSync" and not _automated(obj):
        return Standing(Phase.STOPPED, "it is OutOfSync and is not synced by itself: argocd app sync", (), compared, folder)
    return Standing(Phase.BUSY, f"it is {text(sync, 'status') or 'not compared yet'}", (), compared, folder)


def _errors(obj: Mapping[str, Any]) -> str:
    found = (c for c in items(obj, "status", "conditions") if text(c, "type").endswith("Error"))
    return "; ".join(f"{text(c, 'type')}: {_shown(text(c, 'message'))}" for c in found)


def _well(obj: Mapping[str, Any], revisions: tuple[str, ...], folder: str | None, drifted: tuple[str, ...]) -> Standing:
    """Applied; and is it well?"""
    health = part(obj, "status", "health")
    word, told = text(health, "status"), _shown(text(health, "message"))
    if word in ("Healthy", "Suspended"):
        return Standing(Phase.DONE, told or word, revisions, revisions, folder, drifted)
    phase = Phase.UNHEALTHY if word in ("Degraded", "Missing") else Phase.BUSY
    return Standing(phase, f"it is {word or 'not judged yet'}" + (f": {told}" if told else ""), (), revisions, folder, drifted)


def _automated(obj: Mapping[str, Any]) -> bool:
    policy = part(obj, "spec", "syncPolicy")
    return isinstance(policy.get("automated"), Mapping) and part(policy, "automated").get("enabled") is not False


def _drifted(obj: Mapping[str, Any]) -> tuple[str, ...]:
    resources = part(obj, "status").get("resources")
    found = (_resource(r) for r in (resources if isinstance(resources, list) else ()) if text(r, "status") == "OutOfSync")
    return tuple(sorted({i for i in found if i}))


def _entry(entry: str) -> str:
    """`namespace_name_group_Kind`; a colon in a name is written as two underscores."""
    rest, _, kind = entry.rpartition("_")
    rest, _, group = rest.rpartition("_")
    space, _, name = rest.partition("_")
    return _id(group, kind, space, name.replace("__", ":"))


def _resource(resource: object) -> str:
    return _id(*(text(resource, word) for word in ("group", "kind", "namespace", "name")))


def _id(group: str, kind: str, space: str, name: str) -> str:
    """Empty for what names no object."""
    if not kind or not name:
        return ""
    return "/".join(filter(None, (f"{kind}.{group}" if group else kind, space, name)))


def _ids(revisions: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found[1] for r in revisions if (found := _ID.search(r))))


def _as(about: Standing, phase: Phase, told: str) -> Standing:
    return Standing(phase, told, about.applied, about.tried, about.folder)


def _words(found: Mapping[str, Any]) -> str:
    reason, message = text(found, "reason"), _shown(text(found, "message"))
    return f"{reason}: {message}" if reason and message else reason or message


def _shown(message: str) -> str:
    return said(_REDACTOR.text(" ".join(message[:4_000].split())))
