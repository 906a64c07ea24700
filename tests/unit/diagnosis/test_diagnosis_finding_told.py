"""What a target says, ranked with what metrics show."""

import pygit2
import pytest
from test_diagnosis_finding import BEGAN, NOW, SLOW, commit, failing, incident, world
from test_diagnosis_presence_told import said

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied, diagnose
from reconciler.model.diagnosis import Cause, CauseKind, Evidence

TOLD = Evidence("told", "checkout", "crash-loop", "", "", "1", "the target says crash-loop")


@pytest.fixture
def repo(tmp_path):
    pygit2.init_repository(str(tmp_path / "infra.git"), bare=True)
    return PygitRepo(tmp_path / "infra.git")


def cause(kind=CauseKind.WORKLOAD, confidence="0.65", found="", component="checkout"):
    return Cause(kind, component, confidence, found, (TOLD,), "crash-loop", f"Deployment.apps/shop/{component}", "app", "shop")


def look(about, telemetry, repo, told, applied=()):
    return diagnose(about, telemetry, repo, "rev", applied, NOW, told)


def test_it_needs_no_metrics_and_none_are_read(repo):
    telemetry = world()
    failing(telemetry)
    found = look(said(), telemetry, repo, [cause()])
    assert found.top == cause()
    assert "crash-loop" in found.summary
    assert found.window_before[1] == found.window_after[0]
    assert look(said(), telemetry, repo, []).top is None


def test_equal_troubles_of_two_objects_are_no_doubt(repo):
    told = [cause(), cause(component="cart")]
    assert look(said(), world(), repo, told).top is not None
    assert len(look(said(), world(), repo, told).causes) == 2


def test_the_same_release_from_both_sides_is_one_cause_with_both_evidences(repo):
    root = commit(repo, "", "1.4.2", 8)
    release = commit(repo, root, "1.5.0", 8)
    found = look(
        said(beside=True), world(SLOW), repo, [cause(CauseKind.RELEASE, "0.95", release)], [Applied(release, BEGAN - 20_000)]
    )
    assert [c.commit for c in found.causes] == [release]
    assert {"told", "shift"} <= {e.kind for e in found.causes[0].evidence}


def test_metrics_that_are_surer_come_first_and_metrics_that_do_not_say_come_last(repo):
    root = commit(repo, "", "1.4.2", 8)
    release = commit(repo, root, "1.5.0", 8)
    found = look(said(beside=True), world(SLOW), repo, [cause()], [Applied(release, BEGAN - 20_000)])
    assert [c.kind for c in found.causes] == [CauseKind.RELEASE, CauseKind.WORKLOAD]
    assert look(said(beside=True), world(), repo, [cause()]).top == cause()


def test_an_alert_alone_is_diagnosed_by_metrics_as_ever(repo):
    assert look(incident("checkout"), world(), repo, []).top is None


def test_what_a_target_says_is_just_as_sure_as_it_says_whatever_metrics_say_of_such_sums(repo):
    root = commit(repo, "", "1.4.2", 8)
    release = commit(repo, root, "1.5.0", 8)
    told, applied = cause(CauseKind.RELEASE, "0.91", release), [Applied(release, BEGAN - 20_000)]
    assert look(said(beside=True), world(SLOW), repo, [told], applied).top.confidence == "0.91"
