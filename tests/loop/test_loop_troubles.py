"""What a target itself says is wrong goes through the whole loop, with no metric at all."""

from collections.abc import Iterator

import pytest
from installation import BAD, CHECKOUT, GOOD, Installation
from telling import Teller, add_playbook, release_bad, teller, trouble, while_bad

from reconciler.model.troubles import Trouble, TroubleKind


@pytest.fixture
def said(site: Installation) -> Iterator[Teller]:
    """A bad release is live, the target says so, and nothing is measured."""
    add_playbook(site)
    site.muted.set()
    made = teller(site)
    made.say = while_bad(site)
    release_bad(site)
    yield made
    site.muted.clear()


def test_trouble_becomes_a_pull_request_that_merges_and_is_better_by_the_target_s_own_word(
    site: Installation, said: Teller
) -> None:
    bad = site.head()
    site.until(lambda: site.payloads("outcome"), seconds=300)
    merge = site.payloads("merge")[0]
    (diagnosis,) = site.payloads("diagnosis")
    top = diagnosis["diagnosis"]["causes"][0]
    assert (top["kind"], top["trouble"], top["object"], top["commit"]) == ("release", "image-pull", "Service/checkout", bad)
    assert merge["playbook"] == "last-good-image"
    site.until(lambda: not site.cases(open_only=True), seconds=200)
    assert [(o["stage"], o["state"]) for o in site.payloads("outcome")] == [("guard", "better"), ("outcome", "better")]
    assert f'release: "{GOOD}"' in site.file(CHECKOUT)
    assert [c.reason for c in site.cases()] == ["better"]


def test_a_repair_that_brings_new_trouble_is_undone_and_the_undo_is_better(site: Installation, said: Teller) -> None:
    calm = said.say

    def worse() -> list[Trouble]:
        harmed = site.live("checkout", "release") == GOOD
        return [trouble(site.clock.now() - 60_000, TroubleKind.CRASH_LOOP, "cart")] if harmed else calm()

    site.until(lambda: site.payloads("merge"), seconds=200)
    said.say = worse
    site.until(lambda: len(site.payloads("merge")) == 2, seconds=200)
    repair, undo = site.payloads("merge")
    assert undo["reverts"] == repair["commit"]
    first = site.payloads("outcome")[0]
    assert (first["stage"], first["state"]) == ("guard", "worse")
    assert "Service/cart/crash-loop" in first["summary"]
    site.until(lambda: [o for o in site.payloads("outcome") if o["commit"] == undo["commit"] and o["stage"] == "outcome"])
    assert site.payloads("outcome")[-1]["state"] == "better"
    assert f'release: "{BAD}"' in site.file(CHECKOUT)
