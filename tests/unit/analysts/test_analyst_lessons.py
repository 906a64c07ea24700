"""Lessons: runs are kept of what failed and of what was calm, and a model is made of them once there are enough."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from reconciler.adapters.analysts import lessons as lessons_module
from reconciler.adapters.analysts import runs as runs_module
from reconciler.adapters.analysts.lessons import DAY_MS, HOUR_MS, Lessons
from reconciler.adapters.analysts.lessons import taught as ask
from reconciler.adapters.analysts.runs import Run, Runs, name_of
from reconciler.analysis.detectors.failures import Failures
from reconciler.analysis.failures.saving import Learned, dumped, loaded
from reconciler.errors import Retryable
from reconciler.model.maintenance import MaintenanceWindow
from reconciler.ports.analyst import Inquiry, Outage
from reconciler.ports.detector import Window
from reconciler.testing.telemetry import MemoryTelemetry

MINUTE = 60_000
START = 1_700_006_400_000  # a day begins
EVERY_H, LEAK_MIN, LESSON_H = 7, 75, 64  # cart's memory is full every so many hours, after leaking for so long


def memory(minutes: int, leaks: bool, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, minutes)
    before = EVERY_H * 60 - 1 - np.arange(minutes) % (EVERY_H * 60)
    leaked = np.where(before < LEAK_MIN, (LEAK_MIN - before) / LEAK_MIN * 0.6, 0.0) if leaks else 0.0
    return np.clip(0.4 + leaked + noise, 0, 1)


def telemetry(hours: int) -> MemoryTelemetry:
    """Cart, which web calls, leaks; user does not."""
    made = MemoryTelemetry([("web", "cart")], ["user"])
    at = START + MINUTE * (1 + np.arange(hours * 60))
    for seed, (name, leaks) in enumerate((("cart", True), ("user", False))):
        made.put(name, "memory_usage", zip(at.tolist(), memory(len(at), leaks, seed).tolist(), strict=True))
    return made


def outages(hours: int) -> tuple[Outage, ...]:
    """As incidents tell: the one who is called complains, and who calls it."""
    times = range(EVERY_H, hours + 1, EVERY_H)
    return tuple(Outage(name, START + h * HOUR_MS, START + h * HOUR_MS + 5 * MINUTE) for h in times for name in ("cart", "web"))


def asked(hours: int, *failed: Outage) -> Inquiry:
    now = START + hours * HOUR_MS
    return Inquiry(now - 2 * DAY_MS, now, outages=failed)


def school(tmp_path, hours: int = 72) -> Lessons:
    return Lessons(telemetry(hours), tmp_path / "runs", tmp_path / "failures.json")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory):
    """(folder, what was said first and last): days of lessons, of which only the last makes a model."""
    folder = tmp_path_factory.mktemp("taught")
    lessons = school(folder)
    first = ask(asked(2), [lessons])
    for hours in range(5, LESSON_H, 4):
        lessons._watch(asked(hours, *outages(hours)))
    return folder, (first, ask(asked(LESSON_H, *outages(LESSON_H)), [lessons]))


def test_from_minute_one_it_says_that_it_knows_nothing_yet(taught) -> None:
    _, said = taught
    assert said[0].findings[0].text == "failures cannot be foretold from this installation's own yet: 0 of at least 6 were seen"
    assert said[0].missing == ""


def test_what_failed_often_enough_becomes_a_model_that_says_what_it_is_worth(taught) -> None:
    folder, said = taught
    (finding,) = said[-1].findings
    values = {name: float(value) for name, value in finding.values}
    assert finding.kind == "lesson"
    assert finding.text.startswith("failures are foretold by what ")
    assert values["average precision"] > 0.6 > 2 * values["chance"] > 0
    assert loaded((folder / "failures.json").read_bytes()).model.useful


@pytest.mark.parametrize(("before", "foretold"), [(30, True), (200, False)])
def test_the_detector_takes_the_model_up_and_names_who_leaks(taught, before: int, foretold: bool) -> None:
    folder, _ = taught
    detector = Failures()
    detector.learn_from(folder / "failures.json")
    now = START + 10 * EVERY_H * HOUR_MS - before * MINUTE
    seen = telemetry(72)
    window = Window(seen.window(None, now - 4 * HOUR_MS, now), seen.topology().calls, now)
    said = [f for f in detector.detect(window) if "threshold" in dict(f.values)]
    sure = [f for f in said if float(f.confidence) >= float(dict(f.values)["threshold"])]
    assert [(f.component, f.metric) for f in sure] == ([("cart", "memory_usage")] if foretold else [])
    if foretold:
        assert float(dict(sure[0].values)["factor memory"]) > 0
        assert 600 < float(dict(sure[0].values)["lead_s"]) < 3_600
        assert detector.settings["model"].startswith("learned, ")


def test_without_a_file_or_with_a_broken_one_the_straight_line_answers(tmp_path) -> None:
    detector = Failures()
    detector.learn_from(tmp_path / "failures.json")
    assert detector.settings == {"model": "straight line"}
    (tmp_path / "failures.json").write_bytes(b'{"format": 1, "edges": ')
    assert detector.settings == {"model": "straight line"}
    assert detector.detect(Window({}, (), START)) == []


def test_nothing_is_learned_again_while_nothing_new_has_failed(taught) -> None:
    folder, _ = taught
    before = (folder / "failures.json").stat().st_mtime_ns
    lessons = Lessons(telemetry(72), folder / "runs", folder / "failures.json")
    answer = ask(asked(LESSON_H + 1, *outages(LESSON_H)), [lessons])
    assert answer.findings[0].text.startswith("failures are foretold by what ")
    assert (folder / "failures.json").stat().st_mtime_ns == before


def test_a_failure_while_people_worked_on_it_teaches_nothing_of_that_time(tmp_path) -> None:
    lessons = school(tmp_path)
    work = MaintenanceWindow("disks", ("cart",), START, START + 50 * HOUR_MS, "disks")
    lessons.learn(dataclasses.replace(asked(49, *outages(49)), maintenance=(work,)))
    assert not [name for name in lessons._runs.names() if name.startswith("broke")]


def test_hours_near_a_failure_are_not_calm(tmp_path) -> None:
    lessons = school(tmp_path)
    always = [Outage(name, START + h * HOUR_MS, START + h * HOUR_MS) for h in range(100) for name in ("cart", "user", "web")]
    for hours in range(50, 72, 2):
        lessons.learn(asked(hours, *always))
    assert not [name for name in lessons._runs.names() if name.startswith("calm")]


def test_what_was_foreseen_and_averted_is_neither_broken_nor_calm(tmp_path) -> None:
    lessons = school(tmp_path)
    averted = [Outage(name, START, START + 72 * HOUR_MS, happened=False) for name in ("cart", "user", "web")]
    for hours in range(50, 72, 2):
        lessons.learn(asked(hours, *averted))
    assert lessons._runs.names() == ()
    lessons.learn(asked(LESSON_H, *averted, *outages(LESSON_H)))
    assert [name for name in lessons._runs.names() if name.startswith("broke")]


def test_telemetry_or_a_disk_that_does_not_answer_is_said(tmp_path) -> None:
    lessons = school(tmp_path)
    lessons._telemetry.failing = True
    assert "telemetry did not answer" in ask(asked(49, *outages(49)), [lessons]).missing
    (tmp_path / "runs").write_text("a file where the folder should be")
    assert "cannot be kept" in ask(asked(49, *outages(49)), [school(tmp_path)]).missing


def test_runs_are_bounded_each_kind_by_itself_the_oldest_go_first(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "MOST", 3)
    kept = Runs(tmp_path / "runs", ("a", "b"))
    run = Run(np.zeros((2, 2), np.float32), np.array([1.0, 2.0]))
    for at in range(5):
        kept.put(name_of(True, "cart", at), run)
    kept.put(name_of(False, "../../etc", 9), run)
    assert [name.split("-")[1].lstrip("0") for name in kept.names() if name.startswith("broke")] == ["2", "3", "4"]
    assert len(list(kept.all())) == 4


def test_a_run_that_cannot_be_read_or_has_other_features_is_removed(tmp_path) -> None:
    kept = Runs(tmp_path / "runs", ("a", "b"))
    run = Run(np.zeros((1, 2), np.float32), np.array([1.0]))
    kept.put(name_of(True, "cart", 1), run)
    (tmp_path / "runs" / name_of(True, "cart", 2)).write_bytes(b"PK\x03\x04 half of a file")
    Runs(tmp_path / "runs", ("a", "c")).put(name_of(True, "cart", 3), run)
    assert len(list(kept.all())) == 1
    assert kept.names() == (name_of(True, "cart", 1),)


def broke(lessons: Lessons, *failed: Outage, hours: int = 49) -> list[np.ndarray]:
    """Minutes to the failure, of each run that broke."""
    lessons._watch(asked(hours, *failed))
    return [run.minutes for name, run in lessons._runs.all() if name.startswith("broke")]


def test_what_many_components_complain_about_at_once_is_one_failure(tmp_path) -> None:
    many = MemoryTelemetry([], [f"s{i}" for i in range(8)])
    at = START + MINUTE * (1 + np.arange(49 * 60))
    for i in range(8):
        many.put(f"s{i}", "memory_usage", zip(at.tolist(), memory(len(at), True, i).tolist(), strict=True))
    lessons = Lessons(many, tmp_path / "runs", tmp_path / "failures.json")
    at_ms = START + 21 * HOUR_MS
    said = lessons.learn(asked(49, *(Outage(f"s{i}", at_ms + i * MINUTE, at_ms + HOUR_MS) for i in range(8))))
    assert sum(name.startswith("broke") for name in lessons._runs.names()) == 8
    assert said.text.endswith("yet: 1 of at least 6 were seen")


def test_hours_before_the_failure_before_are_no_calm_beginning_of_the_next(tmp_path) -> None:
    first = Outage("cart", START + 20 * HOUR_MS, START + 20 * HOUR_MS + 5 * MINUTE)
    next_one = Outage("cart", START + 23 * HOUR_MS, START + 23 * HOUR_MS)
    one, two = broke(school(tmp_path), first, next_one)
    assert (one.max(), two.max()) == (235, 170)


def test_a_failure_whose_hours_before_are_kept_as_means_alone_teaches_nothing(tmp_path) -> None:
    lessons, now = school(tmp_path), START + 60 * HOUR_MS
    old, new = (Outage("cart", START + h * HOUR_MS, now) for h in (17, 18))
    inquiry = dataclasses.replace(asked(60), start_ms=START)
    lessons._watch(dataclasses.replace(inquiry, outages=(old,)))
    assert not [name for name in lessons._runs.names() if name.startswith("broke")]
    lessons._watch(dataclasses.replace(inquiry, outages=(new,)))
    assert [name for name in lessons._runs.names() if name.startswith("broke")]


def test_of_many_services_each_day_has_others_that_stand_for_all(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"s{i}" for i in range(9)]
    monkeypatch.setattr(lessons_module, "MOST_SERVICES", 3)
    chosen = [lessons_module._chosen(names, day) for day in range(20)]
    assert {len(one) for one in chosen} == {3}
    assert {name for one in chosen for name in one} == set(names)
    lessons = school(tmp_path)
    lessons._telemetry = MemoryTelemetry([], names)
    lessons._watch(asked(49))
    runs = {
        name_of(True, "s0", START): Run(np.zeros((1, 2), np.float32), np.array([5.0])),
        name_of(False, "s0", START): Run(np.zeros((1, 2), np.float32), np.array([np.nan])),
    }
    assert lessons_module._past(runs, lessons._each).weights.tolist() == [1.0, 18.0]


def test_a_clock_that_was_set_back_stops_no_lessons(tmp_path) -> None:
    lessons = school(tmp_path)
    for hours in (49, 53, 57, 61):
        lessons._watch(asked(hours))
    (tmp_path / "failures.json").write_bytes(dumped(Learned((), START + 900 * HOUR_MS, None)))
    assert lessons.learn(asked(61)).at_ms == START + 61 * HOUR_MS


def test_runs_that_cannot_be_read_are_not_counted(tmp_path) -> None:
    lessons = school(tmp_path)
    lessons._runs.put(name_of(True, "user", START), Run(np.zeros((1, 2), np.float32), np.array([1.0])))
    (tmp_path / "runs" / name_of(True, "cart", START)).write_bytes(b"PK\x03\x04 half of a file")
    assert lessons.learn(asked(2)).text.endswith("yet: 0 of at least 6 were seen")


def test_whatever_byte_of_a_run_the_disk_has_changed_nothing_is_raised(tmp_path) -> None:
    kept, name = Runs(tmp_path / "runs", ("a", "b")), name_of(True, "cart", 1)
    kept.put(name, Run(np.arange(96, dtype=np.float32).reshape(48, 2), np.arange(48.0)))
    whole = (tmp_path / "runs" / name).read_bytes()
    for at in range(len(whole)):
        (tmp_path / "runs" / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        assert len(list(kept.all())) <= 1


@pytest.mark.parametrize("error", [Retryable("no answer"), OSError(28, "disk full"), MemoryError()])
def test_who_cannot_learn_keeps_nobody_else_from_it(tmp_path, error: Exception) -> None:
    def fails(_: Inquiry) -> None:
        raise error

    answer = ask(asked(2), [SimpleNamespace(learn=fails), school(tmp_path)])
    assert answer.missing
    assert answer.findings[0].text.endswith("yet: 0 of at least 6 were seen")
