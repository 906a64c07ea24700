"""What a person does on the page, seen in Git and in the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Browser, Door, said, served, waiting_repair
from installation import Installation

from reconciler.model.pulls import PullState


@pytest.fixture
def door(site: Installation) -> Iterator[Door]:
    with served(site) as door:
        yield door


@pytest.fixture
def ada(door: Door) -> Browser:
    return door.browser().login()


def trust(site: Installation, old: str, new: str) -> None:
    site.push({"policies/trust.yaml": (old, new)}, "Edit trust")
    site.settle()


def test_a_repair_is_approved_landed_and_undone_from_the_page(ada: Browser):
    site, world = ada.site, ada.site.system.world
    number = waiting_repair(site)
    head = world.forge.get(number).head
    assert ada.send(f"/pr/{number}/review", choice="merge", head=head, text="seen it").status_code == 303
    assert "on record" in said(ada.get(f"/pr/{number}"))
    site.advance(10)
    landed = world.forge.get(number)
    assert (landed.state, landed.merged, landed.merged_by) == (PullState.MERGED, head, "ada")
    assert site.live("checkout", "release") == "1.4.2"
    assert landed.reviews[0].channel == "page"

    assert 'release: "1.5.0"' in said(ada.get(f"/pr/{number}/revert"))
    assert ada.send(f"/pr/{number}/revert", commit="0" * 40).status_code == 409
    assert ada.send(f"/pr/{number}/revert", commit=landed.merged).status_code == 303
    site.advance(10)
    site.pull()
    assert f"This reverts commit {head}" in site.git("log", "-1", "--format=%B")
    assert site.git("log", "-1", "--format=%an") == "ada"
    assert site.live("checkout", "release") == "1.5.0"
    assert "was undone by" in said(ada.get(f"/pr/{number}"))
    again = ada.get(f"/pr/{number}/revert")
    assert (again.status_code, "already" in said(again)) == (409, True), "nothing of it is left to undo"
    assert "apps/shop/checkout.yaml" in said(ada.get("/brakes"))


def test_a_rejected_repair_does_not_land(ada: Browser):
    number = waiting_repair(ada.site)
    head = ada.site.system.world.forge.get(number).head
    assert ada.send(f"/pr/{number}/review", choice="reject", head=head, text="").status_code == 303
    ada.site.advance(60)
    assert ada.site.system.world.forge.get(number).state is not PullState.MERGED
    assert ada.site.live("checkout", "release") == "1.5.0"


def test_who_has_no_role_is_shown_no_form_and_refused(ada: Browser):
    number = waiting_repair(ada.site)
    head = ada.site.system.world.forge.get(number).head
    trust(ada.site, "roles: [approve, merge, policy, operate]", "roles: [policy]")
    head = ada.site.system.world.forge.get(number).head
    assert 'name="choice"' not in ada.get(f"/pr/{number}").text
    for form in ({"choice": "approve"}, {"choice": "merge"}):
        answer = ada.send(f"/pr/{number}/review", head=head, **form)
        assert answer.status_code == 403
        assert "has no role" in said(answer)
    assert ada.send("/brakes", reason="x", duration="1h").status_code == 403
    assert ada.get("/panic").status_code == 403


def test_who_leaves_trust_is_logged_out_at_once(ada: Browser):
    assert ada.get("/").status_code == 200
    trust(ada.site, "- name: ada", "- name: grace")
    assert ada.get("/").status_code == 401


def test_where_every_commit_has_to_be_signed_the_page_does_not_revert(ada: Browser):
    site = ada.site
    number = waiting_repair(site)
    head = site.system.world.forge.get(number).head
    ada.send(f"/pr/{number}/review", choice="approve", head=head)
    site.advance(10)
    trust(site, "mode: warn", "mode: enforce")
    assert f"homeostat pr revert {number}" in said(ada.get(f"/pr/{number}/revert"))
    before = site.system.world.head()
    assert ada.send(f"/pr/{number}/revert", commit=head).status_code == 409
    assert site.system.world.head() == before


def test_a_brake_is_put_on_seen_and_lifted(door: Door, ada: Browser):
    world = ada.site.system.world
    assert ada.send("/brakes", reason="<b>migration</b>", duration="4h").status_code == 303
    assert door.woken.is_set()
    (fact,) = world.ledger.facts().brakes.values()
    assert (fact.value.owner, fact.value.on) == ("ada", True)
    assert "Brake on: <b>migration</b>" in said(ada.get("/"))
    assert ada.send("/brakes/off", id=fact.value.id).status_code == 303
    assert world.ledger.facts().braked(world.clock.now()) is None


def test_panic_shows_a_dry_run_first_and_undoes_only_when_confirmed(ada: Browser):
    site, world = ada.site, ada.site.system.world
    number = waiting_repair(site)
    ada.send(f"/pr/{number}/review", choice="approve", head=world.forge.get(number).head)
    site.advance(10)
    head, size = world.head(), world.log.size
    page = ada.get("/panic?since=15m")
    assert head[:12] in said(page)
    assert (world.head(), world.log.size) == (head, size)
    since = page.text.split('name="since_ms" value="')[1].split('"')[0]
    assert ada.send("/panic", since_ms=since).status_code == 400
    assert ada.send("/panic", since_ms="-1", sure="yes").status_code == 400
    assert ada.send("/panic", since_ms=since, sure="yes").status_code == 303
    site.advance(10)
    assert site.live("checkout", "release") == "1.5.0"
    assert world.ledger.facts().braked(world.clock.now()) is not None
    text = said(ada.get("/"))
    assert "1 commit undone" in text
    assert "Brake on: panic" in text


def test_rules_that_do_not_load_are_told_and_people_can_still_stop_the_machine(ada: Browser):
    ada.site.push({"policies/trust.yaml": ("spec:", "spek:")}, "Break the rules")
    ada.site.settle()
    answer = ada.get("/")
    assert answer.status_code == 200
    assert "does not load" in said(answer)
    assert ada.send("/brakes", reason="rules are broken", duration="1h").status_code == 303
    assert "rules are broken" in said(ada.get("/"))


def test_a_restart_logs_nobody_out_and_logging_out_lasts(site: Installation):
    with served(site) as before:
        kept = dict(before.browser().login().client.cookies)
    site.restart()
    with served(site) as after:
        ada = after.browser()
        ada.client.cookies.update(kept)
        assert ada.get("/").status_code == 200
        assert ada.send("/logout").status_code == 303
    with served(site) as again:
        ada = again.browser()
        ada.client.cookies.update(kept)
        assert ada.get("/").status_code == 401
