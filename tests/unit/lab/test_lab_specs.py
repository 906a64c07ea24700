"""Desired objects are read strictly: every wrong field is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.lab.specs import Call, DatabaseSpec, ServiceSpec, SpecError, read_spec, split_id

GOOD: dict[str, Any] = {
    "release": "1.4.2",
    "replicas": 3,
    "cpuMillis": 500,
    "memoryMiB": 512,
    "workers": 8,
    "queue": {"limit": 200, "timeoutMs": 2000},
    "calls": [{"service": "payment", "timeoutMs": 800, "retries": 1}],
    "restart": "",
}


def test_a_service_is_read_whole() -> None:
    spec = read_spec("Service/checkout", GOOD)
    assert isinstance(spec, ServiceSpec)
    assert spec.template == ("1.4.2", 500, 512, 8, "")
    assert (spec.replicas, spec.queue_limit, spec.queue_timeout_ms) == (3, 200, 2000)
    assert spec.calls == (Call("payment", 800, 1),)


def test_a_database_is_read_whole() -> None:
    assert read_spec("Database/orders-db", {"connections": 80, "cpuMillis": 4000}) == DatabaseSpec(80, 4000)


def test_calls_and_restart_may_be_left_out() -> None:
    spec = read_spec("Service/leaf", {k: v for k, v in GOOD.items() if k not in ("calls", "restart")})
    assert isinstance(spec, ServiceSpec)
    assert spec.calls == ()


def test_every_template_manifest_is_valid(manifests: Any) -> None:
    read = [read_spec(object_id, spec) for unit in manifests.values() for object_id, spec in unit.items()]
    assert len(read) == 13
    assert sorted(manifests) == ["data", "edge", "payments", "platform", "shop"]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("replicas", -1, "replicas"),
        ("replicas", 51, "replicas"),
        ("replicas", True, "replicas"),
        ("replicas", "3", "replicas"),
        ("replicas", 3.0, "replicas"),
        ("cpuMillis", 0, "cpuMillis"),
        ("memoryMiB", 1, "memoryMiB"),
        ("workers", 0, "workers"),
        ("release", 1.4, "release"),
        ("release", "1.4; rm -rf /", "release"),
        ("release", "", "release"),
        ("restart", None, "restart"),
        ("restart", "x" * 81, "restart"),
        ("restart", "\ud800", "restart"),
        ("queue", None, "queue"),
        ("queue", {"limit": 1}, "queue: missing key 'timeoutMs'"),
        ("queue", {"limit": 1, "timeoutMs": 0}, "queue.timeoutMs"),
        ("calls", {}, "calls"),
        ("calls", [None], r"calls\[0\]"),
        ("calls", [{"service": "../up", "timeoutMs": 1, "retries": 0}], r"calls\[0\].service"),
        ("calls", [{"service": "a", "timeoutMs": 1, "retries": 11}], r"calls\[0\].retries"),
        ("calls", [{"service": "a", "timeoutMs": 1, "retries": 0}] * 2, "the same service twice"),
        ("calls", [{"service": "checkout", "timeoutMs": 1, "retries": 0}], "calls itself"),
        ("calls", [{"service": "a", "timeoutMs": 1, "retries": 0}] * 21, "at most 20"),
        ("Replicas", 3, "unknown key 'Replicas'"),
    ],
)
def test_a_wrong_field_is_refused_by_name(field: str, value: object, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        read_spec("Service/checkout", {**GOOD, field: value})


@pytest.mark.parametrize("missing", ["release", "replicas", "cpuMillis", "memoryMiB", "workers", "queue"])
def test_a_missing_field_is_refused_by_name(missing: str) -> None:
    with pytest.raises(SpecError, match=missing):
        read_spec("Service/checkout", {k: v for k, v in GOOD.items() if k != missing})


@pytest.mark.parametrize(
    "bad", ["checkout", "Deployment/checkout", "Service/", "Service/a/b", "Service/A", "Service/" + "a" * 41, "Service/a\n"]
)
def test_an_id_that_names_no_object_is_refused(bad: str) -> None:
    with pytest.raises(SpecError, match="id:"):
        split_id(bad)
