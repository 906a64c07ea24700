"""How often it happened before, and what helped, from the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.audit import facts as make
from reconciler.audit.facts import Merge
from reconciler.audit.recurrence import WEEK_MS, recurrence
from reconciler.audit.view import Facts, fold
from reconciler.model.memory import Tried
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp

NOW = 10 * WEEK_MS
BETTER, WORSE = OutcomeState.BETTER, OutcomeState.WORSE


def diagnosed(incident: str, at: int = NOW - 1, kind: str = "load", component: str = "cart", **other: Any) -> Record:
    payload: Mapping[str, Any] = other or {"diagnosis": {"causes": [{"kind": kind, "component": component}]}}
    return make.record(RecordKind.DIAGNOSIS, f"{incident}/{at}/{kind}", Stamp(at, at), payload, incident=incident)


def merged(incident: str, commit: str, playbook: str = "scale-out", reverts: str = "") -> Record:
    merge = Merge("infra", "main", commit, "base", "v", "homeostat", machine=True, playbook=playbook, reverts=reverts)
    return make.merge_record(merge, Stamp(NOW - 1, 0), incident)


def came_to(commit: str, state: OutcomeState) -> Record:
    return make.outcome_record(Outcome(commit, "outcome", state, "ok", (), NOW - 1, ""), Stamp(NOW - 1, 0))


def before(*records: Record):
    facts = Facts()
    for index, record in enumerate(records):
        fold(facts, LoggedRecord(index, record, {}))
    return recurrence(facts, "load", "cart", "now", NOW)


def test_the_same_cause_on_the_same_component_is_counted_and_no_other():
    found = before(diagnosed("a"), diagnosed("b"), diagnosed("c", kind="memory"), diagnosed("d", component="front"))
    assert (found.times, found.tried) == (2, ())


def test_an_incident_counts_once_and_never_for_itself():
    assert before(diagnosed("a", NOW - 5), diagnosed("a", NOW - 1), diagnosed("now")).times == 1


def test_last_week_is_told_apart():
    found = before(diagnosed("old", NOW - WEEK_MS), diagnosed("new", NOW - WEEK_MS + 1))
    assert (found.times, found.week) == (2, 1)


def test_what_worked_is_told_with_its_playbook_the_best_first():
    found = before(
        diagnosed("a"), merged("a", "1", "restart"), came_to("1", WORSE),
        diagnosed("b"), merged("b", "2"), came_to("2", BETTER),
        diagnosed("c"), merged("c", "3"), came_to("3", BETTER),
    )  # fmt: skip
    assert found.tried == (Tried("scale-out", 2, 2), Tried("restart", 1, 0))
    assert (found.worked("scale-out"), found.worked("restart"), found.worked("other")) == (2, 0, 0)


def test_a_repair_that_was_undone_did_not_work_whatever_was_seen_first():
    found = before(diagnosed("a"), merged("a", "1"), came_to("1", BETTER), merged("a", "2", reverts="1"))
    assert found.tried == (Tried("scale-out", 1, 0),)


def test_a_repair_of_another_incident_does_not_count():
    assert before(diagnosed("a"), diagnosed("x", component="front"), merged("x", "1"), came_to("1", BETTER)).tried == ()


@pytest.mark.parametrize("told", [None, [], {}, {"causes": None}, {"causes": []}, {"causes": ["load"]}, {"causes": [{}]}])
def test_a_diagnosis_of_another_shape_counts_for_nothing_and_stops_nothing(told: Any):
    assert before(diagnosed("odd", other={}) if told is None else diagnosed("odd", diagnosis=told)).times == 0


def test_what_is_said_to_be_yet_to_come_and_what_belongs_to_no_incident_counts_for_nothing():
    assert before(diagnosed("later", NOW + 1)).times == 0
    assert before(diagnosed("")).times == 0
