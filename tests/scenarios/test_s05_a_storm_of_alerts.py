"""S5, AWS EBS 2011: a storm must not become a storm of repairs. 500 alerts in ten seconds are few incidents, bounded PRs."""

import json

from installation import Installation
from steps.people_steps import deliver

SERVICES = ("frontend", "gateway", "search", "cart", "checkout", "payment", "fraud", "user", "inventory", "orders-db")
K = 2


def storm(site: Installation, part: int) -> bytes:
    """50 alerts, each of its own pod and name, over every service."""
    alerts = []
    for n in range(50):
        labels = {"alertname": f"Alert{n % 7}", "service": SERVICES[(part * 50 + n) % len(SERVICES)], "pod": f"pod-{part}-{n}"}
        alerts.append({"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-03-02T10:04:00Z"})
    for alert in alerts:
        alert["endsAt"] = "0001-01-01T00:00:00Z"
    return json.dumps({"version": "4", "receiver": "homeostat", "status": "firing", "alerts": alerts}).encode()


def test_500_alerts_in_10_seconds_become_few_incidents_and_bounded_pull_requests(site: Installation) -> None:
    site.allow_everything("review")
    site.push({"homeostat.yaml": ("  grouping:\n", f"  grouping:\n    maxPullRequests: {K}\n")}, "Two at once are enough")
    site.bad_release("failing")
    site.fault(kind="surge", service="search", factor=2.2)  # and something else is wrong as well
    for part in range(5):
        site.clock.advance(1_000)
        for half in (0, 5):
            body = storm(site, part + half)
            assert deliver(site, body, site.signed(body)) == [202]
    most = 0
    for _ in range(24):
        site.advance(5)
        most = max(most, len(site.pulls("open")))
    incidents = site.payloads("incident")
    assert 1 <= most <= K
    assert len(incidents) <= 4
    counted = sum(i["count"] for i in _latest(site))
    assert counted + site.system.store.backlog().signals >= 200  # coalesced and counted, not lost
    assert len({p.narrative.fingerprint for p in site.pulls("open")}) == len(site.pulls("open"))
    assert site.machine_commits() == []  # all of them wait for a person


def _latest(site: Installation) -> list[dict[str, int]]:
    return [dict(case.data["incident"]) for case in site.cases()]
