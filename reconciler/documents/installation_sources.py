"""The telemetry sources of homeostat.yaml: pages that are scraped, Prometheus servers that are asked, OTLP that is sent to us.

Each kind says how foreign names become components and metrics; nothing that is measured brings its own vocabulary. The
credentials of a server are named here and kept in the settings of the machine, with the one origin they may be sent to: a
commit cannot send a secret anywhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from reconciler.documents.base import NAME, Spec
from reconciler.documents.installation_parts import URL

METRIC = r"^[a-z][a-z0-9_]{0,63}$"
LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$"
ATTRIBUTE = r"^[A-Za-z0-9_.:/-]{1,120}$"
COMPONENT_MATCHER = "$component"


class ScrapeSource(Spec):
    """A page of metrics that is scraped."""

    name: str = Field(pattern=NAME, description="Unique among the sources.")
    kind: Literal["prometheus"] = Field(default="prometheus", description="Prometheus text format over HTTP. Default prometheus.")
    url: str = Field(
        default="", pattern=URL, description="Address of the metrics page. Default empty: the embedded lab's own page."
    )
    interval_ms: int = Field(
        default=5_000,
        ge=500,
        le=3_600_000,
        description="Milliseconds between two scrapes. Default 5000: twelve samples before the 60 s guard.",
    )
    timeout_ms: int = Field(
        default=2_000,
        ge=100,
        le=60_000,
        description="Milliseconds that one scrape may take. Default 2000: less than half an interval, so scrapes do not pile up.",
    )
    prefix: str = Field(
        default="lab_",
        pattern=r"^[a-z_]{0,40}$",
        description="What is cut off metric names to get sensor names. Default lab_: what the lab writes.",
    )
    label: str = Field(
        default="service", pattern=r"^[a-z_]{1,40}$", description="The label that names the component. Default service."
    )


class AskedMetric(Spec):
    """One metric by its sensor name, and the PromQL that gives it."""

    name: str = Field(pattern=METRIC, description="The sensor name, such as `latency_p99`.")
    query: str = Field(
        min_length=1,
        max_length=2_000,
        description="PromQL that gives one series for each component, which keeps the label that `label` names. `$component` "
        "inside braces stands for the choice of components and has to appear: `sum by (service) (rate(http_requests_total"
        "{$component}[1m]))`. A plain selector is read sample by sample, anything else at steps of the interval.",
    )

    @model_validator(mode="after")
    def _chooses_components(self) -> AskedMetric:
        if COMPONENT_MATCHER not in self.query:
            raise ValueError(f"query: {self.name} does not choose components; write {COMPONENT_MATCHER} inside its braces")
        if self.query.count("{") != self.query.count("}") or "\n" in self.query.strip():
            raise ValueError(f"query: {self.name} is not one line with braces in pairs")
        return self


class AskedCalls(Spec):
    """Who calls whom, from a counter of calls."""

    query: str = Field(
        min_length=1,
        max_length=2_000,
        description="PromQL that gives one series for each pair of caller and callee; its value is calls counted or a rate, and "
        "above zero means that the call is made.",
    )
    callee: str = Field(default="callee", pattern=LABEL, description="The label that names the callee. Default callee.")


class PromqlSource(Spec):
    """A Prometheus server, or anything with its HTTP API, that is asked."""

    name: str = Field(pattern=NAME, description="Unique among the sources.")
    kind: Literal["promql"] = Field(description="The HTTP API of Prometheus, asked in PromQL.")
    url: str = Field(
        pattern=r"^https?://[^\s@?#]{1,500}$", description="Base address, such as `http://prometheus:9090`; `/api/v1` is added."
    )
    label: str = Field(default="service", pattern=LABEL, description="The label that names the component. Default service.")
    metrics: tuple[AskedMetric, ...] = Field(
        min_length=1, max_length=200, description="What is asked for, at least one. Each is one request an interval."
    )
    calls: AskedCalls | None = Field(default=None, description="Who calls whom. Default none: this server does not know.")
    read: Literal["api", "remote"] = Field(
        default="api",
        description="How plain selectors are read: `api` by the HTTP API, `remote` by remote-read, which spares the server "
        "its query engine. Expressions are always asked by the HTTP API. Default api.",
    )
    credential: str = Field(
        default="",
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$",
        description="The name of a credential in the settings of the machine. Default none.",
    )
    interval_ms: int = Field(
        default=15_000,
        ge=1_000,
        le=3_600_000,
        description="Milliseconds between two questions, and the step of expressions. Default 15000: what Prometheus servers "
        "commonly scrape at.",
    )
    timeout_ms: int = Field(
        default=10_000, ge=100, le=60_000, description="Milliseconds that one answer may take. Default 10000."
    )
    behind_ms: int = Field(
        default=3_600_000,
        ge=0,
        le=21_600_000,
        description="Milliseconds of the past that are read at the start and after an outage. Default 3600000 (an hour): enough "
        "to know what is normal.",
    )

    @model_validator(mode="after")
    def _names_once(self) -> PromqlSource:
        names = [metric.name for metric in self.metrics]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"metrics: {doubled[0]} is asked for twice; keep one")
        return self


class SentMetric(Spec):
    """How one OTLP metric becomes a sensor's metric. For a histogram the quantiles are `name_p50`, `_p95` and `_p99`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,57}$", description="The sensor name, such as `queue_depth`.")
    otlp: str = Field(pattern=ATTRIBUTE, description="The name that senders use, such as `jobs.waiting`.")
    where: dict[str, str] = Field(
        default_factory=dict,
        max_length=8,
        description="Attributes that a data point has to have, with their values. Default none: every point.",
    )
    combine: Literal["sum", "mean", "max", "min"] = Field(
        default="sum",
        description="How the streams of several instances and attributes become one series. Histograms are always joined. "
        "Default sum.",
    )
    scale: float = Field(
        default=1.0, allow_inf_nan=False, gt=0, le=1e12, description="What values are multiplied by, to get the unit. Default 1."
    )


class OtlpSource(Spec):
    """OTLP over HTTP that others send: metrics, traces and logs at `/v1/metrics`, `/v1/traces` and `/v1/logs`."""

    name: str = Field(pattern=NAME, description="Unique among the sources.")
    kind: Literal["otlp"] = Field(description="OTLP over HTTP. Without a source of this kind nothing that is sent is taken.")
    interval_ms: int = Field(
        default=15_000,
        ge=1_000,
        le=300_000,
        description="Milliseconds over which spans and log lines are counted and metrics put together. Default 15000.",
    )
    components: tuple[Annotated[str, Field(pattern=ATTRIBUTE)], ...] = Field(
        default=("service.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name"),
        min_length=1,
        max_length=8,
        description="Resource attributes that name the component; the first that is there counts. Default the service's, else "
        "the Kubernetes workload's name.",
    )
    metrics: tuple[SentMetric, ...] = Field(
        default=(),
        max_length=500,
        description="Metrics by names of your own; the first that fits a data point counts. Default none: the well-known ones by "
        "their sensor names, all others by their own.",
    )


def _kind(value: Any) -> str:
    found = value.get("kind", "prometheus") if isinstance(value, dict) else getattr(value, "kind", "prometheus")
    return found if isinstance(found, str) else "prometheus"


Source = Annotated[
    Annotated[ScrapeSource, Tag("prometheus")] | Annotated[PromqlSource, Tag("promql")] | Annotated[OtlpSource, Tag("otlp")],
    Discriminator(_kind),
]
