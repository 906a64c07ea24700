"""What is claimed from which data, and that nothing is claimed without."""

import random

import pygit2
import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied, diagnose
from reconciler.model.diagnosis import CauseKind
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.repo import Identity
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_700_000_000_000
BEGAN = NOW - 120_000
CALLS = (("cart", "db"), ("checkout", "db"), ("checkout", "payment"), ("gateway", "cart"), ("gateway", "checkout"))
NAMES = ("cart", "checkout", "db", "gateway", "payment")
PATH = "apps/shop/checkout.yaml"
DOCUMENT = 'apiVersion: lab.homeostat/v1\nkind: Service\nmetadata:\n  name: checkout\nspec:\n  release: "{0}"\n  workers: {1}\n'
QUIET = {"latency_p99": 80, "latency_p50": 20, "error_rate": 0.001, "request_rate": 50, "cpu_usage": 0.5, "memory_usage": 0.4}


def world(shifts=None, *, began=BEGAN, seed=1):
    """Every component quiet with noise; `shifts` maps (component, metric) to the level since `began`."""
    dice, telemetry = random.Random(seed), MemoryTelemetry(CALLS)
    for name in NAMES:
        for metric, level in QUIET.items():
            later = (shifts or {}).get((name, metric), level)
            times = range(NOW - 900_000, NOW + 1, 5_000)
            telemetry.put(name, metric, [(t, (later if t >= began else level) * dice.uniform(0.95, 1.05)) for t in times])
    return telemetry


def incident(*components, started=NOW - 60_000, status=SignalStatus.FIRING):
    signals = tuple(Signal(c, "am", "Bad", c, c, status, Severity.CRITICAL, started, started) for c in components)
    return Incident("i1", "f", "infra", "lab", started, Severity.CRITICAL, components, signals)


@pytest.fixture
def repo(tmp_path):
    pygit2.init_repository(str(tmp_path / "infra.git"), bare=True)
    return PygitRepo(tmp_path / "infra.git")


def commit(repo, base, release, workers, path=PATH):
    data = DOCUMENT.format(release, workers).encode()
    return repo.write(base, {path: data}, "m", Identity("Ada", "ada@example.invalid"), NOW, None)


@pytest.fixture
def history(repo):
    """A root, a release on it, and a worker change on that."""
    root = commit(repo, "", "1.4.2", 8)
    release = commit(repo, root, "1.5.0", 8)
    return root, release, commit(repo, release, "1.5.0", 2)


SLOW = {("checkout", "latency_p99"): 900, ("checkout", "latency_p50"): 200}


def look(telemetry, repo, applied=(), about=None):
    return diagnose(about or incident("checkout"), telemetry, repo, "rev", applied, NOW)


def test_a_release_needs_a_commit_its_timing_and_a_shift_of_that_component(repo, history):
    _, release, _ = history
    found = look(world(SLOW), repo, [Applied(release, BEGAN - 20_000)])
    top = found.top
    assert (top.kind, top.component, top.commit) == (CauseKind.RELEASE, "checkout", release)
    assert 0.8 <= float(top.confidence) <= 0.95
    assert {"commit", "timing", "shift", "topology"} <= {e.kind for e in top.evidence}
    field = next(e for e in top.evidence if e.kind == "commit")
    assert (field.metric, field.before, field.after) == ("spec.release", "1.4.2", "1.5.0")


@pytest.mark.parametrize("applied_ms", [BEGAN + 30_000, BEGAN - 400_000])
def test_a_release_at_another_time_is_not_blamed(repo, history, applied_ms):
    found = look(world(SLOW), repo, [Applied(history[1], applied_ms)])
    assert CauseKind.RELEASE not in {c.kind for c in found.causes}


def test_a_release_of_a_component_that_did_not_move_is_not_blamed(repo, history):
    found = look(world({("cart", "latency_p99"): 900}), repo, [Applied(history[1], BEGAN - 20_000)], incident("cart"))
    assert CauseKind.RELEASE not in {c.kind for c in found.causes}


def test_another_field_is_a_configuration_cause_and_less_sure(repo, history):
    _, release, config = history
    top = look(world(SLOW), repo, [Applied(config, BEGAN - 20_000)]).top
    assert top.kind is CauseKind.CONFIG
    sure = look(world(SLOW), repo, [Applied(release, BEGAN - 20_000)]).top
    assert float(top.confidence) < float(sure.confidence)


def test_two_commits_on_the_component_make_each_less_sure(repo, history):
    _, release, config = history
    both = look(world(SLOW), repo, [Applied(release, BEGAN - 30_000), Applied(config, BEGAN - 20_000)])
    alone = look(world(SLOW), repo, [Applied(release, BEGAN - 30_000)])
    assert max(float(c.confidence) for c in both.causes) < float(alone.top.confidence)


def test_the_caller_is_explained_by_the_callee_that_moved(repo, history):
    above = {**SLOW, ("gateway", "latency_p99"): 950, ("gateway", "latency_p50"): 210}
    found = look(world(above), repo, [Applied(history[1], BEGAN - 20_000)], incident("gateway"))
    assert found.top.component == "checkout"
    assert any("gateway" in e.before for e in found.top.evidence if e.kind == "topology")


