"""S6, Facebook 2010: an error was taken for a bad value and "fixed". Here a telemetry error is neither bad nor good."""

import pytest
from installation import Installation

from reconciler.model.outcomes import OutcomeState

REVERT = {"homeostat.yaml": ("  grouping:\n", "  verification:\n    onBlind: revert\n    blindMs: 60000\n  grouping:\n")}


def blind_after_the_repair(site: Installation) -> str:
    """A repair is applied, then the source of all measurements answers with errors; the machine's commit."""
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage("guard", seconds=90)
    site.muted.set()
    return site.machine_commits()[0]


def outcomes(site: Installation) -> set[tuple[str, str]]:
    return {(o["state"], o["reason"]) for o in site.payloads("outcome")}


def test_a_query_error_is_unknown_waits_and_then_pages_and_never_reverts(site: Installation) -> None:
    commit = blind_after_the_repair(site)
    site.advance(310)
    assert outcomes(site) == {("unknown", "blind")}
    assert site.story()[-1][:2] == ("soak", "blind")  # it still waits
    site.advance(310)
    assert outcomes(site) == {("unknown", "blind")}
    assert site.machine_commits() == [commit]  # neither reverted nor repaired again
    assert site.live("checkout", "release") == "1.4.2"
    assert any(page["key"].endswith("/blind") for page in site.pages())


def test_sight_that_comes_back_in_time_decides(site: Installation) -> None:
    blind_after_the_repair(site)
    site.advance(330)
    site.muted.clear()
    site.until(lambda: ("better", "better") in outcomes(site), seconds=120)
    assert site.story()[-1][:2] == ("done", "better")


def test_what_happens_when_it_stays_blind_is_the_repositorys_own_rule(site: Installation) -> None:
    site.push(REVERT, "Undo what nobody can see")
    commit = blind_after_the_repair(site)
    site.until(lambda: len(site.machine_commits()) == 2, seconds=500)
    assert [m["reverts"] for m in site.payloads("merge")] == ["", commit]


def test_if_an_error_counted_as_worse_a_good_repair_would_be_undone(site: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from reconciler.steps import observe

    honest = observe.verify
    monkeypatch.setattr(observe, "verify", lambda *a: dataclasses.replace(honest(*a), state=OutcomeState.WORSE, reason="worse"))
    blind_after_the_repair(site)
    site.until(lambda: len(site.machine_commits()) == 2, seconds=120)
