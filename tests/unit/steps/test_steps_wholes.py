"""A Capacity document says whose demand is added up; the unit comes from the Sensor that defines the metric."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.documents import check, load_tree
from reconciler.documents.capacity import Capacity
from reconciler.documents.sensor import Sensor
from reconciler.model.wholes import Whole
from reconciler.steps.foreseeing import promised, wholes

TEXT = """apiVersion: homeostat/v1
kind: Capacity
metadata:
  name: orders-db
spec:
  component: orders-db
  metric: request_rate
  above: 900
"""
SENSOR = """apiVersion: homeostat/v1
kind: Sensor
metadata:
  name: rows-read
spec:
  metric: rows_read
  unit: rows/s
  rule: none
"""


def rules(*texts: str) -> Any:
    tree = load_tree({f"sensors/{place}.yaml": text.encode() for place, text in enumerate(texts)})
    sensors, capacities = (tuple(loaded.document for loaded in tree.of(kind)) for kind in (Sensor, Capacity))
    return SimpleNamespace(sensors=sensors, capacities=capacities, objectives=())


def test_a_capacity_becomes_a_whole_in_the_unit_of_the_metric() -> None:
    assert wholes(rules(TEXT)) == (Whole("orders-db", "orders-db", "request_rate", "req/s", "900"),)


def test_the_repositorys_own_sensor_says_the_unit() -> None:
    own = TEXT.replace("request_rate", "rows_read")
    assert [one.unit for one in wholes(rules(own, SENSOR))] == ["rows/s"]
    assert [one.unit for one in wholes(rules(own))] == [""]


def test_who_bears_it_and_its_parts_are_looked_at_whatever_else_stands_out() -> None:
    assert promised(rules(TEXT + "  parts: [cart, search]\n")) == {"orders-db", "cart", "search"}


@pytest.mark.parametrize("parts", ["[cart]", "[cart, cart]"])
def test_a_sum_has_two_parts_at_least(parts: str) -> None:
    (problem,) = check(f"{TEXT}  parts: {parts}\n".encode(), "sensors/db.yaml")
    assert "name at least two components, each once" in problem.message


def test_too_much_has_to_be_said() -> None:
    (problem,) = check(TEXT.replace("  above: 900\n", "").encode(), "sensors/db.yaml")
    assert "above" in problem.message
