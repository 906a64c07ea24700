"""A case whose row cannot be read any more ends, is kept and told once, and stands in nobody's way."""

from __future__ import annotations

import json

import pytest
from installation import Installation

BROKEN = [
    ("data", "not json"),
    ("data", "[]"),
    ("data", '{"incident": {"components": null}}'),
    ("stage", "a-stage-of-tomorrow"),
]


def break_row(site: Installation, column: str, value: str) -> str:
    """The open case's row as a bad disk or another release leaves it; its id."""
    (case,) = site.cases(open_only=True)
    broken = f"UPDATE incident_case SET {column} = ? WHERE id = ?"  # noqa: S608 - the columns are named above
    site.system.store._connection.execute(broken, (value, case.id))
    return case.id


@pytest.mark.parametrize(("column", "value"), BROKEN)
def test_a_broken_row_ends_is_told_once_and_the_next_incident_takes_its_place(
    site: Installation, column: str, value: str
) -> None:
    site.allow("rollback-release", "review")
    site.bad_release()
    site.until_stage("judge")
    broken = break_row(site, column, value)
    site.until(lambda: any(case.id != broken and case.stage.value == "judge" for case in site.cases()))

    kept = site.system.store.case(broken)
    assert kept is not None
    assert (kept.stage.value, kept.reason) == ("done", "error")
    assert value in (json.dumps(dict(kept.data)), kept.data.get("data"), kept.data.get("stage"))
    assert [page["key"] for page in site.pages() if "fault" in page["key"] or broken in page["key"]] == [f"{broken}/unreadable"]
    assert [told["detail"] for told in site.payloads("closed")] == [kept.detail]
    assert len(site.pulls("open")) == 1


def test_what_a_broken_row_had_landed_is_verified_all_the_same(site: Installation) -> None:
    site.allow("rollback-release")
    site.bad_release()
    site.until_stage("soak")
    break_row(site, "data", "not json")
    site.until(lambda: not site.cases(open_only=True))
    (repair,) = site.machine_commits()
    told = [outcome for outcome in site.payloads("outcome") if outcome["commit"] == repair]
    assert told[-1]["stage"] == "outcome"
    assert told[-1]["state"] == "better"


def test_a_case_made_from_the_log_that_breaks_again_leaves_an_unknown_outcome(site: Installation) -> None:
    site.allow("rollback-release")
    site.bad_release()
    site.until_stage("guard")
    break_row(site, "data", "not json")
    site.until(lambda: any(case.id.startswith("case-") for case in site.cases(open_only=True)))
    break_row(site, "data", "not json")
    site.until(lambda: not site.cases(open_only=True))
    (repair,) = site.machine_commits()
    told = [outcome for outcome in site.payloads("outcome") if outcome["commit"] == repair and outcome["stage"] == "outcome"]
    assert [outcome["state"] for outcome in told] == ["unknown"]
