"""What programs and people may ask about one service, over real HTTP: foreseen risk, and all that is known of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browser import Door, said, served, waiting_repair
from installation import Installation, installation

from reconciler.model.findings import FORESIGHT, Finding
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.testing.analysts import InlineAnalyst

LINE = (("lead_s", "1500"), ("limit", "0.97"), ("level", "0.6"), ("per_second", "0.0002"), ("rising", "1"))
GROWS = Finding("failures", "1", "", "risk", "search", "cpu_usage", 9, "0.5", LINE, "cpu_usage of search grows")
ODD = Finding("failures", "1", "", "risk", "search", "queue_depth", 9, "0.9", LINE[:1], "no reasons given")


class Detectors:
    """What the detectors answer; `missing` makes them fail."""

    missing = ""

    def __call__(self, inquiry: Inquiry) -> Answer:
        return Answer(missing=self.missing) if self.missing else Answer((GROWS, ODD) if "failures" in inquiry.detectors else ())


@pytest.fixture(scope="module")
def detectors() -> Detectors:
    return Detectors()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, detectors: Detectors) -> Iterator[Door]:
    """A repair of checkout waits for a person; these tests only ask."""
    with installation(tmp_path_factory.mktemp("asked")) as site:
        site.system.world = dataclasses.replace(site.system.world, analyst=InlineAnalyst(detectors, patience=2))
        waiting_repair(site)
        with served(site) as opened:
            yield opened


def ask(door: Door, path: str, body: Any, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(door.base + path, content=raw, headers=headers or door.site.signed(raw), timeout=20, trust_env=False)


def test_a_prediction_has_risk_confidence_horizon_and_factors(door: Door) -> None:
    found = ask(door, "/api/predict", {"service": "search"}).json()
    assert (found["risk"], found["confidence"], found["horizonMinutes"]) == ("0.5", "0.5", 60)
    assert {"metric": "cpu_usage", "name": "level", "value": "0.6"} in found["factors"]
    (breach,) = found["breaches"]
    assert (breach["leadMinutes"], breach["detector"], breach["version"]) == ("25", "failures", "1")
    assert "queue_depth: foreseen without factors, which is no evidence" in found["unknown"]


def test_only_what_comes_within_the_horizon_is_a_risk(door: Door) -> None:
    found = ask(door, "/api/predict", {"service": "search", "horizonMinutes": 20}).json()
    assert (found["risk"], found["factors"], found["breaches"]) == ("0", [], [])
    assert ask(door, "/api/predict", {"service": "cart"}).json()["risk"] == "0"


def test_an_analysis_that_fails_is_no_prediction(door: Door, detectors: Detectors) -> None:
    detectors.missing = "out of memory"
    door.site.clock.advance(15_000)
    answer = ask(door, "/api/predict", {"service": "search"})
    detectors.missing = ""
    assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
    assert "out of memory" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/api/predict", "/api/report"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"service": "nobody"}, 404),
        ({"service": "../etc"}, 400),
        ({"service": 7}, 400),
        ({}, 400),
        ({"service": "cart", "horizonMinutes": 0}, 400),
        ({"service": "cart", "horizonMinutes": True}, 400),
        ({"service": "cart", "more": 1}, 400),
        (b"not json", 400),
        (b" " * 5_000, 413),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_would(door: Door, path: str, body: Any, status: int) -> None:
    answer = ask(door, path, body)
    assert answer.status_code == status
    assert answer.json()["next"]


@pytest.mark.parametrize("path", ["/api/predict", "/api/report"])
def test_who_does_not_prove_the_secret_learns_nothing(door: Door, path: str) -> None:
    assert ask(door, path, {"service": "search"}, authorization="Bearer wrong").status_code == 401


def test_the_report_of_a_service_tells_cause_repair_verdict_health_capacity_and_acts(door: Door) -> None:
    found = ask(door, "/api/report", {"service": "checkout"}).json()
    assert found["health"] == "in-trouble"
    assert found["cause"].startswith("release on checkout since commit")
    assert found["repair"]
    assert found["verdict"].startswith("open: review")
    assert found["missing"]
    assert found["capacity"] == []
    assert [act["what"] for act in found["acts"]] == [f"pull request {found['pull']} waits for a person"]


def test_people_read_the_same_on_a_page(door: Door) -> None:
    browser = door.browser().login()
    door.site.system.world.store.note(FORESIGHT, "failures are foretold by what 6 of them taught")
    assert "checkout in-trouble" in said(browser.get("/services"))
    assert "Foresight: failures are foretold by what 6 of them taught." in said(browser.get("/services"))
    text = said(browser.get("/services/checkout"))
    asked = f'-H "Authorization: Bearer $(cat {door.site.home.secret})" -d \'{{"service": "checkout"}}\' http'
    assert asked in text, "the page shows the question ready to be copied"
    assert "/api/report" in text
    for part in (
        "Cause release on checkout",
        "Proposed repair",
        "Verdict open: review",
        "Capacity, the next 24 hours Nothing is foretold",
    ):
        assert part in text
    assert browser.get("/services/nobody").status_code == 404
    assert browser.get("/services/%3Cscript%3E").status_code == 404


def test_the_metrics_tell_what_telemetry_did_not_keep(door: Door) -> None:
    told = httpx.get(door.base + "/metrics", timeout=20, trust_env=False).text
    assert 'homeostat_telemetry_refused_total{why="of too many series"} 0' in told


def test_an_installation_without_detectors_says_how_to_get_them(site: Installation) -> None:
    with served(site) as plain:
        answer = ask(plain, "/api/predict", {"service": "search"})
    assert answer.status_code == 503
    assert "make analysis" in answer.json()["next"]
