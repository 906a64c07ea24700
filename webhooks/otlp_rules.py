"""Under which name an OTLP metric is kept: what homeostat.yaml says first, then the well-known ones, then its own name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.documents.installation_sources import SentMetric
from webhooks.otlp_messages import Told

_UNFIT = re.compile(r"[^a-z0-9]+")
_METRIC = re.compile(r"[a-z][a-z0-9_]{0,57}")  # with room for the name of a quantile


@dataclass(frozen=True, slots=True)
class Rule:
    """How points become a series. `requests`: a histogram of requests, whose count and failures are metrics, too."""

    name: str
    combine: str = "sum"
    scale: float = 1.0
    where: Mapping[str, str] = field(default_factory=dict)
    in_ms: bool = False
    requests: bool = False


_REQUESTS = Rule("latency", in_ms=True, requests=True)
_SHARE_OF_CPU, _SHARE_OF_MEMORY = Rule("cpu_usage", "mean"), Rule("memory_usage", "mean")

WELL_KNOWN: Mapping[str, Rule] = {
    "http.server.request.duration": _REQUESTS,
    "http.server.duration": _REQUESTS,
    "rpc.server.call.duration": _REQUESTS,
    "rpc.server.duration": _REQUESTS,
    "http.server.active_requests": Rule("active_requests"),
    "process.cpu.utilization": _SHARE_OF_CPU,
    "jvm.cpu.recent_utilization": _SHARE_OF_CPU,
    "k8s.container.cpu_limit_utilization": _SHARE_OF_CPU,
    "k8s.pod.cpu_limit_utilization": _SHARE_OF_CPU,
    "k8s.container.memory_limit_utilization": _SHARE_OF_MEMORY,
    "k8s.pod.memory_limit_utilization": _SHARE_OF_MEMORY,
    "k8s.container.restarts": Rule("restarts"),
    "k8s.deployment.available": Rule("replicas_ready"),
    "k8s.deployment.desired": Rule("replicas_desired"),
}


def rules_of(metrics: Sequence[SentMetric]) -> Mapping[str, tuple[Rule, ...]]:
    """What homeostat.yaml says, by the sender's name."""
    found: dict[str, tuple[Rule, ...]] = {}
    for told in metrics:
        rule = Rule(told.name, told.combine, told.scale, told.where)
        found[told.otlp] = (*found.get(told.otlp, ()), rule)
    return found


def rule_for(told: Told, rules: Mapping[str, tuple[Rule, ...]]) -> Rule | None:
    """None for a point that homeostat.yaml does not want, and for a name that cannot be a metric's."""
    if told.metric in rules:
        fitting = (rule for rule in rules[told.metric] if rule.where.items() <= told.attributes.items())
        return next(fitting, None)
    return WELL_KNOWN.get(told.metric) or _own(told)


def _own(told: Told) -> Rule | None:
    """Parts of a whole are added; the mean is taken of what every instance measures of itself."""
    name = _UNFIT.sub("_", told.metric.lower()).strip("_").removesuffix("_total")
    number = told.point.shape is None
    name += "_rate" if number and told.point.growing else ""
    return Rule(name, "mean" if number and not told.sums else "sum") if _METRIC.fullmatch(name) else None
