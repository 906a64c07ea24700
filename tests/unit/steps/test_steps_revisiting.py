"""A second look for people: asked once, late, for cases that wait for a person; told apart, and nothing else changes."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.findings import Finding
from reconciler.model.pulls import PullState, Since
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.steps import revisiting
from reconciler.steps.progress import Progress, data, progress
from reconciler.steps.revisiting import AFTER_MS, EVERY_MS, FRESH_MS, PATIENCE_MS, revisit, seen_since
from reconciler.steps.world import Cursor
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

MADE = 1_700_000_000_000
OWN = Cause(CauseKind.RELEASE, "checkout", "0.93", "c0ffee", ())
FIRST = Diagnosis("inc-1", MADE, "r", (OWN,), (0, 1), (2, 3), "release on checkout")
UNKNOWN = dataclasses.replace(FIRST, causes=())
SIGNAL = Signal(
    "s", "alertmanager/x", "Slow", "checkout", "f", SignalStatus.FIRING, Severity.WARNING, MADE - 20_000, MADE - 20_000
)
INCIDENT = Incident("inc-1", "f", "infra", "lab", MADE - 20_000, Severity.WARNING, ("checkout",), (SIGNAL,))


def cause(component: str, confidence: str, *values: tuple[str, str]) -> Finding:
    return Finding("causes", "1", "", "cause", component, "error_rate", MADE, confidence, values, f"{component} is likely")


def later(ms: int) -> Diagnosis:
    return dataclasses.replace(FIRST, made_ms=MADE + ms)


def naming(*causes: Finding) -> Answer:
    return Answer(causes)


class Site:
    """A case of each kind, and everything that a second look might touch."""

    def __init__(self, answer: Answer, patience: int = 0, **changes: Any) -> None:
        self.analyst = InlineAnalyst(lambda _: answer, patience)
        self.store, self.clock = MemoryStore(), ManualClock(MADE + AFTER_MS - 1)
        self.pages: list[Any] = []
        self.shown: list[Any] = []
        self.pull = SimpleNamespace(state=PullState.OPEN, effect="review")
        rules = SimpleNamespace(calendars=(), policy=SimpleNamespace(maintenance=()))
        self.world: Any = SimpleNamespace(
            analyst=self.analyst,
            clock=self.clock,
            store=self.store,
            cursor=Cursor(applied="head"),
            telemetry=MemoryTelemetry(),
            repo=None,
            ledger=SimpleNamespace(facts=lambda: SimpleNamespace(tried_ms={})),
            applied_rulebook=lambda: rules,
            forge=SimpleNamespace(
                get=lambda number: self.pull if number == 7 else None,
                show_since=lambda number, since: self.shown.append((number, since)),
            ),
            notifier=SimpleNamespace(page=lambda *page: self.pages.append(page)),
            url=lambda path: path,
            record=lambda kind, key, payload, **about: SimpleNamespace(kind=kind, key=key, payload=payload, **about),
        )
        found = dataclasses.replace(Progress(INCIDENT, FIRST, pull=7), **changes)
        self.case = Case("inc-1", "infra", "lab", "f", Stage.JUDGE, MADE + 30_000, MADE, data(found), "autonomy", "waits")
        self.kept: list[Any] = []
        self._commit = self.store.commit
        self.store.commit = self._keep  # type: ignore[method-assign]  # records of this test are no Records

    def _keep(self, case: Case, records: Any) -> bool:
        done = self._commit(case, ())
        self.kept += records if done else ()
        return done

    def opened(self, **changes: Any) -> Site:
        """And it is due."""
        self.clock.advance(1)
        self.case = dataclasses.replace(self.case, **changes)
        assert self.store.open_case(self.case, (), ())
        return self

    def now(self) -> Case:
        found = self.store.case("inc-1")
        assert found
        return found

    def change(self, **changes: Any) -> None:
        """Another step of the case."""
        assert self._commit(dataclasses.replace(self.now(), **changes), ())

    def restart(self) -> None:
        self.world.cursor = Cursor(applied="head")

    def look(self) -> Any:
        (record,) = self.kept
        assert (record.kind.value, record.key, record.incident) == ("second-look", "inc-1", "inc-1")
        return record.payload["look"]


# when it is asked


def test_a_case_that_waits_for_a_person_is_looked_at_again_minutes_after_its_diagnosis() -> None:
    site = Site(naming(cause("checkout", "0.97"))).opened(data=data(Progress(INCIDENT, later(1), pull=7)))
    assert not revisit(site.world)
    assert not site.analyst.asked
    site.clock.advance(EVERY_MS)
    assert revisit(site.world)
    assert site.look().says == "agrees"


def test_it_is_asked_about_the_time_when_it_was_due_however_late() -> None:
    site = Site(naming()).opened()
    site.clock.advance(7_000_000)
    assert revisit(site.world)
    assert [asked.now_ms for asked in site.analyst.asked] == [MADE + AFTER_MS]


def test_it_is_asked_once_a_case_also_after_a_restart() -> None:
    site = Site(naming()).opened()
    assert revisit(site.world)
    for _ in range(2):
        site.clock.advance(EVERY_MS)
        assert not revisit(site.world)
        site.restart()
    assert len(site.analyst.asked) == len(site.kept) == 1


def test_what_was_asked_and_not_heard_when_the_process_ended_is_asked_again_in_the_same_words() -> None:
    site = Site(naming(), patience=1).opened()
    assert not revisit(site.world)
    site.restart()
    site.world.analyst = again = InlineAnalyst(lambda _: naming())
    site.clock.advance(100_000)
    assert revisit(site.world)
    assert again.asked == site.analyst.asked


def test_it_waits_while_the_analysis_has_something_else_to_do() -> None:
    site = Site(naming(), patience=2).opened()
    site.analyst.ask(first := Inquiry(0, 1))
    assert not revisit(site.world)
    assert site.analyst.asked == [first]
    site.analyst.ask(first)
    assert not revisit(site.world)
    assert len(site.analyst.asked) == 2, "nothing keeps it waiting any more, and it was not late for it"


def test_cases_are_looked_through_every_few_seconds_and_not_every_turn() -> None:
    site = Site(naming())
    assert not revisit(site.world)
    site.opened()
    assert not revisit(site.world)
    site.clock.advance(EVERY_MS)
    assert revisit(site.world)


@pytest.mark.parametrize("broken", [{"analyst": None}, {"cursor": Cursor()}])
def test_without_the_analysis_or_before_anything_is_applied_nothing_is_asked(broken: dict[str, Any]) -> None:
    site = Site(naming()).opened()
    site.world.__dict__.update(broken)
    for _ in range(3):
        assert not revisit(site.world)
        site.clock.advance(PATIENCE_MS)
    assert not site.analyst.asked


# for whom it is asked


@pytest.mark.parametrize(
    ("effect", "state"), [("merge", PullState.OPEN), ("", PullState.OPEN), ("wait", PullState.OPEN), ("review", PullState.CLOSED)]
)
def test_only_a_repair_that_waits_for_a_person_is_looked_at_again(effect: str, state: PullState) -> None:
    site = Site(naming()).opened()
    site.pull.effect, site.pull.state = effect, state
    assert not revisit(site.world)
    assert not site.analyst.asked


@pytest.mark.parametrize("changes", [{"undoing": "c0ffee"}, {"diagnosis": None}, {"pull": 8}, {"second_ms": MADE}])
def test_an_undo_and_what_nobody_diagnosed_are_not(changes: dict[str, Any]) -> None:
    site = Site(naming(), **changes).opened()
    assert not revisit(site.world)
    assert not site.analyst.asked


@pytest.mark.parametrize("source", ["target/lab", "predicted/failures"])
def test_what_no_metric_claims_is_not(source: str) -> None:
    said = dataclasses.replace(INCIDENT, signals=(dataclasses.replace(SIGNAL, source=source),))
    site = Site(naming(), incident=said).opened()
    assert not revisit(site.world)
    assert not site.analyst.asked


@pytest.mark.parametrize("stage", [Stage.PROPOSE, Stage.OPEN, Stage.LAND, Stage.SOAK, Stage.UNDO])
def test_a_case_at_another_stage_is_not(stage: Stage) -> None:
    site = Site(naming()).opened(stage=stage)
    assert not revisit(site.world)
    assert not site.analyst.asked


def test_a_row_that_cannot_be_read_keeps_no_other_from_it() -> None:
    site = Site(naming()).opened()
    odd = data(Progress(INCIDENT, FIRST)) | {"incident": 7}
    assert site.store.open_case(dataclasses.replace(site.case, id="inc-0", opened_ms=MADE + 1, data=odd), (), ())
    assert revisit(site.world)


@pytest.mark.parametrize(
    ("reason", "ago_ms", "asked"),
    [(Reason.NO_CAUSE, AFTER_MS, 1), (Reason.STALE, AFTER_MS, 0), (Reason.NO_CAUSE, FRESH_MS + 1, 0)],
)
def test_a_case_that_ended_without_a_cause_is_looked_at_again_while_somebody_may_still_look(
    reason: Reason, ago_ms: int, asked: int
) -> None:
    site = Site(naming(), diagnosis=UNKNOWN, pull=0).opened(stage=Stage.DONE, reason=reason.value)
    site.clock.advance(FRESH_MS)
    site.change(due_ms=site.clock.now() - ago_ms)
    assert revisit(site.world) is bool(asked)
    assert len(site.analyst.asked) == asked


def test_what_is_in_a_row_is_not_read_where_its_stage_says_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(naming()).opened(stage=Stage.DONE, reason=Reason.STALE.value)
    monkeypatch.setattr(revisiting, "readable", lambda case: pytest.fail(f"{case.id} was read"))
    assert not revisit(site.world)


# what becomes of it


def test_the_row_remembers_that_it_was_and_is_otherwise_as_before() -> None:
    site = Site(naming(cause("user", "0.99"))).opened()
    before = site.now()
    assert revisit(site.world)
    after = site.now()
    assert progress(after) == dataclasses.replace(progress(before), second_ms=MADE + AFTER_MS)
    assert dataclasses.replace(after, data=before.data, version=before.version) == before


def test_another_cause_is_said_on_the_pull_request_and_people_are_paged() -> None:
    site = Site(naming(cause("user", "0.99"), cause("cart", "0.002"))).opened()
    assert revisit(site.world)
    told = (
        "240 s after the diagnosis the analysis of all metrics names user, confidence 0.99, and not checkout, "
        "the cause by which the repair was chosen"
    )
    assert site.shown == [(7, Since(told, doubts=True))]
    assert site.pages == [("inc-1/second-look", "inc-1: a second look names user, not checkout", told, "/pr/7")]


def test_agreement_is_said_and_pages_nobody() -> None:
    site = Site(naming(cause("checkout", "0.97"))).opened()
    assert revisit(site.world)
    assert [since.doubts for _, since in site.shown] == [False]
    assert site.pages == []


def test_a_cause_for_an_incident_that_ended_without_one_pages_and_there_is_no_pull_request() -> None:
    site = Site(naming(cause("user", "0.99")), diagnosis=UNKNOWN, pull=0).opened(stage=Stage.DONE, reason="no-cause")
    site.change(reason=Reason.NO_CAUSE.value)
    assert revisit(site.world)
    assert [(title, url) for _, title, _, url in site.pages] == [("inc-1: a second look names user", "/incidents/inc-1")]
    assert site.shown == []


def test_an_answer_that_never_comes_is_on_record_and_leaves_the_case_alone() -> None:
    site = Site(naming(cause("user", "0.99")), patience=1_000_000).opened()
    assert not revisit(site.world)
    site.clock.advance(PATIENCE_MS - 1)
    assert not revisit(site.world)
    before = site.now()
    site.clock.advance(1)
    assert revisit(site.world)
    assert (site.look().says, site.look().findings) == ("silent", ())
    assert "did not answer within 60 s" in site.look().summary
    assert (site.pages, site.shown) == ([], [])
    assert (site.now().stage, site.now().due_ms, site.now().detail) == (before.stage, before.due_ms, before.detail)
    site.clock.advance(EVERY_MS)
    assert not revisit(site.world), "and it is not asked again"


@pytest.mark.parametrize("changes", [{"stage": Stage.LAND}, {"stage": Stage.DONE, "reason": "merged"}])
def test_a_case_that_went_on_before_the_answer_came_is_left_alone(changes: dict[str, Any]) -> None:
    site = Site(naming(cause("user", "0.99")), patience=1).opened()
    assert not revisit(site.world)
    site.change(**changes)
    assert not revisit(site.world)
    assert (site.kept, site.pages, site.shown) == ([], [], [])
    assert site.world.cursor.hindsight.asked is None, "and keeps nobody else waiting"


def test_what_another_process_heard_first_is_on_record_once() -> None:
    site = Site(naming(cause("user", "0.99")), patience=1).opened()
    assert not revisit(site.world)
    site.change(data=data(dataclasses.replace(progress(site.now()), second_ms=MADE + AFTER_MS)))
    assert not revisit(site.world)
    assert (site.kept, site.pages, site.shown) == ([], [], [])


def test_an_answer_about_an_older_diagnosis_is_dropped() -> None:
    site = Site(naming(cause("user", "0.99")), patience=1).opened()
    assert not revisit(site.world)
    site.change(data=data(Progress(INCIDENT, later(AFTER_MS), pull=7)))
    assert not revisit(site.world)
    assert (site.kept, site.pages, site.shown) == ([], [], [])


def test_a_case_that_moves_in_the_same_moment_is_tried_again() -> None:
    site = Site(naming()).opened()
    keep = site.store.commit
    site.store.commit = lambda *_: False  # type: ignore[method-assign]  # another worker was first
    assert not revisit(site.world)
    site.store.commit = keep  # type: ignore[method-assign]
    assert revisit(site.world)
    assert len(site.analyst.asked) == len(site.kept) == 1


def test_a_page_that_cannot_be_sent_is_tried_again_before_anything_is_on_record() -> None:
    site = Site(naming(cause("user", "0.99"))).opened()
    send, site.world.notifier = site.world.notifier, SimpleNamespace()
    with pytest.raises(AttributeError):
        revisit(site.world)
    site.world.notifier = send
    assert revisit(site.world)
    assert len(site.pages) == len(site.kept) == 1


# what it says


@pytest.mark.parametrize(
    ("causes", "says", "told"),
    [
        ([cause("checkout", "0.4")], "agrees", False),
        ([cause("user", "0.5"), cause("checkout", "0.3")], "agrees", False),
        ([cause("user", "0.5")], "unsure", False),
        ([cause("user", "0.99"), cause("checkout", "0.001")], "another", True),
        ([cause("user", "0.92")], "another", False),
        ([cause("user", "0.99", ("deviations error_rate", "2"))], "unsure", False),
        ([cause("user", "0.99", ("score", "9")), cause("cart", "0.001", ("score", "8.9"))], "unsure", False),
        ([], "nothing", False),
    ],
)
def test_another_cause_is_named_only_where_it_is_sure_clear_and_apart(causes: list[Finding], says: str, told: bool) -> None:
    look = seen_since(FIRST, Answer(tuple(causes)), MADE + AFTER_MS)
    assert (look.says, look.told, look.doubts) == (says, told, says == "another")
    assert (look.named, look.confidence) == ((causes[0].component, causes[0].confidence) if causes else ("", "0"))


@pytest.mark.parametrize(("causes", "says"), [([cause("user", "0.7")], "found"), ([cause("user", "0.5")], "unsure")])
def test_where_no_cause_was_known_one_may_be_found(causes: list[Finding], says: str) -> None:
    look = seen_since(UNKNOWN, Answer(tuple(causes)), MADE + AFTER_MS)
    assert (look.says, look.told, look.doubts) == (says, says == "found", False)


def test_what_the_first_look_said_already_pages_nobody() -> None:
    said = dataclasses.replace(FIRST, findings=(cause("user", "0.8"),))
    assert not seen_since(said, naming(cause("user", "0.99")), MADE + AFTER_MS).told
    assert seen_since(said, naming(cause("cart", "0.99")), MADE + AFTER_MS).told
    noise = dataclasses.replace(FIRST, findings=(cause("user", "0.5"),))
    assert seen_since(noise, naming(cause("user", "0.99")), MADE + AFTER_MS).told


def test_no_metric_knows_better_than_what_a_target_said() -> None:
    said = dataclasses.replace(OWN, trouble="crash", object="Deployment/checkout", unit="shop")
    look = seen_since(dataclasses.replace(FIRST, causes=(said,)), naming(cause("user", "0.99")), MADE + AFTER_MS)
    assert (look.says, look.told, look.doubts) == ("another", False, False)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (naming(cause("checkout", "0.97")), "names checkout, confidence 0.97: the cause by which the repair was chosen"),
        (
            naming(cause("user", "0.5"), cause("checkout", "0.3")),
            "puts user, confidence 0.5, first, and checkout among the likeliest, confidence 0.3",
        ),
        (naming(cause("user", "0.5")), "is not sure: it puts user, confidence 0.5, first, and not checkout"),
        (naming(), "names no cause"),
        (Answer(missing="it died"), "was asked again and said nothing: it died"),
    ],
)
def test_the_sentence_tells_how_much_later_and_how_sure(answer: Answer, said: str) -> None:
    told = seen_since(FIRST, answer, MADE + AFTER_MS).summary
    assert told == f"240 s after the diagnosis the analysis of all metrics {said}"


def test_a_name_from_telemetry_is_one_harmless_line() -> None:
    told = seen_since(FIRST, naming(cause("a\nb\u202e" + "x" * 200, "0.99")), MADE + AFTER_MS).summary
    assert told.isprintable()
    assert len(told) < 300
