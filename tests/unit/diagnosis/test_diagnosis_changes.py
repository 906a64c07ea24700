"""Which commit is to blame where several came, and where what it broke shows in memory or at somebody else."""

import random

import pygit2
import pytest
from test_diagnosis_finding import BEGAN, NOW, SLOW, commit, incident, look, world

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied
from reconciler.model.diagnosis import CauseKind
from reconciler.ports.repo import Identity

ADA = Identity("Ada", "ada@example.invalid")
TIMES = range(NOW - 900_000, NOW + 1, 5_000)


@pytest.fixture
def repo(tmp_path):
    pygit2.init_repository(str(tmp_path / "infra.git"), bare=True)
    return PygitRepo(tmp_path / "infra.git")


def chain(repo, *steps):
    """A root of release 1.0 with 8 workers, and a commit for each (release, workers)."""
    heads = [commit(repo, "", "1.0", 8)]
    for release, workers in steps:
        heads.append(commit(repo, heads[-1], release, workers))
    return heads[1:]


def filled(level):
    """Memory of checkout over time; nothing else moves."""
    telemetry, dice = world(), random.Random(7)
    telemetry.put("checkout", "memory_usage", [(t, level(t) * dice.uniform(0.995, 1.005)) for t in TIMES])
    return telemetry


def leaking(since):
    return filled(lambda t: 0.3 + max(0.0, 0.6 * (t - since) / (NOW - since)))


def test_memory_that_was_flat_and_grows_since_a_release_blames_the_release(repo):
    good, bad = chain(repo, ("1.1", 8), ("1.2", 8))
    applied = [Applied(good, NOW - 560_000), Applied(bad, NOW - 310_000)]
    top = look(leaking(NOW - 300_000), repo, applied).top
    assert (top.kind, top.component, top.commit) == (CauseKind.RELEASE, "checkout", bad)
    assert {"commit", "growth", "timing"} <= {e.kind for e in top.evidence}
    assert any("began to grow" in e.text for e in top.evidence)


@pytest.mark.parametrize("since", [NOW - 900_000, NOW - 400_000, NOW - 200_000])
def test_memory_that_grew_before_a_release_or_long_after_it_does_not(repo, since):
    (release,) = chain(repo, ("1.1", 8))
    top = look(leaking(since), repo, [Applied(release, NOW - 310_000)]).top
    assert (top.kind, top.commit) == (CauseKind.MEMORY, "")


def test_memory_that_is_nearly_full_since_a_commit_blames_the_commit(repo):
    (cut,) = chain(repo, ("1.0", 2))
    telemetry = filled(lambda t: 0.4 if t < BEGAN else 0.92)
    top = look(telemetry, repo, [Applied(cut, BEGAN - 15_000)]).top
    assert (top.kind, top.component, top.commit) == (CauseKind.CONFIG, "checkout", cut)
    assert look(telemetry, repo, [Applied(cut, BEGAN - 200_000)]).top is None


def test_memory_that_grows_since_a_release_and_is_far_from_its_limit_is_nobodys_fault(repo):
    (release,) = chain(repo, ("1.1", 8))
    telemetry = filled(lambda t: 0.52 + 0.1 * max(0, t - NOW + 300_000) / 300_000)
    found = look(telemetry, repo, [Applied(release, NOW - 310_000)])
    assert found.top is None
    assert [c.kind for c in found.causes] == [CauseKind.UNKNOWN]


def test_the_growth_itself_is_doubted_where_a_release_brought_it(repo):
    releases = chain(repo, ("1.1", 8), ("1.2", 8))
    brought = look(leaking(NOW - 300_000), repo, [Applied(releases[0], NOW - 310_000)])
    not_brought = look(leaking(NOW - 300_000), repo, [Applied(releases[0], NOW - 200_000)])
    sure = {
        found: next(float(c.confidence) for c in found.causes if c.kind is CauseKind.MEMORY) for found in (brought, not_brought)
    }
    assert brought.top.kind is CauseKind.RELEASE
    assert sure[brought] < sure[not_brought] - 0.2


def test_of_two_releases_the_one_that_came_too_late_to_be_seen_is_not_first(repo):
    bad, late = chain(repo, ("1.1", 8), ("1.2", 8))
    found = look(world(SLOW), repo, [Applied(bad, BEGAN - 20_000), Applied(late, BEGAN - 2_000)])
    assert [c.commit for c in found.causes[:2]] == [bad, late]
    earlier = look(world(SLOW), repo, [Applied(bad, BEGAN - 60_000), Applied(late, BEGAN - 20_000)])
    assert earlier.top.commit == late


