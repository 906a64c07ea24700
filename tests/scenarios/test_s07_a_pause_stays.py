"""S7, Reddit 2016: a configuration manager switched the paused autoscaler on again in the middle of a migration, and it killed
servers from half-migrated data. A pause is owned, has a reason and an end, and nothing but a person or that end lifts it.
"""

import json

import pytest
from installation import CHECKOUT, Installation

from reconciler.cli import main
from reconciler.commands.brakes import resume, suspend, take_off
from reconciler.converge.rounds import Converger, Round
from reconciler.errors import HomeostatError, Misconfigured, Permanent
from reconciler.steps.converging import suspensions

MORE = {CHECKOUT: ("replicas: 3", "replicas: 4")}


def paused(site: Installation, seconds: int = 3_600) -> None:
    suspend(site.system.world, site.person(), "shop", "moving the database", seconds * 1_000)


def edited_by_hand(site: Installation) -> None:
    site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})


@pytest.mark.parametrize("life", ["settle", "restart", "lose_store"])
def test_nothing_of_a_suspended_unit_is_applied_or_corrected_whoever_comes_by(site: Installation, life: str) -> None:
    paused(site)
    getattr(site, life)()
    edited_by_hand(site)
    site.push(MORE, "More checkout")
    site.advance(90)
    assert (site.live("checkout", "replicas"), site.live("cart", "replicas")) == (3, 1)
    assert [a for a in site.payloads("apply") if a["unit"] == "shop" and a["revision"] == site.head()] == []


def test_other_units_go_on(site: Installation) -> None:
    paused(site)
    site.push({"apps/edge/gateway.yaml": ("replicas: 4", "replicas: 5")}, "More gateway")
    site.settle()
    assert site.live("gateway", "replicas") == 5


def test_a_second_process_that_reconciles_does_not_lift_it(site: Installation) -> None:
    paused(site)
    site.push(MORE, "More checkout")
    world = site.system.world
    ask = Round(
        world.rules.at(site.head()).index, site.head(), "", 99, world.clock.now(), suspended=suspensions(world)
    )  # fmt: skip
    result = Converger(world.repo, world.targets).converge(ask)
    assert {o.unit: o.reason.value for o in result.outcomes}["shop"] == "suspended"
    assert site.live("checkout", "replicas") == 3


def test_its_drift_is_still_seen_and_told(site: Installation) -> None:
    paused(site)
    edited_by_hand(site)
    site.advance(30)
    assert [s["name"] for p in site.payloads("incident") for s in p["incident"]["signals"]][:1] == ["Drift"]


def test_resumed_it_becomes_what_git_says_by_then(site: Installation) -> None:
    paused(site)
    edited_by_hand(site)
    site.push(MORE, "More checkout")
    site.advance(30)
    resume(site.system.world, site.person(), "shop")
    site.advance(30)
    assert (site.live("checkout", "replicas"), site.live("cart", "replicas")) == (4, 2)


def test_it_ends_by_itself(site: Installation) -> None:
    paused(site, seconds=120)
    site.push(MORE, "More checkout")
    site.advance(60)
    assert site.live("checkout", "replicas") == 3
    site.advance(90)
    assert site.live("checkout", "replicas") == 4


def test_most_of_a_unit_gone_at_the_end_of_the_pause_deletes_nothing(site: Installation) -> None:
    """The half-migrated inventory: everything is kept until a person raises the budget."""
    paused(site)
    held = set(site.system.world.targets["lab"].inventory())
    site.push({"homeostat.yaml": ("    path: apps/shop\n", "    path: apps/shop\n      pruneBudget: 1\n")}, "Careful")
    site.git("rm", "-q", CHECKOUT, "apps/shop/cart.yaml", "apps/shop/search.yaml")
    site.git("commit", "-qm", "Half migrated")
    site.git("push", "-q")
    site.advance(30)
    resume(site.system.world, site.person(), "shop")
    site.advance(60)
    assert set(site.system.world.targets["lab"].inventory()) == held
    assert any("pruneBudget" in page["text"] for page in site.pages())


def test_status_and_plan_say_who_why_and_how_it_ends(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    lab = site.home.settings.read_text().replace("port: 0", f"port: {site.lab_url.rsplit(':', 1)[1]}")
    site.home.settings.write_text(lab)

    def say(*arguments: str) -> str:
        main(["--home", str(site.home.root), *arguments])
        return capsys.readouterr().out

    assert "shop is suspended for 2h" in say("suspend", "shop", "--reason", "moving the database", "--until", "2h")
    site.push(MORE, "More checkout")
    assert "unit shop suspended  moving the database" in say("status")
    plan = say("plan")
    assert "shop on lab: SUSPENDED suspended by ada: moving the database; homeostat resume shop ends it" in plan
    assert "Service/checkout" in plan
    (unit,) = [u for u in json.loads(say("--json", "plan"))["units"] if u["unit"] == "shop"]
    assert (unit["ok"], unit["reason"]) == (False, "suspended")
    assert "is applied again" in say("resume", "shop")
    assert "suspended" not in say("status")


def test_only_who_may_operate_the_unit_suspends_and_resumes_it(site: Installation) -> None:
    site.push({"policies/trust.yaml": ("operate", "approve")}, "Ada operates nothing")
    site.settle()
    with pytest.raises(Misconfigured, match="no role operate for shop"):
        paused(site)


def test_an_unknown_unit_is_told_with_the_nearest_name(site: Installation) -> None:
    with pytest.raises(Permanent) as told:
        suspend(site.system.world, site.person(), "shpo", "a typo", 1_000)
    assert "'shop'" in told.value.next_step


def test_a_suspension_is_listed_and_lifted_like_a_brake(site: Installation) -> None:
    made = suspend(site.system.world, site.person(), "shop", "moving the database", 60_000)
    take_off(site.system.world, site.person(), made.id)
    with pytest.raises(HomeostatError, match="not suspended"):
        resume(site.system.world, site.person(), "shop")
