"""Named troubles for the demo, the tests and every evaluation: what goes wrong, what shows it, what cures it, what does not.

A scenario is faults for `POST /faults` and, where a person's commit is part of the trouble, the edit of that commit. `cures`
and `backfires` are edits of desired state, tried by the tests of this package against the template's twelve services.
Bounds hold at any hour of the simulated day: `shows` is crossed `shows_after_s` after trouble starts, and a cure brings the
same metric back to the right side of its bound within 60 s of its apply.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Edit:
    """One field of one object's spec; `path` is its file in the template. `field` is dotted: "replicas", "calls.1.retries"."""

    object_id: str
    field: str
    value: int | str
    path: str

    @property
    def pointer(self) -> tuple[str | int, ...]:
        """From the root of the manifest, as `edits` wants it."""
        return ("spec", *(int(part) if part.isdigit() else part for part in self.field.split(".")))

    def edited(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The spec with this field set; the given one stays as it is."""
        manifest: Any = {"spec": copy.deepcopy(dict(spec))}
        at = manifest
        for key in self.pointer[:-1]:
            at = at[key]
        at[self.pointer[-1]] = self.value
        changed: dict[str, Any] = manifest["spec"]
        return changed


@dataclass(frozen=True, slots=True)
class Symptom:
    """`metric` of `component` is above `bound` while the trouble lasts and below it otherwise."""

    component: str
    metric: str
    bound: float


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    story: str
    faults: tuple[Mapping[str, Any], ...] = ()
    commit: Edit | None = None  # the person's commit that starts the trouble
    shows: tuple[Symptom, ...] = ()
    shows_after_s: int = 30  # and the symptoms are still there 30 s later
    cures: tuple[Edit, ...] = ()  # each alone is enough
    backfires: tuple[Edit, ...] = ()  # each makes the symptoms worse by more than a fifth within 60 s


CHECKOUT, SEARCH, CART = "apps/shop/checkout.yaml", "apps/shop/search.yaml", "apps/shop/cart.yaml"
GATEWAY = "apps/edge/gateway.yaml"
DATABASE = "apps/data/orders-db.yaml"
BAD, GOOD = "1.5.0", "1.4.2"
_RELEASE = Edit("Service/checkout", "release", BAD, CHECKOUT)
_ROLLBACK = Edit("Service/checkout", "release", GOOD, CHECKOUT)

_ALL = (
    Scenario(name="none", story="Nothing is wrong; load follows the hour of the day."),
    Scenario(
        name="bad-release-slow",
        story="checkout 1.5.0 takes eight times as long for its own work; its workers fill up and callers time out.",
        faults=({"kind": "bad-release", "service": "checkout", "release": BAD, "mode": "slow", "factor": 8},),
        commit=_RELEASE,
        shows=(Symptom("checkout", "latency_p99", 1_800),),
        cures=(_ROLLBACK,),
    ),
    Scenario(
        name="bad-release-failing",
        story="checkout 1.5.0 fails four requests of ten.",
        faults=({"kind": "bad-release", "service": "checkout", "release": BAD, "mode": "failing", "factor": 0.4},),
        commit=_RELEASE,
        shows=(Symptom("checkout", "error_rate", 0.05), Symptom("gateway", "error_rate", 0.02)),
        cures=(_ROLLBACK,),
    ),
    Scenario(
        name="leak",
        story="cart leaks a megabyte a second and replica, slows down near its limit and is killed after about three minutes.",
        faults=({"kind": "leak", "service": "cart", "release": "", "factor": 60},),
        shows=(Symptom("cart", "memory_usage", 0.75),),
        shows_after_s=120,
        cures=(Edit("Service/cart", "restart", "leak", CART), Edit("Service/cart", "memoryMiB", 1024, CART)),
    ),
    Scenario(
        name="surge",
        story="People search more than twice as often as usual; search runs out of CPU and workers.",
        faults=({"kind": "surge", "service": "search", "factor": 2.2},),
        shows=(Symptom("search", "latency_p99", 400),),
        cures=(Edit("Service/search", "replicas", 4, SEARCH),),
    ),
    Scenario(
        name="slow-database",
        story="Every query costs two and a half times the CPU, as after a bad query plan; the database's CPU is full.",
        faults=({"kind": "slow-database", "service": "orders-db", "factor": 2.5},),
        shows=(Symptom("orders-db", "latency_p99", 100),),
        cures=(Edit("Database/orders-db", "cpuMillis", 10_000, DATABASE),),
    ),
    Scenario(
        name="retry-storm",
        story="The gateway's last commit tries searches seven times. A minute of crowd fills search's queue; after the crowd has "
        "gone the repeated calls keep it full.",
        faults=(
            {"kind": "surge", "service": "search", "factor": 1.25},
            {"kind": "surge", "service": "search", "factor": 2, "seconds": 60},
        ),
        commit=Edit("Service/gateway", "calls.1.retries", 6, GATEWAY),
        shows=(Symptom("search", "latency_p99", 1_000), Symptom("gateway", "retries_rate", 50)),
        shows_after_s=150,
        cures=(Edit("Service/gateway", "calls.1.retries", 0, GATEWAY),),
    ),
    Scenario(
        name="scale-out-backfires",
        story="A sale fills checkout's workers. More checkout replicas take the database's last connections: everybody suffers.",
        faults=({"kind": "surge", "service": "checkout", "factor": 2.0},),
        shows=(Symptom("checkout", "latency_p99", 1_300),),
        backfires=(Edit("Service/checkout", "replicas", 5, CHECKOUT), Edit("Service/checkout", "replicas", 6, CHECKOUT)),
    ),
)
SCENARIOS: Mapping[str, Scenario] = {s.name: s for s in _ALL}