def test_a_callee_that_moved_later_explains_nothing(repo, history):
    telemetry = world(SLOW)
    late = range(NOW - 60_000, NOW + 1, 5_000)
    telemetry.put("db", "latency_p99", [(t, 900 + t % 7) for t in late])
    assert look(telemetry, repo, [Applied(history[1], BEGAN - 20_000)]).top.component == "checkout"


def test_a_slow_database_is_named_as_the_dependency(repo):
    everybody = {(n, m): QUIET[m] * 8 for n in ("db", "cart", "checkout", "gateway") for m in ("latency_p50", "latency_p99")}
    top = look(world(everybody), repo, (), incident("gateway")).top
    assert (top.kind, top.component, top.commit) == (CauseKind.DEPENDENCY, "db", "")


def test_more_requests_and_a_busy_component_are_load(repo):
    busy = {**SLOW, ("checkout", "request_rate"): 130, ("checkout", "cpu_usage"): 0.98}
    top = look(world(busy), repo).top
    assert (top.kind, top.component) == (CauseKind.LOAD, "checkout")


def test_a_surge_beside_a_release_leaves_neither_sure(repo, history):
    busy = {**SLOW, ("checkout", "request_rate"): 130, ("checkout", "cpu_usage"): 0.98}
    found = look(world(busy), repo, [Applied(history[1], BEGAN - 20_000)])
    assert all(float(c.confidence) < 0.8 for c in found.causes)


def test_memory_that_grows_towards_its_limit_is_a_memory_cause(repo):
    telemetry = world()
    telemetry.put(
        "checkout", "memory_usage", [(t, 0.3 + 0.6 * (t - NOW + 900_000) / 900_000) for t in range(NOW - 900_000, NOW + 1, 5_000)]
    )
    top = look(telemetry, repo).top
    assert (top.kind, top.component) == (CauseKind.MEMORY, "checkout")


def test_memory_that_is_high_and_flat_is_no_leak(repo):
    telemetry = world()
    telemetry.put("checkout", "memory_usage", [(t, 0.85) for t in range(NOW - 900_000, NOW + 1, 5_000)])
    assert look(telemetry, repo).top is None


def test_quiet_telemetry_is_unknown_whatever_was_applied(repo, history):
    found = look(world(), repo, [Applied(history[1], BEGAN)])
    assert found.top is None
    assert found.causes[0].kind is CauseKind.UNKNOWN


def failing(telemetry):
    telemetry.failing = True


@pytest.mark.parametrize(
    "blinding",
    [
        failing,
        lambda t: [t.forget(n, m, NOW - 90_000) for n in NAMES for m in QUIET],
        lambda t: t.put("db", "up", [(NOW + 90_000, 1)]),
    ],
)
def test_blind_is_unknown_and_says_why(repo, history, blinding):
    telemetry = world(SLOW)
    blinding(telemetry)
    found = look(telemetry, repo, [Applied(history[1], BEGAN - 20_000)])
    assert found.top is None
    assert "telemetry" in found.summary


def test_gaps_are_no_shift(repo, history):
    telemetry = world(SLOW)
    for metric in QUIET:
        telemetry.forget("checkout", metric, BEGAN)
    assert look(telemetry, repo, [Applied(history[1], BEGAN - 20_000)]).top is None


def test_the_same_question_gives_the_same_diagnosis(repo, history):
    applied = [Applied(history[1], BEGAN - 20_000), Applied(history[2], BEGAN - 500_000)]
    assert look(world(SLOW), repo, applied) == look(world(SLOW), repo, applied[::-1])


def test_what_comes_after_now_is_not_seen(repo, history):
    early = world(SLOW)
    early.put("checkout", "error_rate", [(NOW + 5_000, 1.0), (NOW + 10_000, 1.0)])
    applied = [Applied(history[1], BEGAN - 20_000)]
    assert look(early, repo, applied) == look(world(SLOW), repo, applied)


def test_hostile_component_names_are_not_looked_at_and_reach_no_text(repo):
    evil = "checkout; rm -rf {{x}}"
    telemetry = MemoryTelemetry([*CALLS, ("gateway", evil)])
    telemetry.put(evil, "latency_p99", [(t, 10 if t < BEGAN else 9_000) for t in range(NOW - 900_000, NOW + 1, 5_000)])
    found = look(telemetry, repo, (), incident(evil))
    assert "rm -rf" not in found.summary + str([e for c in found.causes for e in c.evidence])


def test_a_document_that_does_not_parse_is_no_evidence(repo, history):
    broken = repo.write(history[0], {PATH: b"a: &x 1\nb: *x\n"}, "m", Identity("A", "a@b.invalid"), NOW, None)
    found = look(world(SLOW), repo, [Applied(broken, BEGAN - 20_000), Applied("f" * 40, BEGAN - 20_000)])
    assert CauseKind.RELEASE not in {c.kind for c in found.causes}
