"""A namespace as people and controllers leave it: every usual kind, defaults, children, a scaler, other appliers."""

from __future__ import annotations

from typing import Any

from kubernetes_unit import Manifest

PROBE = {"httpGet": {"path": "/", "port": 80}}
LABELS = {"matchLabels": {"app": "web"}}


def pods(**more: Any) -> dict[str, Any]:
    container = {
        "name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}], "readinessProbe": PROBE,
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
        "resources": {"requests": {"cpu": "1000m"}},
    }  # fmt: skip
    volumes = [{"name": "conf", "configMap": {"name": "settings"}}]
    latest = {"name": "side", "image": "busybox", "command": ["sleep", "9"]}
    spec = {"containers": [container, latest], "volumes": volumes, "serviceAccountName": "runner", **more}
    return {"metadata": {"labels": {"app": "web"}}, "spec": spec}


def manifest(api: str, kind: str, name: str, **more: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **more.pop("metadata", {})}, **more}


def claim(name: str) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return manifest("v1", "PersistentVolumeClaim", name, spec=spec)


def workloads() -> list[tuple[str, Manifest]]:
    """(collection path below the namespace, object)"""
    stateful = {
        "serviceName": "db",
        "selector": LABELS,
        "template": pods(),
        "volumeClaimTemplates": [claim("data")],
        "replicas": 0,
    }
    once = {"template": pods(restartPolicy="Never")}
    apps, batch = "/apis/apps/v1", "/apis/batch/v1"
    return [
        (
            f"{apps}:deployments",
            manifest("apps/v1", "Deployment", "web", spec={"selector": LABELS, "template": pods(), "replicas": 1}),
        ),
        (f"{apps}:deployments", manifest("apps/v1", "Deployment", "plain", spec={"selector": LABELS, "template": pods()})),
        (f"{apps}:statefulsets", manifest("apps/v1", "StatefulSet", "db", spec=stateful)),
        (f"{apps}:daemonsets", manifest("apps/v1", "DaemonSet", "agent", spec={"selector": LABELS, "template": pods()})),
        (
            f"{batch}:cronjobs",
            manifest("batch/v1", "CronJob", "nightly", spec={"schedule": "0 4 * * *", "jobTemplate": {"spec": once}}),
        ),
        (f"{batch}:jobs", manifest("batch/v1", "Job", "once", spec=once)),
    ]


def others() -> list[tuple[str, Manifest]]:
    front = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    may = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    runner = [{"kind": "ServiceAccount", "name": "runner"}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": "a.example.org", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    helm = {"annotations": {"meta.helm.sh/release-name": "shop"}, "labels": {"app.kubernetes.io/managed-by": "Helm"}}
    text = {"app.conf": "one\n  two: yes\n", "number": "0644", "empty": "", "word": "yes"}
    core, net, rbac = "/api/v1", "/apis/networking.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1"
    return [
        (f"{core}:configmaps", manifest("v1", "ConfigMap", "settings", data=text)),
        (f"{core}:configmaps", manifest("v1", "ConfigMap", "charted", data={"a": "1"}, metadata=helm)),
        (f"{core}:configmaps", manifest("v1", "ConfigMap", "invisible", data={"a": "x\u200by"})),
        (f"{core}:secrets", manifest("v1", "Secret", "password", stringData={"password": "hunter2-canary"})),
        (f"{core}:serviceaccounts", manifest("v1", "ServiceAccount", "runner")),
        (f"{core}:services", manifest("v1", "Service", "web", spec=front)),
        (f"{core}:services", manifest("v1", "Service", "db", spec={"clusterIP": "None", **front})),
        (f"{core}:services", manifest("v1", "Service", "out", spec={"type": "NodePort", **front})),
        (f"{core}:persistentvolumeclaims", claim("files")),
        (f"{net}:ingresses", manifest("networking.k8s.io/v1", "Ingress", "web", spec={"rules": [rule]})),
        (f"{net}:networkpolicies", manifest("networking.k8s.io/v1", "NetworkPolicy", "web", spec={
            "podSelector": LABELS, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 80}]}]})),
        (f"{rbac}:roles", manifest("rbac.authorization.k8s.io/v1", "Role", "r", rules=[may])),
        (f"{rbac}:rolebindings", manifest("rbac.authorization.k8s.io/v1", "RoleBinding", "r", roleRef=role, subjects=runner)),
        ("/apis/policy/v1:poddisruptionbudgets", manifest(
            "policy/v1", "PodDisruptionBudget", "web", spec={"minAvailable": 1, "selector": LABELS})),
        ("/apis/autoscaling/v2:horizontalpodautoscalers", manifest(
            "autoscaling/v2", "HorizontalPodAutoscaler", "web", spec={"maxReplicas": 5, "scaleTargetRef": target})),
    ]  # fmt: skip