def test_more_room_is_doubted_and_less_room_is_not(repo):
    more, less = chain(repo, ("1.0", 12), ("1.0", 4))
    given = look(world(SLOW), repo, [Applied(more, BEGAN - 20_000)]).top
    taken = look(world(SLOW), repo, [Applied(less, BEGAN - 20_000)]).top
    assert float(given.confidence) < 0.7 < float(taken.confidence)
    full = {**SLOW, ("checkout", "cpu_usage"): 0.97}
    assert float(look(world(full), repo, [Applied(less, BEGAN - 20_000)]).top.confidence) > float(taken.confidence)


def test_a_caller_whose_settings_make_it_ask_twice_is_to_blame_for_the_load_below(repo):
    text = "kind: Service\nmetadata:\n  name: checkout\nspec:\n  calls:\n    - service: payment\n      timeoutMs: {0}\n"
    root = repo.write("", {"apps/a.yaml": text.format(500).encode()}, "m", ADA, NOW, None)
    cut = repo.write(root, {"apps/a.yaml": text.format(5).encode()}, "m", ADA, NOW, None)
    busy = {("payment", "request_rate"): 100, ("payment", "cpu_usage"): 0.97, ("payment", "latency_p99"): 900}
    above = {("checkout", "error_rate"): 0.4, ("checkout", "latency_p99"): 400}
    telemetry = world({**busy, **above})
    telemetry.put("checkout", "retries_rate", [(t, 0.1 if t < BEGAN else 50) for t in TIMES])
    applied = [Applied(cut, BEGAN - 20_000)]
    top = look(telemetry, repo, applied, incident("checkout")).top
    assert (top.kind, top.component, top.commit) == (CauseKind.CONFIG, "checkout", cut)
    telemetry.put("checkout", "retries_rate", [(t, 0.1) for t in TIMES])
    assert look(telemetry, repo, applied, incident("checkout")).top.component == "payment"


def test_what_goes_away_by_itself_is_named_only_once_it_stays(repo):
    telemetry = world()
    ages = {t: t - (NOW - 25_000) for t in TIMES}
    telemetry.put("checkout", "error_rate", [(t, 0.001 if age < 0 else 0.6 * 0.4 ** (age / 5_000)) for t, age in ages.items()])
    found = look(telemetry, repo)
    assert found.top is None
    assert "going away by itself" in found.summary
    telemetry.put("checkout", "error_rate", [(t, 0.001 if age < 0 else 0.6) for t, age in ages.items()])
    assert "going away" not in look(telemetry, repo).summary


@pytest.mark.parametrize(("falling", "named"), [((0.12, 0.33, 0.1, 0.05), False), ((0.12, 0.33, 0.1, 0.12), True)])
def test_what_is_just_falling_is_asked_about_again(repo, falling, named):
    (release,) = chain(repo, ("1.1", 8))
    telemetry, shown = world(), dict(zip(TIMES[-4:], falling, strict=True))
    telemetry.put("checkout", "error_rate", [(t, shown.get(t, 0.001 + t % 7 / 10_000)) for t in TIMES])
    found = look(telemetry, repo, [Applied(release, NOW - 30_000)])
    assert (found.top is not None) is named
    assert ("going away by itself" in found.summary) is not named


@pytest.mark.parametrize(("rest", "named"), [(0.015, False), (0.04, True)])
def test_the_little_that_fails_beside_a_restart_is_no_finding(repo, rest, named):
    (release,) = chain(repo, ("1.1", 8))
    telemetry = world()
    failed = {t: 0.001 if t < BEGAN else 0.6 if t < BEGAN + 30_000 else rest + t % 7 / 2_000 for t in TIMES}
    telemetry.put("checkout", "error_rate", list(failed.items()))
    found = look(telemetry, repo, [Applied(release, BEGAN - 20_000)])
    assert (found.top is not None) is named
    assert ("going away by itself" in found.summary) is not named


def test_a_commit_that_lets_callers_use_up_the_connections_of_a_database_is_to_blame(repo):
    wider, narrower = chain(repo, ("1.0", 12), ("1.0", 4))
    telemetry = world({("db", "latency_p99"): 900})
    telemetry.put("db", "database_connections", [(t, 0.88 if t < BEGAN else 1.0) for t in TIMES])
    top = look(telemetry, repo, [Applied(wider, BEGAN - 20_000)], incident("db")).top
    assert (top.kind, top.component, top.commit) == (CauseKind.CONFIG, "checkout", wider)
    assert any(e.metric == "database_connections" for e in top.evidence)
    for applied in (Applied(narrower, BEGAN - 20_000), Applied(wider, BEGAN - 400_000)):
        assert look(telemetry, repo, [applied], incident("db")).top is None
    telemetry.put("db", "database_connections", [(t, 0.88 if t < BEGAN else 0.93) for t in TIMES])
    assert look(telemetry, repo, [Applied(wider, BEGAN - 20_000)], incident("db")).top is None
