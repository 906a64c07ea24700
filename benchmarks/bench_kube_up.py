"""A running `homeostat up` on a real control plane: how soon drift is repaired, and what watching 10,000 objects holds.

A field of a ConfigMap is changed, or one is deleted, as a person does it; measured from the answer to that request until the
API server holds the desired value again. Between them lie the watch event, the wake of the loop, its turn, and the apply.
Memory is the proportional set size of the whole process. `QUICK=1` takes small sizes, whose figures say nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from figures import Figure, report
from homes import ADA, MAIN, Process, commit, place, running, wait
from kube_bed import Cluster, config, make_space, pss_mib, text
from kube_bed import running as control_plane

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.bootstrap.create import Request, create
from reconciler.settings import Home

QUICK = os.environ.get("QUICK") == "1"
OBJECTS, WATCHED, REPAIRS = (40, 80, 4) if QUICK else (2_000, 10_000, 100)
PART = 2_000 if not QUICK else 40
SPACE = "drift"
MERGE = {"Content-Type": "application/merge-patch+json"}


def installed(folder: Path, cluster: Cluster) -> Home:
    """A home whose repository has units of ConfigMaps beside the lab's."""
    home = Home(folder / "home")
    create(home, Request(port=0, lab_port=0, owner="ada", email=ADA.email))
    settings = {"kubeconfig": str(cluster.kubeconfig())}
    target = f"  targets:\n    - name: k\n      kind: kubernetes\n      settings: {json.dumps(settings)}\n"
    repo = PygitRepo(home.repository)
    rules = (repo.read(repo.ref(MAIN) or "", "homeostat.yaml") or b"").decode()
    push(home, {"homeostat.yaml": rules.replace("  targets:\n", target, 1).encode()})
    add(home, range(1))
    return home


def add(home: Home, numbers: range) -> None:
    """Units with their files, in one commit: a unit without files is refused as an empty result."""
    repo = PygitRepo(home.repository)
    rules = (repo.read(repo.ref(MAIN) or "", "homeostat.yaml") or b"").decode()
    listed = "".join(f"    - {{name: c{n}, path: apps/c{n}, target: k}}\n" for n in numbers)
    files: dict[str, bytes | None] = {f"apps/c{n}/all.yaml": part(n) for n in numbers}
    push(home, {"homeostat.yaml": rules.replace("  units:\n", f"  units:\n{listed}", 1).encode(), **files})


def part(number: int) -> bytes:
    return text([config(f"c{number}-{i}", SPACE, i) for i in range(PART)])


def push(home: Home, files: dict[str, bytes | None]) -> str:
    repo, signer = PygitRepo(home.repository), FileSigner(home.key("owner"), "owner")
    return commit(repo, signer, files, "Objects of the cluster", int(time.time() * 1_000))


def settled(process: Process, client: httpx.Client, count: int) -> None:
    def there() -> bool:
        # The namespace is this benchmark's own; with a selector the server does not count what is left.
        page = client.get(f"/api/v1/namespaces/{SPACE}/configmaps", params={"limit": "1"}).raise_for_status().json()
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount") or 0) >= count

    wait(there, f"{count} objects", every_s=0.2)
    wait(lambda: process.ready()["settled_ms"] >= 0, "the loop to settle", every_s=0.1)
    time.sleep(1)  # the records of that round


def repairs(client: httpx.Client) -> Iterator[float]:
    """Fields and deletions in turns, each of another object."""
    for n in range(REPAIRS):
        path = f"/api/v1/namespaces/{SPACE}/configmaps/c0-{n * 7 % PART}"
        if n % 2:
            client.delete(path).raise_for_status()
        else:
            client.patch(path, json={"data": {"i": "wrong"}}, headers=MERGE).raise_for_status()
        start, wanted = time.perf_counter(), str(n * 7 % PART)
        yield wait(lambda path=path, wanted=wanted: holds(client, path, wanted), f"the repair of {path}", every_s=0.004) - start


def holds(client: httpx.Client, path: str, wanted: str) -> bool:
    answer = client.get(path)
    return answer.status_code == httpx.codes.OK and answer.json()["data"]["i"] == wanted


def main() -> int:
    with control_plane() as cluster, place() as folder:
        make_space(cluster, SPACE)
        home = installed(folder, cluster)
        with running(home) as process, cluster.client() as client:
            settled(process, client, PART)
            found = sorted(repairs(client))
            add(home, range(1, WATCHED // PART))
            settled(process, client, WATCHED)
            memory = pss_mib(process.pid)
    note = f"{len(found)} fields and deletions in turns at {OBJECTS} objects, until the API server holds the value again"
    return report(
        [
            Figure("kube: drift repaired, median", statistics.median(found) * 1e3, "ms", 150, note=note),
            Figure("kube: drift repaired, p99", found[int(len(found) * 0.99)] * 1e3 if len(found) > 99 else found[-1] * 1e3,
                   "ms", 1_000),
            Figure("kube: memory of the whole process", memory, "MiB PSS", 300, note=f"{WATCHED} watched objects"),
        ]
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
