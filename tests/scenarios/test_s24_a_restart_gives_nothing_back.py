"""S24, VPA mass eviction: a controller's restart forgot what it had done, and did it all at once. Budgets live in the log."""

import pytest
from installation import Installation

BUDGET = {"policies/budgets.yaml": ("  merges: 6\n", "  merges: 1\n")}
SEARCH = "apps/shop/search.yaml"


def first_repair(site: Installation) -> None:
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage("guard", seconds=90)


def second_trouble(site: Installation) -> None:
    """Another service of the same unit gets a bad release."""
    site.fault(kind="bad-release", service="search", release="1.9.1", mode="failing", factor=0.4)
    site.push({SEARCH: ('"1.9.0"', '"1.9.1"')}, "Release search 1.9.1")
    site.advance(90)


@pytest.mark.parametrize("life", ["restart", "lose_store"])
def test_a_spent_budget_stays_spent(site: Installation, life: str) -> None:
    site.push(BUDGET, "One repair an hour")
    first_repair(site)
    getattr(site, life)()
    second_trouble(site)
    assert [(p.effect, p.reason) for p in site.pulls("open")] == [("wait", "budget")]
    assert len(site.machine_commits()) == 1
    assert site.live("search", "release") == "1.9.1"


def test_with_room_in_the_budget_the_second_repair_is_made(site: Installation) -> None:
    first_repair(site)
    site.restart()
    second_trouble(site)
    assert len(site.machine_commits()) == 2
    assert site.live("search", "release") == "1.9.0"
