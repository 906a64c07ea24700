"""Steps about the world: what breaks, what time does, and what an installation was set up to allow."""

from __future__ import annotations

from datetime import UTC, datetime

from installation import Installation
from pytest_bdd import given, parsers, step

AUTONOMY = {"need a review": "review", "merge by themselves": "autonomous"}
TIMES = {
    "half a minute goes by": 30,
    "a minute goes by": 60,
    "two minutes go by": 120,
    "three minutes go by": 180,
    "five minutes go by": 300,
}


@given(parsers.re(r'"(?P<playbook>[a-z-]+)" repairs (?P<how>need a review|merge by themselves)'))
def _(site: Installation, playbook: str, how: str) -> None:
    site.allow(playbook, AUTONOMY[how])
    site.settle()


@step("the built-in sensors are switched off")
def _(site: Installation) -> None:
    site.pull()
    site.git("rm", "-rq", "sensors")
    site.git("commit", "-qm", "Leave sensing to Alertmanager")
    site.git("push", "-q")
    site.settle()


@given(parsers.parse("checkout promises that {share} % of its requests succeed each day"))
def _(site: Installation, share: str) -> None:
    outcomes = ", ".join(f'"requests_total{{outcome={word}}}"' for word in ("failed", "timed_out", "rejected"))
    text = f"""apiVersion: homeostat/v1
kind: Objective
metadata:
  name: checkout-requests
spec:
  components: [checkout]
  indicator:
    ratio:
      bad: [{outcomes}]
      total: [{outcomes}, "requests_total{{outcome=succeeded}}"]
  target: {float(share) / 100:.4f}
  windowMs: 86400000
"""
    site.add("sensors/checkout-requests.yaml", text, "Promise what checkout answers")
    site.settle()


@step("the promise is withdrawn")
def _(site: Installation) -> None:
    site.pull()
    site.git("rm", "-q", "sensors/checkout-requests.yaml")
    site.git("commit", "-qm", "Promise it no longer")
    site.git("push", "-q")
    site.settle()


@given("the replicas of a service may not be raised at all")
def _(site: Installation) -> None:
    site.push({"policies/limits.yaml": ("maxRatio: 3\n", "maxRatio: 1\n")}, "No more replicas this quarter")
    site.settle()


@given("a freeze that ends in three minutes")
def _(site: Installation) -> None:
    end = datetime.fromtimestamp(site.clock.now() / 1_000 + 180, UTC).strftime("%Y-%m-%dT%H:%MZ")
    window = f'  windows:\n    - start: "2026-01-02T06:00Z"\n      end: "{end}"\n'
    site.push({"policies/freezes.yaml": ("  windows:\n", window)}, "Nothing moves during the launch")
    site.settle()


@step("checkout gets a bad release")
def _(site: Installation) -> None:
    site.bad_release("failing")


@step("a sale doubles the orders")
def _(site: Installation) -> None:
    site.fault(kind="surge", service="checkout", factor=2.0)


@step(parsers.re("(?P<time>half a minute goes by|a minute goes by|two minutes go by|three minutes go by|five minutes go by)"))
def _(site: Installation, time: str) -> None:
    site.advance(TIMES[time])


@step("the store is lost")
def _(site: Installation) -> None:
    site.lose_store()
    site.settle()


@step("a pull request is open")
def _(site: Installation) -> None:
    site.until(lambda: site.pulls("open"), seconds=120)


@step("the repair is applied")
def _(site: Installation) -> None:
    site.until_stage("guard", seconds=120)
