"""Every part of `make bench-diagnosis` is one: a module beside them that has no figures fails the whole run at its end."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[3] / "benchmarks")


@pytest.fixture(scope="module")
def diagnosis():
    sys.path.insert(0, BENCHMARKS)
    yield importlib.import_module("bench_diagnosis")
    sys.path.remove(BENCHMARKS)


def test_every_part_has_figures_and_what_they_share_is_there(diagnosis):
    names = diagnosis.parts()
    assert {"causes", "forecasts", "failures", "lab_causes"} <= set(names)
    assert [name for name in names if not hasattr(importlib.import_module(f"scores.{name}"), "figures")] == []
    assert [name for name in sorted(diagnosis.SHARED) if importlib.util.find_spec(f"scores.{name}") is None] == []
