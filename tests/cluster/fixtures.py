"""One control plane for each test process and kind, started when the first test asks for it.

Tests keep apart by namespaces. Whoever breaks a control plane on purpose starts an own one with `running`.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from cluster.controlplane import Cluster, running


@pytest.fixture(scope="session")
def api_server() -> Iterator[Cluster]:
    """etcd and the API server: objects stay as they are written."""
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[Cluster]:
    """Controllers and three fake nodes, too: Deployments get pods, and pods run."""
    with running("controllers", "kwok") as cluster:
        cluster.add_nodes(3)
        yield cluster


@pytest.fixture(scope="session")
def failing_cluster() -> Iterator[Cluster]:
    """The same where containers fail by their names (failures.yaml)."""
    with running("controllers", "kwok", "failures") as cluster:
        cluster.add_nodes(3)
        yield cluster


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A fresh namespace in the cluster that the test uses."""
    name = next((name for name in ("api_server", "whole_cluster") if name in request.fixturenames), "failing_cluster")
    made = f"test-{uuid4().hex[:8]}"
    with request.getfixturevalue(name).client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": made}}).raise_for_status()
    return made
