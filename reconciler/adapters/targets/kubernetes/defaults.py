"""Defaults: what the API server writes into objects of its own kinds by itself, so that nobody has to.

A default never changes within one API version, so what equals it can be left out of a file: the server puts it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]  # `*` is every item of a list

_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
_PROBE = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1, "httpGet.scheme": "HTTP"}
_POD: Mapping[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
    "volumes.*.configMap.defaultMode": 420,
    "volumes.*.secret.defaultMode": 420,
    "volumes.*.projected.defaultMode": 420,
    "volumes.*.downwardAPI.defaultMode": 420,
    "volumes.*.hostPath.type": "",
}
_CONTAINER: Mapping[str, Any] = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "ports.*.protocol": "TCP",
    "env.*.valueFrom.fieldRef.apiVersion": "v1",
    **{
        f"{probe}.{name}": value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for name, value in _PROBE.items()
    },
}
_OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "Deployment.apps": {"progressDeadlineSeconds": 600, "revisionHistoryLimit": 10, "strategy": _ROLLING},
    "DaemonSet.apps": {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    },
    "StatefulSet.apps": {
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "volumeClaimTemplates.*.spec.volumeMode": "Filesystem",
        "volumeClaimTemplates.*.status": {"phase": "Pending"},
    },
    "CronJob.batch": {
        "concurrencyPolicy": "Allow",
        "failedJobsHistoryLimit": 1,
        "successfulJobsHistoryLimit": 3,
        "suspend": False,
    },
    "Service": {
        "allocateLoadBalancerNodePorts": True,
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "type": "ClusterIP",
        "ports.*.protocol": "TCP",
    },
    "PersistentVolumeClaim": {"volumeMode": "Filesystem"},
    "NetworkPolicy.networking.k8s.io": {"ingress.*.ports.*.protocol": "TCP", "egress.*.ports.*.protocol": "TCP"},
}
_TEMPLATES: Mapping[str, Path] = {
    "Deployment.apps": ("spec", "template"),
    "DaemonSet.apps": ("spec", "template"),
    "StatefulSet.apps": ("spec", "template"),
    "ReplicaSet.apps": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template"),
}


def drop_defaults(kind: str, manifest: dict[str, Any]) -> None:
    """In place."""
    for path, value in _OF_KIND.get(kind, {}).items():
        _drop(manifest, ("spec", *path.split(".")), value)
    if kind == "Service":
        _of_service(manifest.get("spec") or {})
    for template in _at(manifest, _TEMPLATES[kind]) if kind in _TEMPLATES else ():
        _of_template(template)


def _of_template(template: dict[str, Any]) -> None:
    _drop(template, ("metadata", "creationTimestamp"), None)
    pod = template.get("spec") or {}
    if pod.get("serviceAccount") == pod.get("serviceAccountName"):
        pod.pop("serviceAccount", None)  # the field's old name
    for path, value in _POD.items():
        _drop(pod, tuple(path.split(".")), value)
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        for path, value in _CONTAINER.items():
            _drop(container, tuple(path.split(".")), value)
        _drop(container, ("imagePullPolicy",), _pull(str(container.get("image", ""))))


def _pull(image: str) -> str:
    """What the server chooses for an image."""
    name, pinned, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if pinned or tag not in ("", "latest") else "Always"


def _of_service(spec: dict[str, Any]) -> None:
    """Addresses that the cluster gave; `None` is a choice. Ports that are their own target."""
    if spec.get("clusterIP") != "None":
        for name in ("clusterIP", "clusterIPs", "ipFamilies"):
            spec.pop(name, None)
    else:
        spec.pop("clusterIPs", None)
        spec.pop("ipFamilies", None)
    for port in spec.get("ports") or ():
        _drop(port, ("targetPort",), port.get("port"))


def _drop(value: Any, path: Path, default: Any) -> None:
    for holder in _at(value, path[:-1]):
        if path[-1] in holder and json.dumps(holder[path[-1]], sort_keys=True) == json.dumps(default, sort_keys=True):
            del holder[path[-1]]


def _at(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    """Every mapping at a path."""
    if not path:
        if isinstance(value, dict):
            yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
