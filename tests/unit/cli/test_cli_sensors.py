"""`homeostat sensors`: the shipped library, listed and printed."""

import json

import pytest

from reconciler.cli import main
from reconciler.documents import load_tree
from reconciler.signals.catalogue import shipped


def test_the_list_has_every_shipped_sensor_of_a_family(capsys):
    assert main(["sensors", "--family", "storage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + sum(sensor.spec.family == "storage" for sensor in shipped().values())
    assert any(line.startswith("disk-usage") and "above 0.9 for 300 s" in line for line in lines)


def test_a_program_gets_the_same_as_json(capsys):
    assert main(["--json", "sensors"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["name"] for one in told} == set(shipped())


@pytest.mark.parametrize("name", ["disk-usage", "throughput"])
def test_what_is_printed_can_be_put_into_a_repository(name: str, capsys):
    assert main(["sensors", name]) == 0
    printed = capsys.readouterr().out.encode()
    (loaded,) = load_tree({f"sensors/{name}.yaml": printed}).documents
    assert loaded.document == shipped()[name]


def test_a_name_that_is_none_is_refused_with_the_nearest(capsys):
    assert main(["sensors", "disk-usge"]) == 78
    assert "did you mean 'disk-usage'" in capsys.readouterr().err
