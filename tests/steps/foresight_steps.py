"""Steps about what is foreseen: the detector of failures works in this process, over the installation's own telemetry."""

from __future__ import annotations

import dataclasses

from installation import Installation
from pytest_bdd import given, then, when

from reconciler.adapters.analysts.looking import look
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.testing.analysts import InlineAnalyst

LIMIT = 0.7  # of the template's memory sensor


@given("the detectors look ahead")
def _(site: Installation) -> None:
    from reconciler.analysis.detectors import examine
    from reconciler.analysis.detectors.failures import Failures

    def work(inquiry: Inquiry) -> Answer:
        return look(
            inquiry,
            site.system.world.telemetry,
            lambda window, names: examine(window, [Failures()] if "failures" in names else []),
        )

    site.system.world = dataclasses.replace(site.system.world, analyst=InlineAnalyst(work, patience=1))


@when("cart begins to leak slowly")
def _(site: Installation) -> None:
    site.fault(kind="leak", service="cart", release="", factor=5)


@then("a repair of cart is proposed while its memory is below the sensor's limit")
def _(site: Installation) -> None:
    site.until(lambda: site.pulls("open"), seconds=2_400)
    assert site.metric("cart", "memory_usage") < LIMIT
    (incident,) = site.payloads("incident")
    assert [s["source"] for s in incident["incident"]["signals"]] == ["predicted/failures"]
    assert site.payloads("proposal")[0]["proposal"]["component"] == "cart"


@then("the pull request says that nothing is broken yet, and what speaks for it")
def _(site: Installation) -> None:
    (pull,) = site.pulls("open")
    assert "It is a forecast: nothing is broken yet." in pull.narrative.what_happened
    assert any("what speaks for it: level 0." in line for line in pull.narrative.evidence)
    (found,) = site.payloads("diagnosis")
    assert found["diagnosis"]["prediction_only"]
    assert {f["detector"] for f in found["diagnosis"]["findings"]} == {"failures"}


@then("it waits for a person because it is born of a prediction")
def _(site: Installation) -> None:
    site.advance(30)
    assert site.machine_commits() == []
    rows = [row for decision in site.payloads("verdict")[-1]["decisions"] for row in decision["requirements"]]
    (row,) = [row for row in rows if row["name"] == "prediction"]
    assert row["status"] == "unsatisfied"
