"""Drift, a second target, and what is not followed: converge inside the whole loop."""

import pytest

from reconciler.commands import brakes

CART = "apps/shop/cart.yaml"


def test_a_hand_edit_is_put_back_and_on_record(site):
    site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})
    assert site.live("cart", "replicas") == 1
    applied = len(site.records("apply"))
    site.advance(10)
    assert site.live("cart", "replicas") == 2
    corrected = site.records("apply")[applied:]
    assert [(r.record.payload["unit"], r.record.payload["reason"]) for r in corrected] == [("shop", "applied")]
    assert site.pulls() == []
    assert site.cases() == []


def test_a_deleted_object_comes_back(site):
    site.fault(kind="hand-delete", id="Service/cart")
    site.advance(10)
    assert site.live("cart", "replicas") == 2


def test_a_brake_stops_drift_correction_and_not_what_people_merge(site):
    brakes.put_on(site.system.world, site.person(), "looking at it", 3_600_000)
    site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})
    site.advance(20)
    assert site.live("cart", "replicas") == 1
    site.push({"apps/shop/search.yaml": ("replicas: 2", "replicas: 3")})
    site.settle()
    assert site.live("search", "replicas") == 3


def test_a_restart_applies_nothing_twice(site):
    before = [r.record.key for r in site.records("apply")]
    site.restart()
    site.advance(20)
    assert [r.record.key for r in site.records("apply")] == before


def test_a_manifest_that_does_not_render_keeps_the_last_good_state_and_pages(site):
    site.push({CART: ("replicas: 2", "replicas: 2\n  replicas: 4")}, "A typo")
    site.settle()
    assert site.live("cart", "replicas") == 2
    assert any("cart.yaml" in page["text"] for page in site.pages())
    site.push({CART: ("replicas: 2\n  replicas: 4", "replicas: 4")}, "Repaired")
    site.settle()
    assert site.live("cart", "replicas") == 4


@pytest.mark.parametrize("unit", ["shop"])
def test_a_unit_that_renders_to_nothing_is_refused_and_kept(site, unit):
    site.pull()
    site.git("rm", "-q", "-r", f"apps/{unit}")
    site.git("commit", "-qm", "Oops")
    site.git("push", "-q")
    site.settle()
    assert site.live("cart", "replicas") == 2
    assert any("empty-result" in str(r.record.payload) for r in site.records("apply"))
