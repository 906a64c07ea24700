"""Converging on a real control plane, beside Flux and beside a client that does nothing but apply, in one run.

* Cold apply: one unit of 2,000 ConfigMaps from a Git repository through the real converger (render included) in turns with
  the bare client, so that noise hits both; a pass over them unchanged; then Flux. On an API server alone: no controller's
  reaction to new objects is measured with them.
* 300 units of a service account, a service, a deployment and an ingress, with the controller manager: applied, and healthy,
  against Flux that waits; a commit that changes one of them.

`QUICK=1` takes small sizes and no Flux: a smoke test, whose figures say nothing.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, report
from homes import place
from kube_bed import (
    Cluster,
    Flux,
    Product,
    application,
    config,
    flux,
    ingress_controller,
    make_space,
    own_cpu,
    raw_apply,
    running,
    text,
)

QUICK = os.environ.get("QUICK") == "1"
OBJECTS, UNITS, RUNS = (40, 6, 1) if QUICK else (2_000, 300, 3)


@contextlib.contextmanager
def product(made: Product) -> Iterator[Product]:
    try:
        yield made
    finally:
        made.target.close()


def cold(cluster: Cluster, folder: Path) -> tuple[list[Figure], float]:
    """Runs in turns: the bare client, then the product; its last one also passes over nothing changed."""
    bare, whole, cpu, renders, applies, quiet = [], [], [], [], [], []
    for n in range(RUNS):
        for space in (f"raw{n}", f"own{n}"):
            make_space(cluster, space)
        bare.append(raw_apply(cluster, [config(f"cm-{i}", f"raw{n}", i) for i in range(OBJECTS)]))
        units = {"big": [config(f"cm-{i}", f"own{n}", i) for i in range(OBJECTS)]}
        with product(Product(cluster, folder, f"owner{n}", units)) as made:
            renders.append(made.render())
            used, start = own_cpu(), time.perf_counter()
            made.turn()
            whole.append(time.perf_counter() - start)
            cpu.append((own_cpu() - used) / OBJECTS)
            applies.append(whole[-1] - renders[-1])
            asked = made.target.requests
            for _ in range(5):
                start = time.perf_counter()
                made.turn(everything=True)
                quiet.append(time.perf_counter() - start)
            asked = made.target.requests - asked
    ceiling, ours = OBJECTS / statistics.median(b.seconds for b in bare), OBJECTS / statistics.median(whole)
    note = f"{RUNS} runs in turns; render {statistics.median(renders):.2f} s, all else {statistics.median(applies):.2f} s"
    return [
        Figure("kube: cold apply against raw", ours, "objects/s", 0.6, ceiling, by_ratio=True, higher_is_better=True, note=note),
        Figure("kube: own CPU per applied object", statistics.median(cpu) * 1e3, "ms", 1.5,
               statistics.median(b.cpu for b in bare) / OBJECTS * 1e3, note="baseline: the bare client's"),
        Figure("kube: nothing changed, median", statistics.median(quiet) * 1e3, "ms", 50, note=f"{OBJECTS} objects"),
        Figure("kube: nothing changed, requests per object", asked / 5 / OBJECTS, "requests", 0.001,
               note=f"{asked / 5:g} a pass"),
    ], ours  # fmt: skip


def many(cluster: Cluster, folder: Path) -> tuple[list[Figure], float, float, float]:
    make_space(cluster, "apps")
    units = {f"u{i}": application(f"app-{i}", "apps") for i in range(UNITS)}
    with product(Product(cluster, folder, "many", units)) as made:
        used, start = own_cpu(), time.perf_counter()
        made.turn()
        applied = time.perf_counter() - start
        cpu = (own_cpu() - used) / UNITS / 4 * 1e3
        made.healthy()
        healthy = time.perf_counter() - start
        one = []
        for n in range(1 if QUICK else 10):
            changed = units["u3"]
            changed[1]["spec"]["ports"][0]["port"] = 8_000 + n
            made.push({"apps/u3/all.yaml": text(changed)})
            start = time.perf_counter()
            made.turn()
            one.append(time.perf_counter() - start)
    return [
        Figure("kube: one of many units changed, median", statistics.median(one), "s", 1.0, note="moved branch to applied"),
        Figure("kube: units of 4, own CPU per applied object", cpu, "ms", 1.5, note=f"{UNITS} units"),
    ], applied, healthy, cpu  # fmt: skip


def cold_beside(other: Flux, cluster: Cluster, own: float) -> list[Figure]:
    """The large unit through Flux."""
    make_space(cluster, "flux-big")
    other.source("big", [config(f"cm-{i}", "flux-big", i) for i in range(OBJECTS)])
    used, start = other.cpu(), time.perf_counter()
    other.unit("big", wait=False)
    other.ready("big", 1)
    rate, each = OBJECTS / (time.perf_counter() - start), (other.cpu() - used) / OBJECTS * 1e3
    asked, start = other.requests(), time.perf_counter()
    other.again("big")
    quiet, asked = time.perf_counter() - start, other.requests() - asked
    note = f"Flux: {each:.1f} ms CPU an object; unchanged {quiet:.1f} s and {asked:.0f} requests"
    return [Figure("kube: cold apply against Flux", own, "objects/s", 5, rate, by_ratio=True, higher_is_better=True, note=note)]


def many_beside(other: Flux, cluster: Cluster, applied: float, healthy: float, own: float) -> list[Figure]:
    """The small units through Flux, which waits for their health."""
    make_space(cluster, "flux-apps")
    for i in range(UNITS):
        other.source(f"a{i}", application(f"app-{i}", "flux-apps"))
    used, start = other.cpu(), time.perf_counter()
    for i in range(UNITS):
        other.unit(f"a{i}", wait=True)
    other.ready("a", UNITS)
    spent, cpu = time.perf_counter() - start, (other.cpu() - used) / UNITS / 4 * 1e3
    return [
        Figure("kube: units of 4, own CPU of Flux's", own, "ms", 0.075, cpu, by_ratio=True,
               note="1.5 ms where Flux takes 20: the same on a slower machine"),
        Figure("kube: 300 units applied, times Flux", spent, "s", 6, applied, by_ratio=True, higher_is_better=True,
               note=f"value: Flux waiting for health ({cpu:.1f} ms CPU an object); baseline: ours"),
        Figure("kube: 300 units healthy, times Flux", spent, "s", 4, healthy, by_ratio=True, higher_is_better=True,
               note="both: the benchmark plays the ingress controller, and writes each new Ingress its address"),
    ]  # fmt: skip


def main() -> int:
    with running() as cluster, place() as folder:
        found, own = cold(cluster, folder)
        if not QUICK:
            with flux(cluster, folder) as other:
                found += cold_beside(other, cluster, own)
    with running("controllers") as cluster, ingress_controller(cluster), place() as folder:
        more, applied, healthy, own = many(cluster, folder)
        found += more
        if not QUICK:
            with flux(cluster, folder) as other:
                found += many_beside(other, cluster, applied, healthy, own)
    return report(found)


if __name__ == "__main__":
    sys.exit(main())
