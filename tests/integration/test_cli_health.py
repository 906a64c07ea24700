"""`homeostat health` in a checkout, without a home and without a cluster."""

import json
from pathlib import Path

import pytest

from reconciler.bootstrap.library import template
from reconciler.cli import main

RULE = """\
apiVersion: homeostat/v1
kind: HealthRule
metadata: {name: queue}
spec:
  group: example.org
  kinds: [Queue]
  states:
    - {state: healthy, when: "word == 'Open'"}
  otherwise: degraded
"""
CASES = """\
apiVersion: homeostat/v1
kind: HealthCases
metadata: {name: queue}
spec:
  cases:
    - name: an open queue
      expect: healthy
      object: {apiVersion: example.org/v1, kind: Queue, status: {phase: Open}}
"""
LIVE = """\
apiVersion: v1
kind: List
items:
- apiVersion: example.org/v1
  kind: Queue
  metadata: {name: a, namespace: shop, creationTimestamp: null}
  spec: {}
  status: {phase: Shut}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, data in template().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    (tmp_path / "health").mkdir()
    (tmp_path / "health/queue.yaml").write_text(RULE)
    (tmp_path / "health/queue.cases.yaml").write_text(CASES)
    (tmp_path / "live.yaml").write_text(LIVE)
    return tmp_path


def test_the_cases_beside_a_rule_are_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "test", "--path", str(folder)]) == 0
    assert "1 of 1 cases pass" in capsys.readouterr().out


def test_a_case_that_differs_fails_with_its_place_and_who_decided(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "health/queue.cases.yaml").write_text(CASES.replace("phase: Open", "phase: Shut"))
    assert main(["health", "test", "--path", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "FAIL  health/queue.cases.yaml:6" in said
    assert "decided by health/queue.yaml:3" in said


def test_a_rule_without_cases_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "health/queue.cases.yaml").unlink()
    assert main(["health", "test", "--path", str(folder)]) == 1
    assert "has no cases: write health/queue.cases.yaml" in capsys.readouterr().out


def test_the_cases_of_the_shipped_rules_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "test", "--library"]) == 0


def test_explain_tells_state_and_who_decided(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "health", "explain", str(folder / "live.yaml"), "--path", str(folder)]) == 1
    told = [(o["object"], o["state"], o["decided_by"]) for o in json.loads(capsys.readouterr().out)]
    assert told[0] == ("Queue/shop/a", "degraded", "health/queue.yaml:3")
    assert told[1][:2] == ("ConfigMap/b", "healthy")


def test_explain_needs_no_checkout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "explain", str(folder / "live.yaml")]) == 1
    assert "unknown" in capsys.readouterr().out


def test_policy_check_finds_a_health_condition_that_does_not_compile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "health/queue.yaml").write_text(RULE.replace("word ==", "wrod =="))
    assert main(["policy", "check", "--path", str(folder)]) == 1
    assert "health/queue.yaml:8:30" in capsys.readouterr().out
