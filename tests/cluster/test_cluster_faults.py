"""What a test can do to a control plane and to the way to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from cluster.controlplane import Cluster, running
from cluster.proxy import proxied

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def breakable() -> Iterator[Cluster]:
    with running(users={"reader": ("system:authenticated",)}) as cluster:
        yield cluster


def test_a_paused_api_server_answers_nothing_until_it_goes_on(breakable: Cluster) -> None:
    with breakable.client() as client:
        breakable.pause()
        try:
            with pytest.raises(httpx.TimeoutException):
                client.get("/readyz", timeout=0.3)
        finally:
            breakable.resume()
        assert client.get("/readyz").status_code == httpx.codes.OK


def test_a_restarted_api_server_has_another_process_the_same_port_and_all_objects(breakable: Cluster) -> None:
    before = breakable.programs.pids["kube-apiserver"]
    with breakable.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": "kept"}}).raise_for_status()
        breakable.restart()
        assert client.get("/api/v1/namespaces/kept").status_code == httpx.codes.OK
    assert breakable.programs.pids["kube-apiserver"] != before


def test_after_compaction_an_old_watch_is_gone(breakable: Cluster) -> None:
    with breakable.client() as client:
        old = client.post("/api/v1/namespaces", json={"metadata": {"name": "old"}}).json()["metadata"]["resourceVersion"]
        client.put("/api/v1/namespaces/old", json={"metadata": {"name": "old", "labels": {"a": "b"}}}).raise_for_status()
        breakable.compact()
        breakable.restart()  # or its watch cache would still know
        events = client.get("/api/v1/namespaces", params={"watch": "1", "resourceVersion": old, "timeoutSeconds": "5"})
    assert json.loads(events.text.splitlines()[0])["object"]["code"] == httpx.codes.GONE


def test_a_restored_backup_has_forgotten_what_came_later(breakable: Cluster) -> None:
    with breakable.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": "earlier"}}).raise_for_status()
        backup = breakable.back_up()
        client.post("/api/v1/namespaces", json={"metadata": {"name": "later"}}).raise_for_status()
        breakable.restore(backup)
        assert client.get("/api/v1/namespaces/earlier").status_code == httpx.codes.OK
        assert client.get("/api/v1/namespaces/later").status_code == httpx.codes.NOT_FOUND


def test_users_have_only_the_rights_that_they_are_given(breakable: Cluster) -> None:
    with breakable.client("reader") as reader:
        assert reader.get("/api/v1/secrets").status_code == httpx.codes.FORBIDDEN


def test_a_slow_network_costs_its_delay(breakable: Cluster) -> None:
    with proxied(breakable.port) as network, breakable.client() as client:
        client.base_url = network.url
        client.get("/readyz").raise_for_status()
        network.delay = 0.2
        begin = time.monotonic()
        client.get("/readyz").raise_for_status()
        assert time.monotonic() - begin >= 0.4


def test_a_frozen_network_delivers_late_and_a_cut_one_refuses(breakable: Cluster) -> None:
    with proxied(breakable.port) as network, breakable.client() as client:
        client.base_url = network.url
        client.get("/readyz").raise_for_status()
        network.freeze()
        with pytest.raises(httpx.TimeoutException):
            client.get("/readyz", timeout=0.3)
        network.thaw()
        network.cut()
        with pytest.raises(httpx.TransportError):
            client.get("/readyz")
        network.mend()
        assert client.get("/readyz").status_code == httpx.codes.OK
        assert network.accepted >= 2
