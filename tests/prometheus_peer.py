"""A real Prometheus for tests, filled by OTLP: one process serves many small worlds, told apart by a label."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import httpx
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from peers import peers

CONFIG = "global: {scrape_interval: 1h}\nstorage: {tsdb: {out_of_order_time_window: 1h}}\n"


class PrometheusPeer:
    """Running from the moment it is made until `stop`."""

    def __init__(self, folder: Path) -> None:
        program = peers("prometheus") / "prometheus"
        folder.mkdir(parents=True)
        (folder / "prometheus.yml").write_text(CONFIG)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._folder, self._client = folder, httpx.Client(trust_env=False, verify=False)  # noqa: S501 plain HTTP to ourselves
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-otlp-receiver",
                "--storage.tsdb.retention.time=100y",
            ],
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env={"GOMAXPROCS": "1"},
        )
        self._wait()

    def pour(self, metric: str, labels: Mapping[str, str], points: Iterable[tuple[int, float]]) -> None:
        """A gauge with these labels; points ascending, each time once."""
        request = ExportMetricsServiceRequest()
        told = request.resource_metrics.add().scope_metrics.add().metrics.add(name=metric)
        for at, value in points:
            point = told.gauge.data_points.add(time_unix_nano=at * 1_000_000, as_double=value)
            for name, text in labels.items():
                point.attributes.add(key=name).value.string_value = text
        url, headers = f"{self.url}/api/v1/otlp/v1/metrics", {"content-type": "application/x-protobuf"}
        self._client.post(url, content=request.SerializeToString(), headers=headers).raise_for_status()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._log.close()
        self._client.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self._client.get(f"{self.url}/-/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        self.stop()
        raise AssertionError("Prometheus did not become ready")


def ascending(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """As a database has them: in order, the last one told for a time."""
    return sorted(dict(points).items())
