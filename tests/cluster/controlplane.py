"""A real Kubernetes control plane on free ports of this machine, in a folder of its own: about 3 s until it answers.

A suite takes only the pieces that it needs:

    with running() as cluster:                          # etcd and the API server
    with running("controllers") as cluster:             # and the controller manager and the scheduler
    with running("controllers", "kwok") as cluster:     # and kwok, which plays the kubelets of fake nodes
    with running("controllers", "kwok", "failures") as cluster:     # where containers fail, too (failures.yaml)

Nothing survives the test process (see supervisor.py). Faults are plain methods: `pause` and `resume` stop and continue a
program, `restart` kills and starts it on the same port, `compact` forgets etcd's history so that old watches expire;
`restore` brings an old backup back; proxy.py puts a slow or cut network in between.
"""

from __future__ import annotations

import base64
import random
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from cluster.identity import write_identity
from cluster.supervised import Supervised
from peers import peers

READY_SECONDS = 60.0  # a loaded machine with two cores; alone it takes 3
APISERVER = "kube-apiserver"
STAGES = ("node/fast", "node/heartbeat", "pod/fast", "pod/chaos")  # kwok's: how fake nodes and pods live and fail
# The controller manager's own client limit would decide how soon 300 Deployments are current.
SWIFT = ("--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20")
FAILURES = Path(__file__).with_name("failures.yaml")
PIECES = frozenset({"controllers", "kwok", "failures"})


