"""What counts as harm of a repair by a target's word, and what does not; and whether it is still needed when it merges."""

from collections.abc import Iterator

import pytest
from installation import BAD, GOOD, Installation
from telling import Teller, add_playbook, release_bad, teller, trouble, while_bad

from reconciler.commands import brakes
from reconciler.model.troubles import Trouble, TroubleKind

OTHER = "cart"


@pytest.fixture
def said(site: Installation) -> Iterator[Teller]:
    add_playbook(site)
    site.muted.set()
    made = teller(site)
    made.say = while_bad(site)
    yield made
    site.muted.clear()


def outcome(site: Installation) -> str:
    """Of the repair, at its end."""
    site.until(lambda: [o for o in site.payloads("outcome") if o["stage"] == "outcome"], seconds=300)
    return str(site.payloads("outcome")[-1]["state"])


def repaired(site: Installation) -> None:
    release_bad(site)
    site.until(lambda: site.payloads("merge"), seconds=120)


def test_trouble_that_was_there_before_is_no_harm(site: Installation, said: Teller) -> None:
    checkout = said.say
    old = trouble(site.clock.now() - 50_000, TroubleKind.CRASH_LOOP, OTHER)
    said.say = lambda: [*checkout(), old]
    repaired(site)
    assert outcome(site) == "better"
    assert len(site.payloads("merge")) == 1


def test_trouble_that_does_not_last_is_no_harm(site: Installation, said: Teller) -> None:
    checkout = said.say
    repaired(site)
    said.say = lambda: [*checkout(), trouble(site.clock.now(), TroubleKind.CRASH_LOOP, OTHER)]
    assert outcome(site) == "better"


def test_a_case_rebuilt_from_the_log_calls_nothing_harm_because_nobody_looked_before(site: Installation, said: Teller) -> None:
    checkout = said.say
    old = trouble(site.clock.now() - 50_000, TroubleKind.CRASH_LOOP, OTHER)
    said.say = lambda: [*checkout(), old]
    repaired(site)
    site.lose_store()
    teller(site).say = said.say
    assert outcome(site) == "better"


def test_a_repair_whose_trouble_ended_while_it_waited_is_closed_and_not_merged(site: Installation, said: Teller) -> None:
    brake = brakes.put_on(site.system.world, site.person(), "look first", 3_600_000)
    release_bad(site)
    site.until(lambda: site.pulls("open"), seconds=120)
    said.say = list
    brakes.take_off(site.system.world, site.person(), brake.id)
    site.advance(30)
    assert site.payloads("merge") == []
    assert [case.reason for case in site.cases()] == ["stale"]
    assert site.live("checkout", "release") == BAD


def test_when_one_of_two_is_repaired_the_other_is_next(site: Installation, said: Teller) -> None:
    checkout = said.say
    began: list[Trouble] = []

    def both() -> list[Trouble]:
        found = checkout()
        began.extend(trouble(found[0].since_ms, name="checkout", object_="Service/other") for _ in found[:1] if not began)
        return [*found, *began]

    said.say = both
    repaired(site)
    assert outcome(site) == "better"
    site.until(lambda: not site.cases(open_only=True), seconds=120)
    last = site.payloads("diagnosis")[-1]["diagnosis"]["causes"]
    assert [cause["object"] for cause in last] == ["Service/other"]
    assert site.live("checkout", "release") == GOOD
