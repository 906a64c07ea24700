"""Standing: what is wrong with an object by its own status alone, read when it is seen, so that telling it costs no request.

Also from when on an object that is healthy by the rules is worth a look: a Job that runs is healthy, and so is a CronJob
whatever becomes of its Jobs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cryptography import x509

from reconciler.adapters.targets.kubernetes.loosely import condition, holds, items, part, text, when, whole
from reconciler.adapters.targets.kubernetes.symptoms import Symptom, making
from reconciler.model.troubles import TroubleKind

DAY_MS: Final = 86_400_000
EXPIRING_MS: Final = 14 * DAY_MS
RENEWING_MS: Final = 60 * 60_000  # after the time that cert-manager set itself
ISSUING_MS: Final = 10 * 60_000
JOB_STARTS_MS: Final = 60_000
RUN_STARTS_MS: Final = 5 * 60_000
MAX_CERTIFICATE: Final = 64 * 1024


def told(kind: str, obj: Mapping[str, Any]) -> tuple[Symptom, ...]:
    """By the name of its kind (`Deployment.apps`)."""
    read = _READ.get(kind)
    return tuple(read(obj)) if read else ()


def worth_a_look_ms(kind: str, obj: Mapping[str, Any]) -> int:
    """From when on, though the rules call it healthy; 0 for never."""
    status = part(obj, "status")
    if kind == "Job.batch" and whole(status, "active") and not whole(status, "ready"):
        return when(status, "startTime") + JOB_STARTS_MS
    if kind == "CronJob.batch" and (items(status, "active") or any(_cron(obj))):
        return when(status, "lastScheduleTime") + RUN_STARTS_MS
    return 0


def _deployment(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    yield from _replicas(obj)
    rollout = condition(obj, "Progressing")
    if text(rollout, "status") == "False" and text(rollout, "reason") == "ProgressDeadlineExceeded":
        yield _of(TroubleKind.STUCK_ROLLOUT, rollout)


def _replicas(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    failure = condition(obj, "ReplicaFailure")
    if text(failure, "status") == "True":
        yield _of(making(text(failure, "message")), failure)


def _job(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    for name in ("Failed", "FailureTarget"):
        if holds(obj, name):
            yield _of(TroubleKind.JOB_FAILED, condition(obj, name))


def _cron(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    """Its last run has ended and was no success."""
    status = part(obj, "status")
    ran = when(status, "lastScheduleTime")
    if part(obj, "spec").get("suspend") is not True and ran > when(status, "lastSuccessfulTime") and not items(status, "active"):
        yield Symptom(TroubleKind.JOB_FAILED, ran, f"its run of {text(status, 'lastScheduleTime')} was no success")


def _scaler(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    for name in ("AbleToScale", "ScalingActive"):
        found = condition(obj, name)
        waits = text(found, "reason") == "ScalingDisabled" or text(found, "reason").startswith("Backoff")
        if text(found, "status") == "False" and not waits:
            yield _of(TroubleKind.SCALER, found)
    limited = condition(obj, "ScalingLimited")
    if text(limited, "status") == "True" and text(limited, "reason") == "TooManyReplicas":
        yield _of(TroubleKind.SCALER, limited)


def _certificate(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    ready, issuing = condition(obj, "Ready"), condition(obj, "Issuing")
    if text(issuing, "status") == "False" and text(issuing, "reason") == "Failed":
        yield _of(TroubleKind.CERTIFICATE, issuing)
    if text(ready, "status") == "False" and (since := when(ready, "lastTransitionTime")):
        yield _of(TroubleKind.CERTIFICATE, ready, since + (ISSUING_MS if text(issuing, "status") == "True" else 0))
    if until := when(obj, "status", "notAfter"):
        renewal = when(obj, "status", "renewalTime")
        late = max(until - EXPIRING_MS, renewal + RENEWING_MS) if renewal else _late(when(obj, "status", "notBefore"), until)
        yield Symptom(TroubleKind.CERTIFICATE, late, f"it is valid until {text(obj, 'status', 'notAfter')}")


def _tls(obj: Mapping[str, Any]) -> Iterator[Symptom]:
    """The first certificate of a Secret that we manage; nothing else of the Secret is read."""
    raw = text(obj, "data", "tls.crt")
    if text(obj, "type") != "kubernetes.io/tls" or not raw or len(raw) > MAX_CERTIFICATE:
        return
    try:
        first = x509.load_pem_x509_certificates(base64.b64decode(raw))[0]
        since, until = (int(t.timestamp() * 1_000) for t in (first.not_valid_before_utc, first.not_valid_after_utc))
    except (ValueError, binascii.Error):
        yield Symptom(TroubleKind.CERTIFICATE, when(obj, "metadata", "creationTimestamp"), "tls.crt is no certificate")
        return
    yield Symptom(
        TroubleKind.CERTIFICATE, _late(since, until), f"it is valid until {first.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    )


def _late(since: int, until: int) -> int:
    """Two weeks before the end; of short-lived ones the last fifth."""
    return max(until - EXPIRING_MS, until - (until - since) // 5) if since else until - EXPIRING_MS


def _of(kind: TroubleKind, found: Mapping[str, Any], since: int = 0) -> Symptom:
    told = f"{text(found, 'reason')}: {text(found, 'message')}"
    return Symptom(kind, since or when(found, "lastTransitionTime"), told)


_READ: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[Symptom]]]] = {
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replicas,
    "Job.batch": _job,
    "CronJob.batch": _cron,
    "HorizontalPodAutoscaler.autoscaling": _scaler,
    "Certificate.cert-manager.io": _certificate,
    "Secret": _tls,
}