class Cluster:
    """A running control plane: where it is, who may talk to it, and what can go wrong with it."""

    def __init__(self, pieces: tuple[str, ...], apiserver_flags: tuple[str, ...], users: dict[str, tuple[str, ...]]) -> None:
        if unknown := set(pieces) - PIECES:
            raise ValueError(f"no piece of a cluster is called {sorted(unknown)}; there are {sorted(PIECES)}")
        self._kubernetes, self._etcd = peers("kubernetes"), peers("etcd")
        self._kwok = peers("kwok") if "kwok" in pieces else None
        self.programs = Supervised()
        self.folder = self.programs.folder
        self._etcd_port, self._peer_port, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.tokens = {user: f"{user}-token" for user in users}
        try:
            self._write_files(users)
            self._start(pieces, apiserver_flags)
        except BaseException:
            self.programs.close()
            raise

    def client(self, user: str = "admin") -> httpx.Client:
        """A plain HTTP client of the API server, as a user."""
        trust = ssl.create_default_context(cafile=self.folder / "ca.crt")
        return httpx.Client(
            base_url=self.url, verify=trust, timeout=30, headers={"Authorization": f"Bearer {self.tokens[user]}"}, trust_env=False
        )

    def kubeconfig(self, user: str = "admin", url: str | None = None) -> Path:
        """A file for a user; `url` leads through a proxy."""
        name = f"{user}-{(url or self.url).rpartition(':')[2]}.kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {"name": "test", "cluster": {"server": url or self.url, "certificate-authority": str(self.folder / "ca.crt")}}
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }
        (self.folder / name).write_text(yaml.safe_dump(content))
        return self.folder / name

    def add_nodes(self, count: int) -> None:
        """Fake nodes; with kwok they become Ready and run pods."""
        with self.client() as client:
            for number in range(count):
                client.post("/api/v1/nodes", json=_node(f"node-{number}")).raise_for_status()

    def pause(self, program: str = APISERVER) -> None:
        """Connections stay open and nothing answers (SIGSTOP)."""
        self.programs.signal(program, signal.SIGSTOP)

    def resume(self, program: str = APISERVER) -> None:
        self.programs.signal(program, signal.SIGCONT)

    def restart(self) -> None:
        """Kills the API server and starts it on the same port; returns when it answers."""
        self.programs.kill(APISERVER)
        self.programs.start_again(APISERVER)
        self._wait_for_apiserver()

    def compact(self) -> int:
        """Drops etcd's history up to now: a watch from an older resourceVersion gets 410 Gone. Returns the revision."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self._etcd_port}", trust_env=False) as etcd:
            revision = int(etcd.post("/v3/kv/range", json={"key": "AA=="}).raise_for_status().json()["header"]["revision"])
            etcd.post("/v3/kv/compaction", json={"revision": revision, "physical": True}).raise_for_status()
        return revision

    def writes(self, prefix: str) -> dict[str, int]:
        """How often each value below a key was written since it was made; an apply that changes nothing writes nothing."""
        first = prefix.encode()
        words = {"key": base64.b64encode(first), "range_end": base64.b64encode(first[:-1] + bytes([first[-1] + 1]))}
        body = {name: word.decode() for name, word in words.items()} | {"keys_only": True}
        with httpx.Client(base_url=f"http://127.0.0.1:{self._etcd_port}", trust_env=False) as etcd:
            found = etcd.post("/v3/kv/range", json=body).raise_for_status().json().get("kvs", [])
        return {base64.b64decode(kv["key"]).decode(): int(kv["version"]) for kv in found}

    def back_up(self) -> Path:
        """All objects as they are now; a paused etcd's files are what a crash at this moment would leave."""
        kept = self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}"
        self.pause("etcd")
        try:
            shutil.copytree(self.folder / "data", kept)
        finally:
            self.resume("etcd")
        return kept

    def restore(self, backup: Path) -> None:
        """Everything since the backup is forgotten, resource versions too; returns when the API server answers."""
        self.programs.kill(APISERVER)
        self.programs.kill("etcd")
        shutil.rmtree(self.folder / "data")
        shutil.copytree(backup, self.folder / "data")
        self.programs.start_again("etcd")
        self.programs.start_again(APISERVER)
        self._wait_for_apiserver()

    def close(self) -> None:
        self.programs.close()

    def _write_files(self, users: dict[str, tuple[str, ...]]) -> None:
        write_identity(self.folder)
        rows = [f'{self.tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in users.items()]
        (self.folder / "tokens.csv").write_text("".join(rows))
        self._admin = self.kubeconfig()

    def _start(self, pieces: tuple[str, ...], apiserver_flags: tuple[str, ...]) -> None:
        self._start_etcd()
        self._start_apiserver(apiserver_flags)
        self._wait_for_apiserver()
        if "controllers" in pieces:
            self._start_controllers()
        if self._kwok:
            self._start_kwok(self._kwok, [FAILURES.read_text()] if "failures" in pieces else [])

    def _start_etcd(self) -> None:
        here = f"http://127.0.0.1:{self._etcd_port}"
        self.programs.start(
            "etcd",
            *(self._etcd / "etcd", "--data-dir", self.folder / "data", "--unsafe-no-fsync"),
            *("--listen-client-urls", here, "--advertise-client-urls", here),
            *("--listen-peer-urls", f"http://127.0.0.1:{self._peer_port}"),
        )

    def _start_apiserver(self, flags: tuple[str, ...]) -> None:
        at = self.folder
        self.programs.start(
            APISERVER,
            *(self._kubernetes / APISERVER, f"--etcd-servers=http://127.0.0.1:{self._etcd_port}"),
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}", "--service-cluster-ip-range=10.96.0.0/16"),
            *(f"--cert-dir={at}", f"--tls-cert-file={at / 'server.crt'}", f"--tls-private-key-file={at / 'server.key'}"),
            *(f"--service-account-key-file={at / 'sa.key'}", f"--service-account-signing-key-file={at / 'sa.key'}"),
            *("--service-account-issuer=https://kubernetes.default.svc", f"--token-auth-file={at / 'tokens.csv'}"),
            # With the plug-in pods wait for a service account that only the controller manager makes.
            *("--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"),
            *flags,
        )

    def _wait_for_apiserver(self) -> None:
        with self.client() as client:
            self.programs.wait(APISERVER, lambda: _answers(client, "/readyz"), READY_SECONDS)

    def _start_controllers(self) -> None:
        shared = (f"--kubeconfig={self._admin}", "--leader-elect=false", "--secure-port=0")
        key = f"--service-account-private-key-file={self.folder / 'sa.key'}"
        manager = self._kubernetes / "kube-controller-manager"
        self.programs.start("kube-controller-manager", manager, *shared, key, f"--root-ca-file={self.folder / 'ca.crt'}", *SWIFT)
        self.programs.start("kube-scheduler", self._kubernetes / "kube-scheduler", *shared)

    def _start_kwok(self, kwok: Path, stages: list[str]) -> None:
        stages += [path.read_text() for stage in STAGES for path in sorted((kwok / "stages" / stage).glob("pod-*.yaml"))]
        stages += [path.read_text() for stage in STAGES for path in sorted((kwok / "stages" / stage).glob("node-*.yaml"))]
        (self.folder / "stages.yaml").write_text("\n---\n".join(stages))
        words = (f"--kubeconfig={self._admin}", "--manage-all-nodes=true", "--config", self.folder / "stages.yaml")
        self.programs.start("kwok", kwok / "kwok", *words)


@contextmanager
def running(
    *pieces: str, apiserver_flags: tuple[str, ...] = (), users: dict[str, tuple[str, ...]] | None = None
) -> Iterator[Cluster]:
    """A control plane for as long as the block lasts. `users` are names with their groups, beside `admin`."""
    cluster = Cluster(pieces, apiserver_flags, {"admin": ("system:masters",), **(users or {})})
    try:
        yield cluster
    finally:
        cluster.close()


def free_ports(count: int) -> list[int]:
    """Below the range that the kernel takes for outgoing connections, so that a restarted server finds its port free."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if trial.connect_ex(("127.0.0.1", port)) != 0 and port not in found:
                found.append(port)
    return found


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path, timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _node(name: str) -> dict[str, Any]:
    room = {"cpu": "32", "memory": "256Gi", "pods": "1000"}
    metadata = {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/hostname": name}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"allocatable": room, "capacity": room}}
