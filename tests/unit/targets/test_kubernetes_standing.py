"""What an object's own status says is read when it is seen; from when on it counts is part of it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from statuses import NOW, Json, at, conditions

from reconciler.adapters.targets.kubernetes.asking import newest_first, selector
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.live import DIGEST, UNIT, LiveStore
from reconciler.adapters.targets.kubernetes.standing import DAY_MS, told, worth_a_look_ms
from reconciler.adapters.targets.kubernetes.symptoms import Symptom
from reconciler.model.revisions import HealthState
from reconciler.model.troubles import TroubleKind

K = TroubleKind
HPA = "HorizontalPodAutoscaler.autoscaling"
CERTIFICATE = "Certificate.cert-manager.io"
QUOTA = 'pods "web-1" is forbidden: exceeded quota: small'


def days(count: float) -> str:
    return at(-count * 24 * 60)


def job_runs(**status: Any) -> Json:
    return {"spec": {"schedule": "* * * * *"}, "status": {"lastScheduleTime": at(30), **status}}


def valid(until: float, *found: tuple[str, str, str, str], **status: Any) -> Json:
    made = conditions(*(found or (("Ready", "True", "Ready", ""),)))
    made["status"].update(notAfter=days(until), **status)
    return made


STANDING: list[tuple[str, str, Json, TroubleKind | None]] = [
    ("rolled out", "Deployment.apps", conditions(("Progressing", "True", "NewReplicaSetAvailable", "")), None),
    ("stuck", "Deployment.apps", conditions(("Progressing", "False", "ProgressDeadlineExceeded", "")), K.STUCK_ROLLOUT),
    ("over quota", "Deployment.apps", conditions(("ReplicaFailure", "True", "FailedCreate", QUOTA)), K.QUOTA),
    ("refused", "ReplicaSet.apps", conditions(("ReplicaFailure", "True", "FailedCreate", "denied the request")), K.REFUSED),
    ("job failed", "Job.batch", conditions(("Failed", "True", "BackoffLimitExceeded", "")), K.JOB_FAILED),
    ("job done", "Job.batch", conditions(("Complete", "True", "", "")), None),
    ("run without success", "CronJob.batch", job_runs(lastSuccessfulTime=at(90)), K.JOB_FAILED),
    ("never a success", "CronJob.batch", job_runs(), K.JOB_FAILED),
    ("it runs", "CronJob.batch", job_runs(active=[{"name": "a"}]), None),
    ("run with success", "CronJob.batch", job_runs(lastSuccessfulTime=at(29)), None),
    ("no metrics", HPA, conditions(("ScalingActive", "False", "FailedGetResourceMetric", "no metrics")), K.SCALER),
    ("no target", HPA, conditions(("AbleToScale", "False", "FailedGetScale", "not found")), K.SCALER),
    ("wants more", HPA, conditions(("ScalingLimited", "True", "TooManyReplicas", "")), K.SCALER),
    ("wants less", HPA, conditions(("ScalingLimited", "True", "TooFewReplicas", "")), None),
    ("scaled to zero", HPA, conditions(("ScalingActive", "False", "ScalingDisabled", "")), None),
    ("cannot be issued", CERTIFICATE, conditions(("Ready", "False", "Failed", "")), K.CERTIFICATE),
    ("renewal failed", CERTIFICATE, valid(30, ("Issuing", "False", "Failed", ""), ("Ready", "True", "", "")), K.CERTIFICATE),
    ("expires", CERTIFICATE, valid(13), K.CERTIFICATE),
    ("valid for long", CERTIFICATE, valid(15), None),
    ("renewal is overdue", CERTIFICATE, valid(9, renewalTime=days(-1)), K.CERTIFICATE),
    ("short-lived, renewed in time", CERTIFICATE, valid(1, renewalTime=days(0.5)), None),
    ("short-lived, young", CERTIFICATE, valid(5, notBefore=days(-2)), None),
    ("a kind of which nothing is known", "Thing.example.com", conditions(("Ready", "False", "Failed", "")), None),
]


def now(symptoms: tuple[Symptom, ...]) -> list[TroubleKind]:
    return [s.kind for s in symptoms if s.since_ms <= NOW]


@pytest.mark.parametrize(("kind", "obj", "word"), [row[1:] for row in STANDING], ids=[row[0] for row in STANDING])
def test_a_status_says_what_is_wrong_by_itself(kind: str, obj: Json, word: TroubleKind | None) -> None:
    assert now(told(kind, obj)) == ([word] if word else [])


def test_a_suspended_cron_job_has_not_failed() -> None:
    assert told("CronJob.batch", {**job_runs(), "spec": {"suspend": True}}) == ()


def secret(valid_days: float, lifetime: float = 90) -> Json:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    until = datetime.fromtimestamp(NOW / 1_000, UTC) + timedelta(days=valid_days)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, until - timedelta(days=lifetime), until).sign(key, None)
    return {"type": "kubernetes.io/tls", "data": {"tls.crt": base64.b64encode(made.public_bytes(Encoding.PEM)).decode()}}


@pytest.mark.parametrize(
    ("valid_days", "lifetime", "expiring"), [(15, 90, False), (13, 90, True), (-1, 90, True), (5, 7, False), (1, 7, True)]
)
def test_a_managed_certificate_expires(valid_days: float, lifetime: float, expiring: bool) -> None:
    assert bool(now(told("Secret", secret(valid_days, lifetime)))) is expiring


def test_a_certificate_that_nobody_can_read_is_told_and_nothing_of_it_shown() -> None:
    (word,) = told("Secret", {"type": "kubernetes.io/tls", "data": {"tls.crt": base64.b64encode(b"hunter2").decode()}})
    assert (word.kind, word.detail) == (K.CERTIFICATE, "tls.crt is no certificate")


def test_a_certificate_has_ten_minutes_to_be_issued() -> None:
    (word,) = told(CERTIFICATE, conditions(("Ready", "False", "DoesNotExist", ""), ("Issuing", "True", "", "")))
    assert word.since_ms == NOW  # not ready for ten minutes


def test_no_other_secret_is_read() -> None:
    assert told("Secret", {**secret(1), "type": "Opaque"}) == ()


@pytest.mark.parametrize(
    ("kind", "status", "since"),
    [
        ("Job.batch", {"active": 1, "ready": 0, "startTime": at(30)}, NOW - 29 * 60_000),
        ("Job.batch", {"active": 1, "ready": 1, "startTime": at(30)}, 0),
        ("Job.batch", {"succeeded": 1}, 0),
        ("CronJob.batch", {"active": [{"name": "a"}], "lastScheduleTime": at(30)}, NOW - 25 * 60_000),
        ("CronJob.batch", {"lastScheduleTime": at(30)}, NOW - 25 * 60_000),
        ("CronJob.batch", {"lastScheduleTime": at(30), "lastSuccessfulTime": at(29)}, 0),
        ("Deployment.apps", {}, 0),
    ],
)
def test_jobs_that_the_rules_call_healthy_may_be_worth_a_look(kind: str, status: Json, since: int) -> None:
    assert worth_a_look_ms(kind, {"spec": {}, "status": status}) == since


def test_the_last_two_weeks_begin_when_they_begin() -> None:
    (word,) = told(CERTIFICATE, valid(20))
    assert word.since_ms == NOW + 6 * DAY_MS


def test_a_selector_is_written_as_the_server_reads_it() -> None:
    rules = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "Exists"},
        {"key": "c", "operator": "DoesNotExist"},
        {"key": "d", "operator": "NotIn", "values": ["z"]},
    ]
    found = selector({"spec": {"selector": {"matchLabels": {"app": "web"}, "matchExpressions": rules}}})
    assert found == "app=web,a in (x,y),b,!c,d notin (z)"
    assert selector({"spec": {"selector": None}}) == ""


def owned(name: str, by: str, minutes: float, kind: str = "ReplicaSet") -> Json:
    owner = {"kind": kind, "name": by, "uid": f"uid-{by}", "controller": True}
    labels = {"pod-template-hash": by.rpartition("-")[2]}
    return {"metadata": {"name": name, "ownerReferences": [owner], "labels": labels, "creationTimestamp": at(minutes)}}


def test_the_pods_of_the_newest_revision_come_first() -> None:
    pods = [owned("a", "web-1", 60), owned("b", "web-2", 5), owned("d", "web-2", 9)]
    assert [[p["metadata"]["name"] for p in some] for some in newest_first(pods)] == [["b", "d"], ["a"]]
    assert newest_first([]) == ([], [])


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["status", "spec", "data", "type", "conditions", "active", "notAfter", "lastScheduleTime", "selector", "tls.crt", "metadata"]
)
TREES = st.recursive(
    ODD | st.sampled_from([at(1), "kubernetes.io/tls", "True", "Ready", "Failed"]),
    lambda inner: st.dictionaries(FIELDS, inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@given(st.sampled_from([row[1] for row in STANDING] + ["Secret"]), st.dictionaries(FIELDS, TREES))
def test_no_object_however_odd_raises(kind: str, obj: Json) -> None:
    assert all(isinstance(s, Symptom) for s in told(kind, obj))
    assert worth_a_look_ms(kind, obj) >= 0
    selector(obj)
    newest_first([obj])


def test_who_waits_for_news_hears_of_a_word_that_changes_no_health() -> None:
    store = LiveStore(lambda _: (HealthState.HEALTHY, ""))
    kind = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True)

    def seen(version: int, status: str) -> frozenset[str]:
        obj = conditions(("ScalingLimited", status, "TooManyReplicas", ""))
        obj["metadata"].update(labels={UNIT: "shop"}, annotations={DIGEST: "d"}, uid="u", resourceVersion=str(version))
        store.compared(store.seen(kind, obj), (), frozenset())
        return store.changed()

    assert seen(1, "False") == {"shop"}
    assert seen(2, "False") == frozenset()
    assert seen(3, "True") == {"shop"}
    assert seen(4, "True") == frozenset()
