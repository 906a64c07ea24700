"""Rights: what this target asks of the API server for some units, as the RBAC objects that grant exactly that.

In: the units' rendered objects, the target's settings, the acts that Operations may do. Out: roles and bindings.

1. Of every kind, in every namespace: list and watch. Watches are made for a kind and filtered by label; RBAC knows no labels.
   Of Secrets only where a unit has some.
2. Where a unit has objects: get in Homeostat's own name; create, patch and delete in its own, or in the name of the unit's
   service account, which it may then impersonate, and only that one.
3. What tells why something does not run: pods and their logs, events, what its objects own, nodes; read only. How full claims
   are, when the settings ask for it: the statistics of kubelets.
4. In its own namespace: the records and the lease.
5. For each act that is allowed, what it takes.
Of a unit that another applier applies everything is read and nothing written, its applier's own object included.
Never `escalate` or `bind`: a unit that brings roles can give nobody more than Homeostat has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.targets.kubernetes.draining import DRAINS
from reconciler.adapters.targets.kubernetes.live import SECRETS
from reconciler.adapters.targets.kubernetes.operations import ON_NODES
from reconciler.adapters.targets.kubernetes.order import CRD
from reconciler.adapters.targets.kubernetes.showing import OWNS, SETS
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import Misconfigured
from reconciler.model.appliers import AppliedBy
from reconciler.model.revisions import DesiredObject

GROUP = "rbac.authorization.k8s.io"
READS = {"pods": "get list", "pods/log": "get", "events": "list"}
APPLIERS = {"flux": "kustomizations.kustomize.toolkit.fluxcd.io", "argocd": "applications.argoproj.io"}
RECORDS = {"configmaps": "create delete get list patch update", "leases.coordination.k8s.io": "create get update"}
OF_K8S_IO = (
    "admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates",
    "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "networking", "node",
    "rbac.authorization", "resource", "scheduling", "storage", "storagemigration",
)  # fmt: skip
BUILT_IN = frozenset({"", "apps", "autoscaling", "batch", "policy", *(f"{name}.k8s.io" for name in OF_K8S_IO)})


@dataclass(frozen=True, slots=True)
class Wants:
    """What one unit needs rights for. `account` is `namespace/name`, "" for Homeostat's own. `by` applies it, if not we."""

    unit: str
    account: str
    objects: Sequence[DesiredObject]
    by: AppliedBy | None = None


@dataclass(frozen=True, slots=True)
class Grants:
    """Who may do what where: account -> namespace ("" is the whole cluster) -> resource (`plural.group`) and names -> verbs."""

    held: dict[tuple[str, str], dict[tuple[str, tuple[str, ...]], set[str]]] = field(default_factory=dict)

    def add(self, account: str, space: str, resource: str, verbs: str, *names: str) -> None:
        self.held.setdefault((account, space), {}).setdefault((resource, names), set()).update(verbs.split())


def grants(units: Sequence[Wants], settings: KubernetesSettings, allowed: frozenset[str], plurals: Mapping[str, str]) -> Grants:
    """`plurals` are those that the cluster tells, by `Kind.group`; what units define and what is built in is known."""
    own, found = own_account(settings), Grants()
    names = {**plurals, **dict(_defined(units))}
    for unit in units:
        _reading(found, unit, own)
        if unit.by:
            _beside(found, unit, unit.by, own, names)
            continue
        for obj in unit.objects:
            _of_object(found, obj, own, unit.account or own, names)
        if unit.account:
            space, _, name = unit.account.partition("/")
            found.add(own, space, "serviceaccounts", "impersonate", name)
        _acts(found, unit, own, settings, allowed)
    found.add(own, "", "nodes", "get")
    if settings.volumes is not None:
        found.add(own, "", "nodes/stats", "get")
    for resource, verbs in RECORDS.items():
        found.add(own, settings.namespace, resource, verbs)  # 4
    return found


def own_account(settings: KubernetesSettings) -> str:
    return f"{settings.namespace}/{settings.owner}"


def manifests(found: Grants, own: str) -> list[dict[str, Any]]:
    """A role and its binding for each account and namespace, in order."""
    return [made for (account, space), rules in sorted(found.held.items()) for made in _role(account, space, rules, own)]


def _of_object(found: Grants, obj: DesiredObject, own: str, writer: str, plurals: Mapping[str, str]) -> None:
    kind, *inside, _ = obj.id.split("/")
    space, resource = "".join(inside), _resource(kind, plurals, obj)
    found.add(own, space if kind == SECRETS else "", resource, "list watch")  # 1
    found.add(own, space, resource, "get")  # 2
    found.add(writer, space, resource, "create delete patch")
    if kind == CRD:
        found.add(own, "", obj.id.partition("/")[2], "list")  # whether it has objects, before it is deleted


