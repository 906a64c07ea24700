"""Each default playbook is reached end to end: a fault in the lab, its real diagnosis, and the proposal that fits.

Rolling a release back is in `features/`, scale-in in `test_s13`; what is judged, merged and applied is the same path for
all. Here are the others, by an installation as it is created, with every playbook in review. Those for clusters are reached in
test_loop_cluster_playbooks.py and, each beside all others, in test_cluster_playbooks_beside_all.py.
"""

from typing import Any

import pytest
from installation import Installation

CART, GATEWAY, SEARCH = "apps/shop/cart.yaml", "apps/edge/gateway.yaml", "apps/shop/search.yaml"


def proposed(site: Installation) -> list[tuple[str, str]]:
    return [(p["proposal"]["playbook"], p["proposal"]["component"]) for p in site.payloads("proposal")]


def explained(site: Installation) -> list[str]:
    return [str(p["diagnosis"]["summary"]) for p in site.payloads("diagnosis")]


@pytest.mark.parametrize(
    ("fault", "cause", "playbook"),
    [
        ({"kind": "surge", "service": "search", "factor": 2.2}, "load on search", "scale-out"),
        ({"kind": "leak", "service": "cart", "release": "", "factor": 60}, "memory on cart", "raise-limit"),
        ({"kind": "slow-database", "service": "orders-db", "factor": 2.5}, "dependency on orders-db", "lower-retries"),
    ],
)
def test_a_fault_is_explained_and_the_playbook_for_it_proposes(
    site: Installation, fault: dict[str, Any], cause: str, playbook: str
) -> None:
    site.allow_everything("review")
    site.fault(**fault)
    site.until(lambda: site.pulls("open"), seconds=420)
    assert explained(site)[0].startswith(f"{cause}, confidence ")
    assert proposed(site)[0] == (playbook, fault["service"])
    assert site.machine_commits() == []


def test_a_leak_that_may_have_no_more_memory_is_restarted(site: Installation) -> None:
    site.allow_everything("review")
    site.push({CART: ("memoryMiB: 384", "memoryMiB: 3600")}, "Give cart all there is")
    site.advance(60)
    site.fault(kind="leak", service="cart", release="", factor=1_200)
    site.until(lambda: any(p.narrative.playbook == "restart" for p in site.pulls("open")), seconds=420)
    assert explained(site)[0].startswith("memory on cart, confidence ")


def test_a_commit_that_hurts_by_a_setting_is_reverted(site: Installation) -> None:
    site.allow_everything("review")
    site.push({SEARCH: ("workers: 4 ", "workers: 1 ")}, "One worker is enough")
    site.until(lambda: site.pulls("open"), seconds=420)
    assert explained(site)[0].startswith("config on search since commit ")
    assert proposed(site)[0] == ("revert-config", "search")


def test_weak_evidence_touches_nothing_and_a_person_is_paged(site: Installation) -> None:
    site.allow_everything("autonomous")
    site.push({"sensors/database-latency.yaml": ("above: 100", "above: 17")}, "Look at the database more closely")
    site.fault(kind="slow-database", service="orders-db", factor=1.6)
    site.until(site.pages, seconds=420)
    assert explained(site) == ["saturation on orders-db, confidence 0.45"]
    assert [page["key"].partition("/")[2] for page in site.pages()] == ["do-nothing"]
    assert site.pulls() == []
    assert site.machine_commits() == []
