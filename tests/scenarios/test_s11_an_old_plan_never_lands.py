"""S11, AWS DynamoDB 2025: a slow worker applied a stale plan over a newer one. The target itself compares generations."""

from installation import CHECKOUT, Installation

from reconciler.converge.rounds import Converger, Round
from reconciler.converge.values import ConvergeResult


def late_worker(site: Installation, revision: str, generation: int) -> ConvergeResult:
    """A second worker, planned on an old head, that gets to apply only now."""
    world = site.system.world
    ask = Round(world.rules.at(revision).index, revision, "", generation, world.clock.now())
    return Converger(world.repo, world.targets).converge(ask)


def test_a_plan_made_on_an_old_head_is_refused_by_its_generation(site: Installation) -> None:
    world = site.system.world
    old, generation = site.head(), world.cursor.generation or 1
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.settle()
    result = late_worker(site, old, generation)
    assert {o.reason.value for o in result.outcomes if o.unit == "shop"} == {"stale-plan"}
    assert site.live("checkout", "replicas") == 4


def test_only_the_generation_stands_in_its_way(site: Installation) -> None:
    world = site.system.world
    old = site.head()
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.settle()
    late_worker(site, old, world.cursor.generation + 1)
    assert site.live("checkout", "replicas") == 3


def test_a_delayed_merge_on_an_old_base_does_not_land(site: Installation) -> None:
    """The same race one step earlier: what was judged on an old base is never pushed over a newer one."""
    site.allow("rollback-release", "review")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)
    (pull,) = site.pulls("open")
    pushed = site.push({"apps/edge/gateway.yaml": ('release: "2.7.1"', 'release: "2.7.2"')}, "A new gateway")
    landed = site.system.world.forge.land(pull, "ada")
    assert not landed.ok
    assert site.head() == pushed
