"""When fewer requests mean that capacity is too much, and when they are a symptom of something else."""

import pygit2
import pytest
from test_diagnosis_finding import NOW, commit, incident, world

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied, diagnose
from reconciler.model.diagnosis import CauseKind
from reconciler.ports.repo import Identity

ADA = Identity("Ada", "ada@example.invalid")
BEGAN = NOW - 660_000
GONE = {("checkout", "request_rate"): 15, ("checkout", "cpu_usage"): 0.15}
EVERYWHERE = {("gateway", "request_rate"): 15, ("gateway", "cpu_usage"): 0.15}


@pytest.fixture
def repo(tmp_path):
    pygit2.init_repository(str(tmp_path / "infra.git"), bare=True)
    return PygitRepo(tmp_path / "infra.git")


def look(repo, shifts, applied=(), began=BEGAN):
    about = incident("checkout", started=began + 10_000)
    return diagnose(about, world(shifts, began=began), repo, "rev", applied, NOW)


def test_load_that_has_gone_is_named_with_what_fell_and_never_with_the_sureness_of_a_proof(repo):
    top = look(repo, GONE).top
    assert (top.kind, top.component, top.confidence, top.commit) == (CauseKind.LOAD, "checkout", "0.82", "")
    assert [(e.kind, e.metric) for e in top.evidence] == [("shift", "request_rate"), ("shift", "cpu_usage"), ("absence", "")]
    assert all(float(e.score) <= -3 for e in top.evidence[:2])


@pytest.mark.parametrize(
    ("more", "less_sure"),
    [(EVERYWHERE, "0.7"), ({("checkout", "cpu_usage"): 0.25}, "0.62")],
    ids=["everything fell at once", "each request costs more than before"],
)
def test_doubt_makes_it_less_sure(repo, more, less_sure):
    assert look(repo, {**GONE, **more}).top.confidence == less_sure


def test_a_fall_of_some_minutes_is_less_sure_than_one_that_lasts(repo):
    assert look(repo, GONE, began=NOW - 400_000).top.confidence == "0.72"


@pytest.mark.parametrize(
    ("shifts", "why"),
    [
        ({**GONE, ("gateway", "error_rate"): 0.3}, "error_rate of gateway rose: it may be a symptom"),
        ({**GONE, ("cart", "latency_p99"): 400}, "latency_p99 of cart rose: it may be a symptom"),
        ({**GONE, ("checkout", "request_rate"): 2}, "next to nothing arrives"),
    ],
)
def test_a_fall_that_may_be_a_symptom_is_unknown_and_says_why(repo, shifts, why):
    found = look(repo, shifts)
    assert found.top is None
    assert why in found.summary


def test_a_dip_is_unknown(repo):
    found = look(repo, GONE, began=NOW - 200_000)
    assert found.top is None
    assert "not for long enough" in found.summary


@pytest.mark.parametrize(
    "shifts",
    [
        {("checkout", "cpu_usage"): 0.1},
        {("checkout", "request_rate"): 15},
        {("checkout", "request_rate"): 40, ("checkout", "cpu_usage"): 0.4},
    ],
    ids=["idle but asked as often", "asked less and as busy", "a little less"],
)
def test_what_did_not_fall_clearly_is_no_fall(repo, shifts):
    assert look(repo, shifts).summary == "unknown: no symptom moved and no memory grows"


@pytest.mark.parametrize("service", ["checkout", "gateway"])
def test_a_commit_on_it_or_on_its_callers_before_the_fall_leaves_it_unknown(repo, service):
    path = f"apps/{service}.yaml"
    root = commit(repo, "", "1.4.2", 8, path)
    text = repo.read(root, path).replace(b"name: checkout", f"name: {service}".encode())
    named = repo.write(root, {path: text}, "m", ADA, NOW, None)
    changed = repo.write(named, {path: text.replace(b"1.4.2", b"1.5.0")}, "m", ADA, NOW, None)
    found = look(repo, GONE, [Applied(changed, BEGAN - 20_000)])
    assert found.top is None
    assert f"changed {service} before" in found.summary
    assert look(repo, GONE, [Applied(changed, BEGAN + 300_000)]).top is not None  # after it: no reason
