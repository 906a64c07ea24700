"""Inference: what many operators write in the same way, although their kinds have no rule."""

import pytest

from reconciler.health import HealthBook
from reconciler.health.words import Tone, tone

BOOK = HealthBook(library=False)


def judged(kind="Thing", conditions=(), **status):
    said = [{"type": name, "status": value, "reason": reason} for name, value, reason in conditions]
    return BOOK.judge(
        {"apiVersion": "example.org/v1", "kind": kind, "spec": {"a": 1}, "status": {"conditions": said, **status}}
    ).state


@pytest.mark.parametrize("kind", ["Backup", "MedusaBackupJob", "Promotion", "PipelineRun", "ComplianceScan", "DataUpload"])
def test_what_runs_to_an_end_is_busy_while_it_runs(kind):
    assert judged(kind, phase="Running") == "progressing"
    assert judged(kind, state={"phase": "Running"}) == "progressing"
    assert judged(kind, phase="Succeeded") == "healthy"
    assert judged(kind, phase="Failed") == "degraded"
    assert judged("Cluster", phase="Running") == "healthy"


@pytest.mark.parametrize("nothing", ["None", "null", "no error", "N/A", ""])
def test_an_error_that_says_that_there_is_none_is_none(nothing):
    assert judged(phase="Running", error=nothing) == "healthy"
    assert judged(phase="Running", parts={"a": {"error": nothing}}) == "healthy"
    assert judged(phase="Running", error="none of the nodes answers") == "degraded"
    assert judged(phase="Running", error={"message": ""}) == "healthy"


def test_a_list_of_problems_is_degraded_and_an_empty_one_says_nothing():
    assert judged(phase="Running", problems=["no secret"]) == "degraded"
    assert judged(phase="Running", problems=[]) == "healthy"


def test_a_flag_that_it_succeeded_counts_and_a_build_that_runs_is_under_way():
    assert judged(succeeded=True) == "healthy"
    assert judged(succeeded=False) == "progressing"
    assert judged(buildstatus="running") == "progressing"
    assert judged(runtimestatus="running") == "healthy"


def test_a_result_that_tells_of_failure_counts_wherever_it_stands():
    assert judged(phase="Done", result="ERROR") == "degraded"
    assert judged(phase="Done", mover={"result": "Failed"}) == "degraded"
    assert judged(phase="Done", result="whatever") == "healthy"
    assert judged(phase="Done", lastBackupResult="Failed") == "healthy"
    assert judged(result="Succeeded") == "unknown"


def test_a_phase_within_the_state_is_as_good_as_one_beside_it():
    assert judged(state={"phase": "Ready"}) == "healthy"
    assert judged(health={"status": "Healthy"}) == "healthy"
    assert judged(state={"phase": "Pending"}) == "progressing"
    assert judged(operation={"state": "Succeeded"}) == "unknown"


def test_progress_that_has_only_started_has_not_arrived():
    ready = ("Ready", "True", "Ready")
    assert judged(conditions=[ready, ("Progressing", "True", "Started")]) == "progressing"
    assert judged(conditions=[ready, ("Progressing", "True", "NewReplicaSetAvailable")]) == "healthy"


def test_a_condition_that_begins_with_what_goes_on_is_busy_while_it_is_true():
    ready = ("Ready", "True", "Ready")
    assert judged(conditions=[ready, ("RollingDeployment", "True", "Waiting")]) == "progressing"
    assert judged(conditions=[ready, ("UpdatingVersion", "False", "AsExpected")]) == "healthy"
    assert judged(conditions=[("Bound", "True", "Bound"), ("PendingRestart", "False", "NoPendingRestart")]) == "healthy"
    assert judged(conditions=[("Bound", "True", "Bound"), ("PendingRestart", "True", "Changed")]) == "progressing"


def test_pods_are_counted_as_replicas_are():
    assert judged(pods=3, readyPods=3, currentPods=3) == "healthy"
    assert judged(pods=3, readyPods=2, currentPods=3) == "progressing"
    assert judged(matchedPods=3, updatedPods=2) == "progressing"


def test_a_snapshot_is_healthy_once_it_may_be_used():
    assert judged(readyToUse=True) == "healthy"
    assert judged(readyToUse=False) == "progressing"
    assert judged(readyToUse=False, error={"message": "no space"}) == "degraded"


def test_what_is_neither_reconciling_nor_stalled_is_healthy():
    reconciling, stalled = ("Reconciling", "False", "Finished"), ("Stalled", "False", "Finished")
    assert judged(conditions=[reconciling, stalled]) == "healthy"
    assert judged(conditions=[reconciling]) == "unknown"
    assert judged(conditions=[("Reconciling", "True", "Applying"), stalled]) == "progressing"
    assert judged(conditions=[reconciling, ("Stalled", "True", "NoToken")]) == "degraded"


def test_what_runs_to_an_end_is_busy_while_a_condition_says_that_it_runs():
    assert judged("CassandraTask", conditions=[("Running", "True", "")]) == "progressing"
    assert judged("CassandraTask", conditions=[("Running", "False", ""), ("Complete", "True", "")]) == "healthy"
    assert judged("Backup", conditions=[("Running", "True", ""), ("Complete", "True", "")]) == "healthy"


def test_a_condition_whose_status_is_a_word_says_that_word():
    assert judged(conditions=[("Install", "Completed", "")]) == "healthy"
    assert judged(conditions=[("Install", "Failed", ""), ("Ready", "True", "")]) == "degraded"
    assert judged(conditions=[("Install", "Whatever", ""), ("Bound", "True", "")]) == "progressing"


def test_a_history_of_phases_under_the_name_of_conditions_is_passed_over():
    live = {"apiVersion": "example.org/v1", "kind": "Thing", "spec": {}, "status": {"phase": "Ready"}}
    live["status"]["conditions"] = [{"status": "Pending"}, {"status": "Ready"}]
    assert BOOK.judge(live).state == "healthy"
    live["status"]["conditions"] = [{"type": 1, "status": "True"}]
    assert BOOK.judge(live).state == "unknown"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ScalingDown", Tone.BUSY),
        ("ScalingUp", Tone.BUSY),
        ("CleaningUp", Tone.BUSY),
        ("CatchingUp", Tone.BUSY),
        ("BringingDown", Tone.BUSY),
        ("ShuttingDown", Tone.BUSY),
        ("ShutDown", Tone.PAUSED),
        ("NodeDown", Tone.BAD),
        ("LinkUp", Tone.GOOD),
        ("runningWorkflow", Tone.BUSY),
        ("AllPodsRunning", Tone.GOOD),
        ("RunningAndReady", Tone.GOOD),
        ("FailoverInProgress", Tone.BUSY),
        ("FailoverFailed", Tone.BAD),
        ("NON-COMPLIANT", Tone.BAD),
        ("COMPLIANT", Tone.GOOD),
        ("Abnormal", Tone.BAD),
        ("CapacityRevoked", Tone.BAD),
        ("Sleeping", Tone.PAUSED),
        ("requested", Tone.BUSY),
        ("unscheduled", Tone.BUSY),
        ("ImagePullBackOff", Tone.BAD),
        ("TimedOut", Tone.BAD),
        ("NoPodsRunning", Tone.BUSY),
        ("Rules not correctly applied", Tone.BUSY),
        ("No changes. Ready", Tone.GOOD),
        ("BrokersReady", Tone.GOOD),
        ("StorageBroken", Tone.BAD),
        ("ClusterVersionSucceeding", Tone.GOOD),
    ],
)
def test_the_tone_of_a_word_that_operators_write(word, expected):
    assert tone(word) is expected
