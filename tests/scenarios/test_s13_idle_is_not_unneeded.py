"""S13, Slack 2021: CPUs idled because they waited for the network, and the autoscaler took capacity away.

Only a sensor for idle CPUs is left, everything may merge by itself, and nothing of the loop is replaced. What holds the
machine back is the second, independent look: capacity goes when the load has gone, never when somebody is hurt, whoever
is in front has an outage, or the load may come back. `test_a_machine_that_is_convinced...` takes diagnosis itself away.
"""

from collections.abc import Callable
from typing import Any

import pytest
from installation import Installation

from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.signals import Incident

IDLE = """\
apiVersion: homeostat/v1
kind: Sensor
metadata:
  name: idle
spec:
  metric: cpu_usage
  unit: share
  below: {below}
  forMs: {for_ms}
  severity: warning
  components: [checkout]
"""


def only_idle_cpus_are_watched(site: Installation, for_ms: int = 600_000, below: float = 0.2) -> None:
    site.allow("scale-in", "autonomous")
    site.pull()
    site.git("rm", "-rq", "sensors")
    (site.clone / "sensors").mkdir(exist_ok=True)
    (site.clone / "sensors" / "idle.yaml").write_text(IDLE.format(for_ms=for_ms, below=below))
    site.git("add", "-A")
    site.git("commit", "-qm", "Save on idle machines")
    site.git("push", "-q")
    site.settle()


def customers_leave(site: Installation, factor: float = 0.3) -> None:
    site.fault(kind="surge", service="checkout", factor=factor)


def summaries(site: Installation) -> str:
    return " ".join(str(payload["diagnosis"]["summary"]) for payload in site.payloads("diagnosis"))


def nothing_was_taken_away(site: Installation) -> None:
    assert site.payloads("proposal") == []
    assert site.pulls() == []
    assert site.machine_commits() == []
    assert site.live("checkout", "replicas") == 3


def a_person_agrees(site: Installation) -> None:
    """Removing capacity asks for more confidence than a fall can give: by default policy wants a person."""
    site.until(lambda: site.pulls("open"), seconds=1_200)
    assert [p.narrative.playbook for p in site.pulls("open")] == ["scale-in"]
    assert summaries(site) == "load on checkout, confidence 0.82"
    assert site.live("checkout", "replicas") == 3
    site.review(site.pulls("open")[0].number)
    site.until(lambda: site.live("checkout", "replicas") == 2, seconds=60)


def test_a_service_that_people_left_gives_a_replica_back_and_keeps_its_promises(site: Installation) -> None:
    only_idle_cpus_are_watched(site)
    customers_leave(site)
    a_person_agrees(site)
    site.until(lambda: not site.cases(open_only=True), seconds=1_800)
    assert [o["state"] for o in site.payloads("outcome") if o["stage"] == "outcome"] == ["better"]
    assert site.live("checkout", "replicas") == 2
    assert len(site.machine_commits()) == 1


def test_when_the_load_comes_back_the_replica_comes_back(site: Installation) -> None:
    only_idle_cpus_are_watched(site)
    customers_leave(site)
    a_person_agrees(site)
    site.heal()
    site.fault(kind="surge", service="checkout", factor=1.6)
    site.until(lambda: site.live("checkout", "replicas") == 3, seconds=900)
    repair, revert = site.payloads("merge")[:2]
    assert revert["reverts"] == repair["commit"]
    assert site.payloads("outcome")[0]["state"] == "worse"


def test_idle_cpu_with_errors_takes_nothing_away(site: Installation) -> None:
    only_idle_cpus_are_watched(site)
    customers_leave(site)
    site.fault(kind="bad-release", service="checkout", release="1.4.2", mode="failing", factor=0.3)
    site.until(lambda: site.payloads("diagnosis"), seconds=1_200)
    assert site.metric("checkout", "cpu_usage") < 0.2
    assert site.metric("checkout", "error_rate") > 0.2
    nothing_was_taken_away(site)


def test_an_outage_in_front_is_no_load_that_has_gone(site: Installation) -> None:
    only_idle_cpus_are_watched(site, below=0.3)
    site.fault(kind="bad-release", service="frontend", release="3.2.0", mode="slow", factor=100)
    site.until(lambda: site.payloads("diagnosis"), seconds=1_200)
    assert site.metric("checkout", "error_rate") < 0.01  # it does well itself, and is idle
    assert summaries(site).startswith("unknown: requests at checkout fell, but ")
    assert "it may be a symptom" in summaries(site)
    nothing_was_taken_away(site)


def test_a_commit_that_sends_less_is_no_load_that_has_gone(site: Installation) -> None:
    only_idle_cpus_are_watched(site)
    site.push({"apps/edge/gateway.yaml": ('release: "2.7.1"', 'release: "2.8.0"')}, "Release gateway 2.8.0")
    site.advance(60)
    customers_leave(site)
    site.until(lambda: site.payloads("diagnosis"), seconds=1_200)
    assert "changed gateway before" in summaries(site)
    nothing_was_taken_away(site)


def test_a_brief_dip_is_no_load_that_has_gone(site: Installation) -> None:
    only_idle_cpus_are_watched(site, for_ms=20_000)
    customers_leave(site)
    site.until(lambda: site.payloads("diagnosis"), seconds=240)
    assert "not for long enough to be no dip" in summaries(site)
    nothing_was_taken_away(site)


def test_silence_is_no_load_that_has_gone(site: Installation) -> None:
    only_idle_cpus_are_watched(site)
    customers_leave(site, factor=0.01)
    site.until(lambda: site.payloads("diagnosis"), seconds=1_200)
    assert "may be an outage" in summaries(site)
    nothing_was_taken_away(site)


@pytest.fixture
def convinced(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Diagnosis believes wrongly, and with all confidence, that checkout has too much capacity."""

    def too_much(incident: Incident, *rest: object) -> Diagnosis:
        now = int(str(rest[4]))
        cause = Cause(CauseKind.LOAD, "checkout", "0.95", "", ())
        before, after = (now - 330_000, now - 150_000), (now - 15_000, now)
        return Diagnosis(incident.id, now, str(rest[2]), (cause,), before, after, "load on checkout has gone")

    monkeypatch.setattr("reconciler.steps.diagnose.find_causes", too_much)
    return too_much


@pytest.mark.usefixtures("convinced")
def test_a_machine_that_is_convinced_is_held_back_by_errors(site: Installation) -> None:
    only_idle_cpus_are_watched(site, for_ms=20_000)
    customers_leave(site, factor=0.15)
    site.fault(kind="bad-release", service="checkout", release="1.4.2", mode="failing", factor=0.3)
    site.until(lambda: site.payloads("diagnosis"), seconds=150)
    assert site.metric("checkout", "error_rate") > 0.2
    nothing_was_taken_away(site)
