"""The control plane that tests start is a real one."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cluster.controlplane import Cluster

pytestmark = pytest.mark.peer


def deployment(name: str, replicas: int, labels: dict[str, str] | None = None) -> dict[str, Any]:
    chosen = {"app": name, **(labels or {})}
    template = {"metadata": {"labels": chosen}, "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def watch_until(client: httpx.Client, path: str, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    with client.stream("GET", path, params={"watch": "1", "timeoutSeconds": "60"}) as events:
        for line in events.iter_lines():
            found: dict[str, Any] = json.loads(line)["object"]
            if seen(found):
                return found
    raise AssertionError(f"{path} ended without what was waited for")


def test_three_replicas_are_ready_on_fake_nodes(whole_cluster: Cluster, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    with whole_cluster.client() as client:
        client.post(path, json=deployment("web", 3)).raise_for_status()
        live = watch_until(client, path, lambda found: found.get("status", {}).get("readyReplicas") == 3)
        assert live["status"]["availableReplicas"] == 3
        pods = client.get(f"/api/v1/namespaces/{namespace}/pods").json()["items"]
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert {pod["spec"]["nodeName"] for pod in pods} <= {"node-0", "node-1", "node-2"}


def test_a_pod_that_asks_for_it_fails(whole_cluster: Cluster, namespace: str) -> None:
    failing = {"pod-container-running-failed.stage.kwok.x-k8s.io": "true"}
    with whole_cluster.client() as client:
        client.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", json=deployment("web", 1, failing)).raise_for_status()
        pods = f"/api/v1/namespaces/{namespace}/pods"
        pod = watch_until(client, pods, lambda found: found["status"].get("phase") == "Failed")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 1


def test_the_api_server_alone_moves_nothing(api_server: Cluster, namespace: str) -> None:
    assert set(api_server.programs.pids) == {"etcd", "kube-apiserver"}
    with api_server.client() as client:
        answer = client.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", json=deployment("web", 3))
    assert answer.json()["status"] == {}


def test_it_says_its_version(api_server: Cluster) -> None:
    with api_server.client() as client:
        assert client.get("/version").json()["gitVersion"] == "v1.36.3"


def test_it_is_verified_and_asks_who_one_is(api_server: Cluster) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(api_server.url, trust_env=False)
    trust = ssl.create_default_context(cafile=api_server.folder / "ca.crt")
    wrong = {"Authorization": "Bearer another"}
    answer = httpx.get(f"{api_server.url}/api/v1/nodes", headers=wrong, verify=trust, trust_env=False)
    assert answer.status_code == httpx.codes.UNAUTHORIZED
