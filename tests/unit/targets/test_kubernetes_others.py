"""What Flux and Argo CD say, read from statuses as they write them; and the marks that they leave."""

from typing import Any

import pytest
from others_statuses import NEW, OLD, OURS, application, condition, kustomization

from reconciler.adapters.targets.kubernetes.keepers import Keeper, keeper
from reconciler.adapters.targets.kubernetes.others import argocd, flux, held, standing
from reconciler.model.appliers import Phase

READY = condition("Ready", "True", "ReconciliationSucceeded", f"Applied revision: main@sha1:{OURS}")
BROKEN = condition("Ready", "False", "BuildFailed", "kustomize build failed: accumulating resources: missing metadata.name")
UNWELL = condition("Ready", "False", "HealthCheckFailed", "health check failed: Deployment/shop/web status: 'Failed'")
AHEAD = condition("Ready", "False", "DependencyNotReady", "dependency 'flux-system/base' is not ready")
WORKING = condition("Ready", "Unknown", "Progressing", "Reconciliation in progress")
STALLED = condition("Stalled", "True", "InvalidCELExpression", "failed to compile")


@pytest.mark.parametrize(
    ("obj", "phase", "told"),
    [
        (kustomization(READY, applied=OURS), Phase.DONE, "ReconciliationSucceeded"),
        (kustomization(BROKEN), Phase.FAILED, "missing metadata.name"),
        (kustomization(UNWELL), Phase.UNHEALTHY, "status: 'Failed'"),
        (kustomization(AHEAD), Phase.BUSY, "flux-system/base"),
        (kustomization(WORKING), Phase.BUSY, "in progress"),
        (kustomization(READY, observed=1), Phase.BUSY, ""),
        (kustomization(READY, suspend=True), Phase.STOPPED, "suspended"),
        (kustomization(BROKEN, STALLED), Phase.FAILED, "failed to compile"),
    ],
)
def test_flux_says_how_far_it_is(obj: dict[str, Any], phase: Phase, told: str) -> None:
    found = flux(obj)
    assert found.phase is phase
    assert told in found.told


def test_flux_names_revisions_in_three_ways_and_of_an_artifact_by_its_origin() -> None:
    made = kustomization(READY)
    made["status"] |= {"lastAppliedRevision": f"latest@sha256:{'d' * 64}", "lastAppliedOriginRevision": f"main@sha1:{OURS}"}
    assert flux(made).applied == (OURS, "d" * 64)
    made["status"] |= {"lastAppliedRevision": f"main/{OLD}", "lastAppliedOriginRevision": "", "lastAttemptedRevision": OURS}
    assert (flux(made).applied, flux(made).tried) == ((OLD,), (OURS,))


def test_flux_says_which_folder_only_of_a_repository() -> None:
    assert flux(kustomization(READY)).folder == "./apps/shop"
    assert flux(kustomization(READY, sourceRef={"kind": "OCIRepository", "name": "x"})).folder is None


@pytest.mark.parametrize(
    ("obj", "phase", "applied", "told"),
    [
        (application("Synced"), Phase.DONE, (OURS,), "Healthy"),
        (application("Synced", synced=OLD, phase="Failed"), Phase.DONE, (OURS,), "Healthy"),
        (application("Synced", "Progressing"), Phase.BUSY, (), "Progressing"),
        (application("Synced", "Degraded"), Phase.UNHEALTHY, (), "Degraded"),
        (application("Synced", phase="Running"), Phase.BUSY, (), "being synced"),
        (application("Synced", phase="Failed", message="hook web-migrate failed"), Phase.FAILED, (), "web-migrate"),
        (
            application("OutOfSync", phase="Failed", message="one or more objects failed to apply"),
            Phase.FAILED,
            (),
            "failed to apply",
        ),
        (application("OutOfSync", synced=OLD), Phase.BUSY, (), "OutOfSync"),
        (application("OutOfSync", synced=OLD, automated=False), Phase.STOPPED, (), "argocd app sync"),
        (application("Unknown", errors=("ComparisonError",)), Phase.FAILED, (), "ComparisonError of the day"),
        (application("Synced", errors=("OrphanedResourceWarning",)), Phase.DONE, (OURS,), ""),
    ],
)
def test_argo_says_how_far_it_is(obj: dict[str, Any], phase: Phase, applied: tuple[str, ...], told: str) -> None:
    found = argocd(obj)
    assert (found.phase, found.applied) == (phase, applied)
    assert told in found.told


def test_argo_tells_what_drifted_after_it_was_synced() -> None:
    found = argocd(application("OutOfSync"))
    assert (found.phase, found.applied, found.drifted) == (Phase.DONE, (OURS,), ("Deployment.apps/shop/web",))


def test_what_they_hold_is_named_as_our_own_objects_are() -> None:
    assert held("flux", kustomization()) == (
        "ClusterRole.rbac.authorization.k8s.io/system:edge",
        "Deployment.apps/shop/web",
        "Namespace/shop",
    )
    assert held("argocd", application("Synced")) == ("Deployment.apps/shop/web", "Service/shop/web")


@pytest.mark.parametrize("kind", ["flux", "argocd"])
@pytest.mark.parametrize("obj", [{}, {"status": 3}, {"status": {"conditions": {}, "inventory": [], "resources": "x"}}])
def test_what_nobody_wrote_is_neither_applied_nor_failed(kind: str, obj: dict[str, Any]) -> None:
    found = standing(kind, obj)
    assert found.phase not in (Phase.DONE, Phase.FAILED)
    assert (found.applied, held(kind, obj)) == ((), ())


def test_words_of_others_are_one_redacted_line() -> None:
    secret = "ghp_" + "a1B2" * 9
    found = flux(kustomization(condition("Ready", "False", "BuildFailed", f"fetch\n with token {secret} failed")))
    assert "\n" not in found.told
    assert secret not in found.told


FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
TRACKED = "argocd.argoproj.io/tracking-id"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"labels": FLUX}, "Flux's Kustomization flux-system/apps"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "x"}}, "Flux's HelmRelease x/web"),
        ({"annotations": {TRACKED: "apps:apps/Deployment:shop/web"}}, "Argo CD's Application apps"),
        ({"annotations": {TRACKED: "team_apps:apps/Deployment:shop/web"}}, "Argo CD's Application team/apps"),
    ],
)
def test_marks_name_who_applies_an_object(metadata: dict[str, Any], told: str) -> None:
    assert str(keeper("Deployment.apps/shop/web", metadata)) == told


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {"app.kubernetes.io/instance": "apps", "app.kubernetes.io/managed-by": "Helm"}},
        {"annotations": {TRACKED: "apps:apps/Deployment:shop/other"}},
        {"annotations": {TRACKED: "nonsense"}},
        {"labels": 3, "annotations": [1]},
    ],
)
def test_what_is_no_mark_of_this_object_names_nobody(metadata: dict[str, Any]) -> None:
    assert keeper("Deployment.apps/shop/web", metadata) is None


def test_it_is_told_what_to_write_for_whom() -> None:
    assert Keeper("Application.argoproj.io", "", "apps").applier == "applier: {kind: argocd, application: NAMESPACE/apps}"
    assert Keeper("HelmRelease.helm.toolkit.fluxcd.io", "x", "web").applier == ""


def test_a_newer_attempt_is_told_apart_from_what_is_applied() -> None:
    found = flux(kustomization(BROKEN, applied=OURS, tried=NEW))
    assert (found.applied, found.tried) == ((OURS,), (NEW,))
