"""Kustomizations as Flux's kustomize-controller writes them, Applications as Argo CD does."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
OLD, OURS, NEW = "a" * 40, "b" * 40, "c" * 40


def condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 2,
        "lastTransitionTime": "2026-05-01T10:00:00Z",
    }  # fmt: skip


def kustomization(*conditions: Json, applied: str = OLD, tried: str = OURS, observed: int = 2, **spec: Any) -> Json:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 2},
        "spec": {"path": "./apps/shop", "sourceRef": {"kind": "GitRepository", "name": "infra"}, **spec},
        "status": {
            "conditions": list(conditions),
            "inventory": {"entries": [
                {"id": "shop_web_apps_Deployment", "v": "v1"},
                {"id": "_shop__Namespace", "v": "v1"},
                {"id": "_system__edge_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
            ]},
            "lastAppliedRevision": f"main@sha1:{applied}",
            "lastAttemptedRevision": f"main@sha1:{tried}",
            "observedGeneration": observed,
        },
    }  # fmt: skip


def application(
    sync: str, health: str = "Healthy", phase: str = "Succeeded", *, compared: str = OURS, synced: str = OURS, message: str = "",
    automated: bool = True, errors: tuple[str, ...] = (),
) -> Json:  # fmt: skip
    resource = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", "status": sync}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "apps", "namespace": "argocd", "generation": 3},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example.org/infra.git", "path": "apps/shop", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": True}} if automated else {},
        },
        "status": {
            "sync": {"status": sync, "revision": compared},
            "health": {"status": health},
            "operationState": {
                "phase": phase, "message": message, "syncResult": {"revision": synced},
                "operation": {"sync": {"revision": synced}},
            },
            "conditions": [{"type": kind, "message": f"{kind} of the day"} for kind in errors],
            "resources": [resource, {"version": "v1", "kind": "Service", "namespace": "shop", "name": "web", "status": "Synced"}],
        },
    }  # fmt: skip