def _reading(found: Grants, unit: Wants, own: str) -> None:  # 3
    kinds = {o.id.split("/", 1)[0] for o in unit.objects}
    while more := {child for kind in kinds for child in _owned(kind)} - kinds:
        kinds |= more
    below = {child for kind in kinds for child in _owned(kind)}
    for space in _spaces(unit):
        for resource, verbs in READS.items():
            found.add(own, space, resource, verbs)
        for child in below:
            name, _, group = child.partition(".")
            found.add(own, space, ".".join(filter(None, (plural(name), group))), "get list")


def _owned(kind: str) -> Sequence[str]:
    """A controller of its own may make any of the usual workloads."""
    return OWNS.get(kind, () if kind.partition(".")[2] in BUILT_IN else SETS)


def _beside(found: Grants, unit: Wants, by: AppliedBy, own: str, plurals: Mapping[str, str]) -> None:
    found.add(own, by.namespace, APPLIERS[by.kind], "get", by.name)
    for obj in unit.objects:
        kind, *inside, _ = obj.id.split("/")
        found.add(own, "".join(inside), _resource(kind, plurals, obj), "get")


def _acts(found: Grants, unit: Wants, own: str, settings: KubernetesSettings, allowed: frozenset[str]) -> None:  # 5
    """Restarting and scaling patch what the unit patches anyway."""
    writer = unit.account or own
    for space in _spaces(unit):
        if "evict" in allowed:
            found.add(writer, space, "pods/eviction", "create")
        if "run-job" in allowed:
            found.add(writer, space, "jobs.batch", "create")
            found.add(own, space, "jobs.batch", "get")  # whether it was made before
    if allowed & ON_NODES and unit.unit in settings.node_units:
        found.add(writer, "", "nodes", "patch")
        if allowed & frozenset(DRAINS):
            found.add(own, "", "pods", "list")
            found.add(writer, "", "pods/eviction", "create")


def _spaces(unit: Wants) -> list[str]:
    return sorted({o.id.split("/")[1] for o in unit.objects if o.id.count("/") == 2})


def _defined(units: Sequence[Wants]) -> Iterator[tuple[str, str]]:
    for unit in units:
        for obj in unit.objects:
            if obj.id.startswith(CRD + "/"):
                spec = obj.spec.get("spec") or {}
                names = spec.get("names") or {}
                yield f"{names.get('kind')}.{spec.get('group')}", str(names.get("plural"))


def _resource(kind: str, plurals: Mapping[str, str], obj: DesiredObject) -> str:
    name, _, group = kind.partition(".")
    if kind not in plurals and group not in BUILT_IN:
        raise Misconfigured(
            f"nobody here knows what {kind} is called in the plural",
            where=obj.path,
            next_step="give --context of a cluster that serves it, or put its CustomResourceDefinition into a unit",
        )
    return ".".join(filter(None, (plurals.get(kind) or plural(name), group)))


def plural(kind: str) -> str:
    """As Kubernetes names the kinds of the groups that are built in."""
    name = kind.lower()
    if name.endswith("endpoints"):
        return name
    if name.endswith("s"):
        return name + "es"
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def _role(account: str, space: str, rules: Mapping[tuple[str, tuple[str, ...]], set[str]], own: str) -> Iterator[dict[str, Any]]:
    where, _, name = account.partition("/")
    called = own.partition("/")[2] + ("" if account == own else f"-{where}-{name}")
    head, kind = ({"namespace": space}, "Role") if space else ({}, "ClusterRole")
    metadata = {"name": called, **head}
    reference = {"apiGroup": GROUP, "kind": kind, "name": called}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": where}
    yield {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": _rules(rules)}
    yield {
        "apiVersion": f"{GROUP}/v1", "kind": f"{kind}Binding", "metadata": dict(metadata),
        "roleRef": reference, "subjects": [subject],
    }  # fmt: skip


def _rules(rules: Mapping[tuple[str, tuple[str, ...]], set[str]]) -> list[dict[str, Any]]:
    """One for each group, names and verbs."""
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (resource, names), verbs in rules.items():
        name, _, group = resource.partition(".")
        found.setdefault((group, names, tuple(sorted(verbs))), []).append(name)
    return [
        {"apiGroups": [group], "resources": sorted(of), **({"resourceNames": list(names)} if names else {}), "verbs": list(verbs)}
        for (group, names, verbs), of in sorted(found.items())
    ]
