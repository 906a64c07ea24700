"""S13, Slack 2021: CPUs idled because they waited for the network, and the autoscaler took capacity away."""

from installation import Installation

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


def prepare(site: Installation) -> None:
    """The only sensor left is one that believes that checkout has too much capacity."""
    site.allow("scale-in", "review")
    site.pull()
    site.git("rm", "-rq", "sensors")
    (site.clone / "sensors").mkdir(exist_ok=True)
    (site.clone / "sensors" / "idle.yaml").write_text(IDLE)
    site.git("add", "-A")
    site.git("commit", "-qm", "Save on idle machines")
    site.git("push", "-q")
    site.settle()
    site.fault(kind="surge", service="checkout", factor=0.2)


def test_idle_cpu_with_errors_takes_nothing_away(site: Installation) -> None:
    prepare(site)
    site.fault(kind="bad-release", service="checkout", release="1.4.2", mode="failing", factor=0.3)
    site.advance(150)
    assert site.metric("checkout", "cpu_usage") < 0.2
    assert site.metric("checkout", "error_rate") > 0.2
    assert site.payloads("incident") != []
    assert [p["proposal"]["playbook"] for p in site.payloads("proposal") if p["proposal"]["playbook"] == "scale-in"] == []
    assert site.pulls() == []
    assert site.live("checkout", "replicas") == 3


def test_the_same_idleness_without_errors_is_proposed_to_a_person(site: Installation) -> None:
    prepare(site)
    site.advance(100)
    assert [p.narrative.playbook for p in site.pulls("open")] == ["scale-in"]
    assert site.machine_commits() == []
