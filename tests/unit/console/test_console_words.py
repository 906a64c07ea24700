"""What is shown: times as people say them, invisible characters visible, and records as sentences."""

from __future__ import annotations

import pytest

from reconciler.audit.facts import Brake, Hold, Merge, Panic
from reconciler.console.pages import Page, render, span, visible
from reconciler.console.timeline import event
from reconciler.model.canonical import plain
from reconciler.model.findings import Finding
from reconciler.model.looks import Says, SecondLook
from reconciler.model.outcomes import Comparison, Outcome, OutcomeState
from reconciler.model.proposals import Refusal
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.model.revisions import Admission, AdmissionKind, ChangeSet, StepResult, Verb

EVERY = {"who": "", "csrf": "", "flash": "", "now_ms": 0, "repository": "infra", "path": "/"}


def told(kind: RecordKind, payload: object):
    found = plain(payload)
    assert isinstance(found, dict)
    return event(LoggedRecord(7, Record(kind, "key", "subject", "inc-1", Stamp(1_000, 2_000), found), {})).told


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (-5, "0 s"),
        (59_000, "59 s"),
        (89_999, "89 s"),
        (330_000, "5 min 30 s"),
        (3_600_000, "1 h"),
        (82_800_000 + 59_000, "23 h"),
        (86_400_000, "1 d"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_its_largest_units(ms: int, said: str):
    assert span(ms) == said


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\x00", "\ufeff"])
def test_what_cannot_be_seen_is_shown(hidden: str):
    assert visible(f"a{hidden}b") == "a" + hidden.encode("unicode_escape").decode() + "b"


def test_line_ends_stay_line_ends():
    assert visible("one\n\ttwo") == "one\n\ttwo"


def test_everything_put_into_a_page_is_escaped():
    values = {"message": '<img src=x onerror="alert(1)">\u202e', "next_step": "</p><script>", "status": 403}
    text = render(Page("problem.html", values), EVERY)
    assert "<img" not in text
    assert "<script" not in text
    assert "\u202e" not in text
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;\\u202e" in text


def test_a_refused_candidate_says_why():
    found = told(RecordKind.REFUSAL, Refusal("scale-out", "limit", "replicas are at their ceiling", "policies/limits.yaml:9"))
    assert found.title == "scale-out was not proposed: replicas are at their ceiling"
    assert ("where", "policies/limits.yaml:9") in found.facts


@pytest.mark.parametrize(("state", "tone"), [("better", "good"), ("worse", "bad"), ("unknown", "warn")])
def test_an_outcome_has_its_tone_and_its_numbers(state: str, tone: str):
    row = Comparison("checkout", "error_rate", "0.2", "0.01", "0.02", held=True)
    found = told(RecordKind.OUTCOME, Outcome("c" * 40, "guard", OutcomeState(state), "ok", (row,), 1, "all checks held"))
    assert (found.title, found.tone) == ("after a minute: all checks held", tone)
    assert found.tables[0].rows == (("checkout", "error_rate", "0.2", "0.01", "0.02", "held", ""),)


def test_an_apply_that_failed_is_bad_and_says_on_which_object():
    results = (StepResult("Service/a", Verb.UPDATE, ok=False, reason="error", detail="refused"),)
    found = told(RecordKind.APPLY, ChangeSet("shop", "lab", "d" * 40, 3, results, "error"))
    assert found.tone == "bad"
    assert found.tables[0].rows == (("Service/a", "update", "error", "refused"),)


def test_a_merge_says_who_landed_what_and_what_it_undoes():
    found = told(RecordKind.MERGE, Merge("infra", "main", "a" * 40, "b" * 40, "v", "ada", True, 4, reverts="c" * 40))
    assert (found.title, found.pull) == ("aaaaaaaaaaaa landed on main, by ada", 4)
    assert ("undoes", "c" * 12) in found.facts


def test_an_admission_with_a_warning_shows_it():
    found = told(RecordKind.ADMISSION, Admission("a" * 40, AdmissionKind.BRANCH, "", warning="not signed"))
    assert found.facts == (("warning", "not signed"),)


def test_brakes_holds_and_panics_name_their_owner():
    assert "brake-1 is on by ada: night" in told(RecordKind.BRAKE, Brake("brake-1", "ada", "night", 9)).title
    assert "apps/x is held by ada: why" in told(RecordKind.HOLD, Hold("apps/x", "ada", "why")).title
    found = told(RecordKind.PANIC, Panic("ada", 0, "c" * 40, ("a" * 40,), (("b" * 40, "conflict"),)))
    assert found.title == "panic by ada: 1 commit undone"
    assert found.bullets == ("undone aaaaaaaaaaaa", "left bbbbbbbbbbbb: conflict")


@pytest.mark.parametrize(
    ("says", "doubts", "tone"), [(Says.ANOTHER, True, "bad"), (Says.FOUND, False, "warn"), (Says.AGREES, False, "")]
)
def test_a_second_look_is_its_sentence_with_the_causes_that_it_names(says: Says, doubts: bool, tone: str):
    cause = Finding("causes", "1", "", "cause", "user", "error_rate", 1, "0.9", (), "user is likely")
    look = SecondLook("inc-1", 1, 2, says, "cart", "user", "0.9", doubts, doubts, "it names user", (cause,))
    found = told(RecordKind.SECOND_LOOK, {"look": look})
    assert (found.title, found.bullets, found.tone) == ("it names user", ("user is likely",), tone)


def test_an_explanation_of_many_lines_is_folded_below_its_sentence():
    found = told(RecordKind.CLOSED, {"reason": "autonomy", "detail": "would propose: x\npolicy: shadow\n  missing", "pull": 0})
    assert found.title == "the case is over (autonomy): would propose: x"
    assert found.more == "policy: shadow\n  missing"


@pytest.mark.parametrize("kind", list(RecordKind))
@pytest.mark.parametrize(
    "payload", [{}, {"detail": "of another release"}, {"proposal": 1, "value": [1], "pull": "x", "review": {}}]
)
def test_a_payload_that_does_not_fit_is_listed_and_never_hidden(kind: RecordKind, payload: dict[str, object]):
    assert told(kind, payload).title
