"""What failed lately is told to whoever learns from it, once an hour, and what was learned is noted in words."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.findings import FORESIGHT, Finding
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.analyst import Answer, Inquiry, Outage
from reconciler.steps import learning
from reconciler.steps.learning import BACK_MS, HOUR_MS, learn, outages
from reconciler.steps.meters import Meters
from reconciler.steps.progress import Progress, data, progress
from reconciler.steps.world import Cursor
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore

NOW = 1_700_000_000_000
LESSON = Finding("failures", "2", "", "lesson", "", "", NOW, "0", (), "foretold by what 6 of them taught")


def signal(component: str, started_ms: int, source: str = "sensor/memory") -> Signal:
    """Heard of a minute after it began."""
    return Signal(
        f"{component}{started_ms}", source, "full", component, component, SignalStatus.FIRING, Severity.WARNING, started_ms,
        started_ms + 60_000,
    )  # fmt: skip


def case(name: str, stage: Stage, *signals: Signal) -> Case:
    incident = Incident(name, name, "infra", "lab", NOW, Severity.WARNING, ("cart",), signals)
    return Case(name, "infra", "lab", name, stage, NOW, NOW, data(Progress(incident)))


def world(learner: InlineAnalyst | None) -> Any:
    rules = SimpleNamespace(calendars=(), policy=SimpleNamespace(maintenance=()))
    return SimpleNamespace(
        clock=ManualClock(NOW), store=MemoryStore(), cursor=Cursor(applied="head"), learner=learner,
        applied_rulebook=lambda: rules, meters=Meters(),
    )  # fmt: skip


def test_an_incident_is_an_outage_of_each_component_from_its_first_claim_until_it_is_done() -> None:
    done = case("a", Stage.DONE, signal("cart", NOW - 9_000_000), signal("cart", NOW - 8_000_000), signal("web", NOW - 8_500_000))
    done = dataclasses.replace(done, due_ms=NOW - 1_000_000)
    assert list(outages([done], NOW - BACK_MS, NOW)) == [
        Outage("cart", NOW - 9_000_000, NOW - 1_000_000), Outage("web", NOW - 8_500_000, NOW - 1_000_000),
    ]  # fmt: skip


def test_what_began_long_ago_and_lasts_is_told_still_so_that_none_of_it_is_taken_for_calm() -> None:
    claimed = signal("cart", NOW - 2 * BACK_MS)
    assert list(outages([case("a", Stage.JUDGE, claimed)], NOW - BACK_MS, NOW)) == [Outage("cart", NOW - 2 * BACK_MS, NOW)]
    assert list(outages([case("a", Stage.DONE, claimed)], NOW - BACK_MS, NOW)) == [Outage("cart", NOW - 2 * BACK_MS, NOW)]


def test_what_is_open_lasts_until_now() -> None:
    assert list(outages([case("a", Stage.JUDGE, signal("cart", NOW - 9_000_000))], 0, NOW)) == [
        Outage("cart", NOW - 9_000_000, NOW)
    ]


def test_what_was_foreseen_and_did_not_happen_may_have_been_averted() -> None:
    seen, came = signal("cart", NOW - 9_000_000, "predicted/failures"), signal("cart", NOW - 8_000_000)
    assert list(outages([case("a", Stage.JUDGE, seen)], 0, NOW)) == [Outage("cart", NOW - 9_000_000, NOW, happened=False)]
    assert list(outages([case("a", Stage.JUDGE, seen, came)], 0, NOW)) == [Outage("cart", NOW - 8_000_000, NOW)]


def test_what_was_claimed_and_never_seen_was_no_failure_and_no_calm_time() -> None:
    claimed = signal("cart", NOW - 600_000)
    gone = dataclasses.replace(case("a", Stage.DONE, claimed), reason=Reason.STALE.value)
    assert [one.happened for one in outages([gone], 0, NOW)] == [False]
    looked = Diagnosis("a", NOW, "c0ffee", (), (0, 1), (1, 2), "it fell")
    seen = dataclasses.replace(gone, data=data(Progress(progress(gone).incident, looked)))
    assert [one.happened for one in outages([seen, dataclasses.replace(gone, reason=Reason.OK.value)], 0, NOW)] == [True, True]


def test_what_differs_from_git_is_about_nobody_or_is_older_teaches_nothing() -> None:
    nothing = [
        case("b", Stage.DONE, signal("cart", NOW, "drift/shop")),
        case("c", Stage.DONE, signal("", NOW)),
        dataclasses.replace(case("d", Stage.DONE, signal("cart", NOW - 2 * BACK_MS)), due_ms=NOW - BACK_MS - 1),
        Case("e", "infra", "lab", "e", Stage.UNREADABLE, NOW, NOW, {"of": "another release"}),
    ]
    assert list(outages(nothing, NOW - BACK_MS, NOW)) == []


def test_of_what_was_over_long_ago_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(learning, "progress", lambda one: read.append(one.id) or progress(one))
    old, new = case("old", Stage.DONE, signal("cart", NOW - 2 * BACK_MS)), case("new", Stage.DONE, signal("cart", NOW))
    assert len(list(outages([dataclasses.replace(old, due_ms=NOW - BACK_MS - 1), new], NOW - BACK_MS, NOW))) == 1
    assert read == ["new"]


def test_lessons_come_every_hour_and_are_noted_when_they_say_something_new() -> None:
    learner = InlineAnalyst(lambda inquiry: Answer((LESSON,)), patience=1)
    seen = world(learner)
    assert seen.store.open_case(case("a", Stage.JUDGE, signal("cart", NOW)), (), ())
    for _ in range(2 * 60 + 5):
        assert not learn(seen)
        seen.clock.advance(60_000)
    assert [one.now_ms - NOW for one in learner.asked] == [HOUR_MS, 2 * HOUR_MS]
    assert learner.asked[0].outages == (Outage("cart", NOW, NOW + HOUR_MS),)
    assert seen.store.noted(FORESIGHT) == LESSON.text


def test_a_lesson_that_fails_is_told_and_the_next_one_comes_all_the_same() -> None:
    answers = [Answer(missing="the analysis took longer than 600 s"), Answer((LESSON,))]

    def work(_: Inquiry) -> Answer:
        return answers.pop(0)

    seen = world(InlineAnalyst(work))
    for _ in range(62):
        learn(seen)
        seen.clock.advance(60_000)
    assert seen.meters.faults() == {"learn": "the analysis took longer than 600 s"}
    assert seen.store.noted(FORESIGHT) in (None, "")
    for _ in range(60):
        learn(seen)
        seen.clock.advance(60_000)
    assert seen.meters.faults() == {}
    assert seen.store.noted(FORESIGHT) == LESSON.text


def test_what_one_has_learned_is_noted_though_another_failed() -> None:
    seen = world(InlineAnalyst(lambda inquiry: Answer((LESSON,), "the lessons cannot be kept: disk full")))
    for _ in range(62):
        learn(seen)
        seen.clock.advance(60_000)
    assert seen.meters.faults() == {"learn": "the lessons cannot be kept: disk full"}
    assert seen.store.noted(FORESIGHT) == LESSON.text


def test_a_clock_that_was_set_back_does_not_stop_the_lessons() -> None:
    seen = world(InlineAnalyst(lambda inquiry: Answer((LESSON,)), patience=1))
    learn(seen)
    seen.clock = ManualClock(NOW - 100 * HOUR_MS)
    learn(seen)
    learn(seen)
    assert seen.store.noted(FORESIGHT) == LESSON.text


def test_without_a_learner_nothing_is_asked() -> None:
    seen = world(None)
    assert not learn(seen)
    assert seen.cursor.outlook.due == {}
