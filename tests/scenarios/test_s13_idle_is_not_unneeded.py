"""S13, Slack 2021: CPUs idled because they waited for the network, and the autoscaler took capacity away.

Here the machine is told, wrongly and with all confidence, that the load has gone for good. What holds it back is the
second, independent look: errors say that somebody is hurt, whatever the CPU says.
"""

import pytest
from installation import Installation

from reconciler.diagnosis.presence import Presence
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident

IDLE = """\
apiVersion: homeostat/v1
kind: Sensor
metadata:
  name: idle
spec:
  metric: cpu_usage
  unit: share
  below: 0.2
  forMs: 20000
  severity: warning
  components: [checkout]
"""


@pytest.fixture
def convinced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triage and diagnosis believe that checkout has too much capacity."""

    def too_much(incident: Incident, *rest: object) -> Diagnosis:
        now = int(str(rest[-1]))
        cause = Cause(CauseKind.LOAD, "checkout", "0.95", "", ())
        before, after = (now - 330_000, now - 150_000), (now - 15_000, now)
        return Diagnosis(incident.id, now, str(rest[2]), (cause,), before, after, "load on checkout has gone")

    monkeypatch.setattr("reconciler.steps.triage.still_present", lambda *_: Presence(Reason.OK, "it is idle"))
    monkeypatch.setattr("reconciler.steps.diagnose.find_causes", too_much)


def idle(site: Installation) -> None:
    """Five of six customers leave; the only sensor left watches for idle CPUs."""
    site.allow("scale-in", "review")
    site.pull()
    site.git("rm", "-rq", "sensors")
    (site.clone / "sensors").mkdir(exist_ok=True)
    (site.clone / "sensors" / "idle.yaml").write_text(IDLE)
    site.git("add", "-A")
    site.git("commit", "-qm", "Save on idle machines")
    site.git("push", "-q")
    site.settle()
    site.fault(kind="surge", service="checkout", factor=0.15)


@pytest.mark.usefixtures("convinced")
def test_idle_cpu_with_errors_takes_nothing_away(site: Installation) -> None:
    idle(site)
    site.fault(kind="bad-release", service="checkout", release="1.4.2", mode="failing", factor=0.3)
    site.until(lambda: site.payloads("diagnosis"), seconds=150)
    assert site.metric("checkout", "cpu_usage") < 0.2
    assert site.metric("checkout", "error_rate") > 0.2
    assert site.payloads("proposal") == []
    assert site.pulls() == []
    assert site.live("checkout", "replicas") == 3


@pytest.mark.usefixtures("convinced")
def test_the_same_idleness_without_errors_is_proposed_to_a_person(site: Installation) -> None:
    idle(site)
    site.until(lambda: site.payloads("diagnosis"), seconds=150)
    assert [p.narrative.playbook for p in site.pulls("open")] == ["scale-in"]
    assert site.machine_commits() == []
