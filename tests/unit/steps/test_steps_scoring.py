"""The health score is made once a minute of what is measured, and never of what was."""

from __future__ import annotations

from types import SimpleNamespace

from reconciler.errors import Retryable
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.scores import NOTED, noted
from reconciler.model.signals import Incident, Severity
from reconciler.steps.progress import Progress, data
from reconciler.steps.scoring import EVERY_MS, score
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_700_000_000_000


def _world(**levels: float) -> SimpleNamespace:
    telemetry = MemoryTelemetry(components=["checkout", "payment"])
    for metric, level in levels.items():
        telemetry.put("checkout", metric, [(NOW - back * 5_000, level) for back in range(800)])
    return SimpleNamespace(clock=ManualClock(NOW), store=MemoryStore(), telemetry=telemetry, cursor=Cursor())


def test_what_is_well_has_a_hundred_and_what_is_not_measured_is_told() -> None:
    world = _world(error_rate=0.0, latency_p99=20.0, cpu_usage=0.4, replicas_ready=3, replicas_desired=3)
    score(world)
    found = noted(world.store.noted(NOTED))
    assert found is not None
    assert (found.score, found.lost, found.unknown) == ("100", (), ("payment",))


def test_what_fails_and_lacks_replicas_loses_points_by_name() -> None:
    world = _world(error_rate=0.05, latency_p99=20.0, replicas_ready=1, replicas_desired=2)
    score(world)
    assert [(one.component, one.kind) for one in world.cursor.score.lost] == [("checkout", "failures"), ("checkout", "replicas")]


def test_a_score_is_made_anew_when_its_minute_is_over_and_not_before() -> None:
    world = _world(error_rate=0.0)
    score(world)
    world.telemetry.put("checkout", "error_rate", [(NOW + back * 5_000, 1.0) for back in range(12)])
    world.clock.advance(EVERY_MS - 1)
    score(world)
    assert world.cursor.score.score == "100"
    world.clock.advance(1)
    score(world)
    assert float(world.cursor.score.score) < 50


def test_old_telemetry_takes_the_score_away() -> None:
    world = _world(error_rate=0.0)
    score(world)
    world.clock.advance(10 * EVERY_MS)
    score(world)
    assert world.cursor.score is None
    assert world.store.noted(NOTED) == ""


def test_telemetry_that_does_not_answer_is_no_score_and_no_crash() -> None:
    def silent() -> int:
        raise Retryable("it does not answer")

    world = _world(error_rate=0.0)
    world.telemetry.newest_ms = silent
    score(world)
    assert world.cursor.score is None


def test_a_case_that_another_release_wrote_does_not_keep_the_score_from_being_made() -> None:
    world = _world(error_rate=0.0)
    case = Case("inc-1", "infra", "", "f", Stage.JUDGE, NOW, NOW, {"of": "another release"})
    assert world.store.open_case(case, (), ())
    score(world)
    assert world.cursor.score.score == "100"


def test_measurements_that_are_yet_to_come_are_no_score() -> None:
    world = _world(error_rate=0.0)
    world.clock = ManualClock(NOW - 2 * EVERY_MS)
    score(world)
    assert world.cursor.score is None


def test_a_service_that_is_at_rest_is_well() -> None:
    world = _world(error_rate=0.0, latency_p99=0.0, replicas_ready=0, replicas_desired=0)
    score(world)
    assert world.cursor.score.score == "100"


def test_only_a_pattern_that_spreads_costs_points() -> None:
    def scored(*, cascading: bool) -> float:
        world = _world(error_rate=0.0)
        incident = Incident("inc-1", "f", "infra", "lab", NOW, Severity.WARNING, ("checkout",), ())
        found = Progress(incident, Diagnosis("inc-1", NOW, "tip", (), (0, 1), (1, 2), "found", cascading=cascading))
        assert world.store.open_case(Case("inc-1", "infra", "", "f", Stage.JUDGE, NOW, NOW, data(found)), (), ())
        score(world)
        return float(world.cursor.score.score)

    assert scored(cascading=True) < scored(cascading=False) == 100.0


def test_what_took_less_than_is_told_is_not_listed_as_nothing() -> None:
    """The shop's health said `0 for failures of gateway lost`."""
    world = _world(error_rate=0.0001, latency_p99=20.0, replicas_ready=1, replicas_desired=2)
    score(world)
    assert [one.kind for one in world.cursor.score.lost] == ["replicas"]
