"""Conflicts over fields: what somebody else writes is taken on no try, and a rule that gives the field away ends the conflict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import MERGE, ClusterUnit, cluster_unit

from reconciler.model.revisions import FieldRule, Manner, Owner

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        made.ask("POST", f"{made.configs}?fieldManager=reloader", made.config(a="theirs"))
        yield made


def data(unit: ClusterUnit) -> Any:
    return unit.ask("GET", f"{unit.configs}/settings")["data"]


def given_away(manager: str) -> Manner:
    return Manner(fields=(FieldRule(Owner.THEIRS, "ConfigMap", "settings", "/data/a", manager),))


def test_an_object_that_somebody_else_made_is_not_taken_on_a_later_try_either(unit: ClusterUnit) -> None:
    assert [unit.put(unit.config(a="ours", b="1")).ok for _ in range(3)] == [False] * 3
    unit.target.close()
    unit.open()
    assert not unit.put(unit.config(a="ours", b="1")).ok
    assert data(unit) == {"a": "theirs"}


def test_one_that_lost_our_label_is_still_ours(unit: ClusterUnit) -> None:
    assert unit.put(unit.config("mine", a="1")).ok
    away = {
        "metadata": {"labels": dict.fromkeys(unit.ask("GET", f"{unit.configs}/mine")["metadata"]["labels"])},
        "data": {"a": "9"},
    }
    unit.ask("PATCH", f"{unit.configs}/mine?fieldManager=somebody", away, MERGE)
    unit.target.close()
    unit.open()
    assert unit.put(unit.config("mine", a="2")).ok
    assert unit.ask("GET", f"{unit.configs}/mine")["data"] == {"a": "2"}


def test_a_rule_that_names_who_writes_the_field_ends_the_conflict(unit: ClusterUnit) -> None:
    rule = given_away("reloader")
    assert not unit.put(unit.config(a="ours", b="1")).ok
    assert unit.put(unit.config(a="ours", b="1"), manner=rule).ok
    assert data(unit) == {"a": "theirs", "b": "1"}
    assert unit.put(unit.config(a="ours", b="2"), manner=rule).ok
    assert data(unit) == {"a": "theirs", "b": "2"}


def test_a_rule_that_names_somebody_else_ends_nothing(unit: ClusterUnit) -> None:
    assert not unit.put(unit.config(a="ours"), manner=given_away("another")).ok
    assert data(unit) == {"a": "theirs"}
