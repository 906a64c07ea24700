"""Sensors that watch for a fall, and steps that take longer than their playbook allows."""

from pathlib import Path

import pytest
from installation import CHECKOUT, Installation

from reconciler.errors import Permanent, Retryable
from reconciler.model.cases import Stage
from reconciler.pipeline import STEPS

SENSOR = """\
apiVersion: homeostat/v1
kind: Sensor
metadata:
  name: no-traffic
spec:
  metric: request_rate
  below: 1000
  components: [cart]
  forMs: 5000
"""


def test_a_sensor_that_watches_for_a_fall_is_not_closed_as_stale_while_it_fires(site: Installation) -> None:
    site.pull()
    Path(site.clone / "sensors/no-traffic.yaml").write_text(SENSOR)
    site.git("add", "sensors")
    site.git("commit", "-qm", "Watch for no traffic")
    site.git("push", "-q")
    site.until(lambda: site.cases() and site.cases()[-1].stage.value == "done", seconds=300)
    assert site.cases()[-1].reason == "no-cause"  # looked into, and a person is told
    assert any("no-cause" in page["title"] for page in site.pages())


def test_a_repair_that_is_not_applied_in_its_playbooks_time_is_undone(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.push({"playbooks/rollback-release.yaml": ("timeoutSeconds: 120", "timeoutSeconds: 30")}, "Less patience")
    site.allow("rollback-release")
    site.bad_release("failing")
    target = site.system.world.targets["lab"]

    def away(*_: object) -> None:
        raise Retryable("the lab is away")

    monkeypatch.setattr(target, "apply", away)
    site.until(lambda: len(site.machine_commits()) == 2, seconds=180)
    monkeypatch.undo()
    site.advance(10)
    undo, repair = site.machine_commits()[:2]
    site.pull()
    assert f"Homeostat-Reverts: {repair}" in site.git("log", "-1", "--format=%B", undo)
    assert '"1.5.0"' in site.file(CHECKOUT)


def test_a_case_that_fails_leaves_no_open_pull_request(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    site.allow("rollback-release", "review")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)

    def broken(*_: object) -> None:
        raise Permanent("the judge is broken")

    monkeypatch.setitem(STEPS, Stage.JUDGE, broken)
    site.advance(60)
    assert [pull.state.value for pull in site.pulls()] == ["closed"]
    assert any("the judge is broken" in page["text"] for page in site.pages())
