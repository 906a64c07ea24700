"""The parts of homeostat.yaml beside its units and sources: targets, grouping, verification.

Numbers with a duration say milliseconds in their name. Each default says why it is that number; a repository that needs
another one writes it down, where a review sees it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.documents.base import NAME, Spec

URL = r"^(https?://[^\s@]{1,500})?$"


class LabSettings(Spec):
    """How the lab is reached."""

    url: str = Field(
        default="",
        pattern=URL,
        description="Base address of the lab's API. Default empty: the lab that `homeostat up` starts itself.",
    )
    timeout_ms: int = Field(
        default=5_000,
        ge=100,
        le=60_000,
        description="Milliseconds that one call may take before it is tried again later. Default 5000: a healthy lab answers in "
        "milliseconds, so five seconds mean that it hangs.",
    )


class DirectorySettings(Spec):
    """Which folder holds the rendered objects."""

    path: str = Field(
        min_length=1,
        max_length=500,
        description="The folder, absolute or from the home folder. Only files in its inventory are touched.",
    )


class LabTarget(Spec):
    """The simulated world that ships with Homeostat."""

    name: str = Field(pattern=NAME, description="Unique among the targets.")
    kind: Literal["lab"] = Field(description="The lab.")
    settings: LabSettings = Field(default_factory=LabSettings, description="Address and time-out. Default: the embedded lab.")


class DirectoryTarget(Spec):
    """A folder tree: one file per object, for programs that read files."""

    name: str = Field(pattern=NAME, description="Unique among the targets.")
    kind: Literal["directory"] = Field(description="A folder tree.")
    settings: DirectorySettings = Field(description="Which folder.")


class VolumeSettings(Spec):
    """How full claims may become. Kubelets are asked directly, which takes the right to get nodes/stats."""

    filled_percent: int = Field(
        default=90,
        ge=50,
        le=99,
        description="From how much of its bytes or inodes on a claim is called nearly full. Default 90: what is left lasts "
        "longer than a review.",
    )
    unchecked_certificates: bool = Field(
        default=False,
        description="Whether kubelets are believed whatever certificate they show. Default false: it has to be signed by the "
        "cluster's authority. With true, whoever can answer at a node's address gets Homeostat's token.",
    )


class KubernetesSettings(Spec):
    """How a cluster is reached, and how much of it Homeostat may use."""

    kubeconfig: str = Field(
        default="",
        max_length=500,
        description="The kubeconfig file, absolute or from the home folder. Default empty: the pod's service account, else what "
        "KUBECONFIG or ~/.kube/config says.",
    )
    context: str = Field(default="", max_length=253, description="The kubeconfig's context. Default empty: its current one.")
    owner: str = Field(
        default="homeostat",
        pattern=NAME,
        description="The label value that marks objects of this installation. Two installations on one cluster need two. Default "
        "homeostat.",
    )
    namespace: str = Field(
        default="homeostat-system",
        pattern=NAME,
        description="Where the record of each unit is kept: generation, revision and inventory. Default homeostat-system.",
    )
    at_once: int = Field(
        default=16,
        ge=1,
        le=200,
        description="Requests in flight at once; fewer while the API server says that it is busy. Default 16: more make no API "
        "server faster.",
    )
    timeout_ms: int = Field(
        default=15_000,
        ge=500,
        le=120_000,
        description="Milliseconds that one request may take, its repetitions included. Default 15000.",
    )
    node_units: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(),
        max_length=100,
        description="Units whose Operations may cordon, uncordon and drain nodes, with everybody's pods on them. Default none: a "
        "node belongs to no unit.",
    )
    drain_ms: int = Field(
        default=600_000,
        ge=1_000,
        le=86_400_000,
        description="Milliseconds that one drain may take, over restarts, too; nothing else waits for it. Default 600000: time "
        "for the replacements that disruption budgets ask for.",
    )
    volumes: VolumeSettings | None = Field(
        default=None,
        description="Whether kubelets are asked how full the units' claims are, and what is too full. Default none: not asked.",
    )


class KubernetesTarget(Spec):
    """A Kubernetes cluster."""

    name: str = Field(pattern=NAME, description="Unique among the targets.")
    kind: Literal["kubernetes"] = Field(description="A Kubernetes cluster.")
    settings: KubernetesSettings = Field(
        default_factory=KubernetesSettings, description="Access and bounds. Default: the cluster that the kubeconfig names."
    )


Target = Annotated[LabTarget | DirectoryTarget | KubernetesTarget, Field(discriminator="kind")]


class Grouping(Spec):
    """How signals become incidents. The caps keep a storm of alerts from becoming a storm of pull requests."""

    hold_down_ms: int = Field(
        default=15_000,
        ge=0,
        le=3_600_000,
        description="Milliseconds that trouble has to last before anything is done, and its end before it counts. Default 15000.",
    )
    window_ms: int = Field(
        default=60_000,
        ge=0,
        le=3_600_000,
        description="Milliseconds in which signals of connected components join one incident. Default 60000: alerts of one cause "
        "arrive within a minute of each other.",
    )
    max_signals: int = Field(
        default=50,
        ge=1,
        le=1_000,
        description="Signals that one incident keeps whole; the rest are counted. Default 50: enough to read.",
    )
    max_incidents: int = Field(
        default=20,
        ge=1,
        le=1_000,
        description="Incidents open at once; more signals join the nearest. Default 20: more than people can follow.",
    )
    max_pull_requests: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Machine pull requests open at once; more wait. Default 5: people have to keep up.",
    )
    rejected_ms: int = Field(
        default=86_400_000,
        ge=0,
        le=2_592_000_000,
        description="Milliseconds that a person's rejection of a pull request keeps the machine from proposing the same edit "
        "again, for whatever incident. Default 86400000 (a day): who said no is there to say more. 0: only that pull request.",
    )
    max_signal_age_ms: int = Field(
        default=900_000,
        ge=1_000,
        le=86_400_000,
        description="Milliseconds after which a firing alert that arrives late is closed unless the present still shows it. "
        "Default 900000 (15 minutes).",
    )
    trouble_hold_percent: int = Field(
        default=100,
        ge=0,
        le=1_000,
        description="How long what a target says is wrong has to last, in percent of the built-in times (10 to 60 seconds, by "
        "what it is). Default 100; 0 for rehearsals.",
    )


class VerificationDefaults(Spec):
    """When an applied repair is looked at, where its playbook does not say."""

    guard_ms: int = Field(
        default=60_000, ge=1_000, le=3_600_000, description="Milliseconds after apply to the coarse guard. Default 60000."
    )
    guard_worse_percent: int = Field(
        default=20,
        ge=1,
        le=1_000,
        description="Percent that the evidence may worsen by at the guard before the repair is reverted at once. Default 20.",
    )
    outcome_ms: int = Field(
        default=300_000,
        ge=1_000,
        le=86_400_000,
        description="Milliseconds after apply to the outcome. Default 300000 (five minutes).",
    )
    blind_ms: int = Field(
        default=300_000,
        ge=0,
        le=86_400_000,
        description="Milliseconds that an outcome without data is waited for. Default 300000: one missed outcome.",
    )
    on_blind: Literal["page", "revert"] = Field(
        default="page",
        description="What follows when the data never came: `page` keeps the repair and tells a person, `revert` undoes it. "
        "Default page: missing data is neither good nor bad.",
    )
