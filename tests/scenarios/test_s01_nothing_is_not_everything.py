"""S1, Google Diskerase: an empty set of machines meant "all". Here an empty set is refused, whoever asks for it."""

import json

import pytest
from installation import Installation
from steps.people_steps import alert, deliver

SHOP = ("cart", "catalog", "checkout", "recommendation", "search")


def empty_the_shop(site: Installation, allow: str = "") -> None:
    """A person deletes every file of a unit, as a bad script does."""
    site.pull()
    site.git("rm", "-rq", "apps/shop")
    if allow:
        text = (site.clone / "homeostat.yaml").read_text()
        (site.clone / "homeostat.yaml").write_text(text.replace("      path: apps/shop\n", f"      path: apps/shop\n{allow}"))
    site.git("commit", "-qam", "Clean up")
    site.git("push", "-q")
    site.settle()


def running(site: Installation) -> set[str]:
    return set(site.lab("/state")["services"])


def test_a_unit_that_renders_to_nothing_keeps_everything_that_runs(site: Installation) -> None:
    empty_the_shop(site)
    site.advance(30)
    assert running(site).issuperset(SHOP)
    refused = [a for a in site.payloads("apply") if a["revision"] == site.head() and a["unit"] == "shop"]
    assert {a["reason"] for a in refused} == {"empty-result"}  # signed, and on record
    assert refused[0]["results"] == []
    assert "empty-result" in json.dumps(site.pages())


def test_a_file_that_a_bad_script_emptied_deletes_nothing(site: Installation) -> None:
    site.pull()
    (site.clone / "apps/shop/checkout.yaml").write_text("# was here\n")
    site.git("commit", "-qam", "Rewrite")
    site.git("push", "-q")
    site.settle()
    assert running(site).issuperset(SHOP)
    assert "apps/shop/checkout.yaml:1:1: the file holds no object (delete the file" in json.dumps(site.pages())


def test_without_the_guard_all_of_it_would_be_gone(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.converge.rounds.refuse_empty", lambda *_: None)
    empty_the_shop(site, "      pruneBudget: 100\n")
    assert running(site).isdisjoint(SHOP)


def test_people_can_still_mean_it(site: Installation) -> None:
    empty_the_shop(site, "      pruneBudget: 100\n      allowEmpty: true\n")
    assert running(site).isdisjoint(SHOP)


def test_an_alert_about_nothing_that_exists_is_not_about_everything(site: Installation) -> None:
    site.allow_everything("review")
    body = alert(site, "no-such-service")
    assert deliver(site, body, site.signed(body)) == [202]
    site.until_stage("done", seconds=400)
    assert site.story()[0][1] == "blind"  # nobody has measured it, and a person is told so
    assert site.pulls() == []
    assert site.payloads("merge") == []
