"""Which metric: of the service that is at fault, is the metric that the fault is made of among those told first?

The labels name no metric. What was done names a kind of metric: a busy processor the processor's, a delay in the network the
latencies around it, an exception the failures. PetShop's labels do not say what was done: there it is the kind of metric that
the complaint was about. A true service that is not among the causes is a miss. Chance takes one of its metrics at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from figures import Figure

from reconciler.analysis.causes import Finding, Kind, Recording, kind_of

from .resample import told

LATENCIES = (Kind.LATENCY, Kind.CALLS, Kind.SELF)
FAILURES = (Kind.LOG_ERRORS, Kind.ERRORS, Kind.SUCCESS)
MADE_OF = {
    "cpu_contention": (Kind.CPU,), "cpu_consumed": (Kind.CPU,), "network_delay": LATENCIES, "exception": FAILURES,
    "latency": LATENCIES, "availability": FAILURES,
}  # fmt: skip

Asked = tuple[Recording, Finding, str, str]  # the recording, what was found, the service at fault, what was done


def metric_figures(system: str, asked: Sequence[Asked]) -> Iterator[Figure]:
    """Of the cases whose fault is made of something that is measured."""
    known = [one for one in asked if _there(one)]
    if not known:
        return
    ranks = [_rank(one) for one in known]
    for k in (1, 3):
        hits = [float(rank < k) for rank in ranks]
        chance = float(np.mean([_chance(one, k) for one in known]))
        note = f"{told(hits)}; kind of metric, of the service at fault"
        yield Figure(f"causes {system} metric@{k}", float(np.mean(hits)), "share", None, chance, higher_is_better=True, note=note)


def _kinds(one: Asked) -> list[Kind]:
    return [column.kind for column in one[0].columns if column.service == one[2]]


def _there(one: Asked) -> bool:
    return any(kind in MADE_OF.get(one[3], ()) for kind in _kinds(one))


def _rank(one: Asked) -> int:
    _, found, truth, what = one
    cause = next((c for c in found.causes if c.service == truth), None)
    kinds = [kind_of(metric) for metric, _, _ in cause.shares] if cause else []
    return next((place for place, kind in enumerate(kinds) if kind in MADE_OF[what]), 10_000)


def _chance(one: Asked, k: int) -> float:
    """That one of `k` metrics of the service, drawn without putting back, is of the kind."""
    kinds = _kinds(one)
    wrong, miss = sum(kind not in MADE_OF[one[3]] for kind in kinds), 1.0
    for drawn in range(min(k, len(kinds))):
        miss *= max(0, wrong - drawn) / (len(kinds) - drawn)
    return 1.0 - miss
