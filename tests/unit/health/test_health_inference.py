"""Inference: what an object of an unknown kind says about itself."""

import pytest

from reconciler.health import HealthBook
from reconciler.health.words import Tone, prose, tone

BOOK = HealthBook(library=False)


def thing(status=None, **spec):
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"generation": 1}, "spec": spec, "status": status}


def said(name, status, reason="", message="", **more):
    return {"conditions": [{"type": name, "status": status, "reason": reason, "message": message, **more}]}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (said("Ready", "True"), "healthy"),
        (said("Ready", "Unknown"), "progressing"),
        (said("Ready", "False"), "progressing"),
        (said("Ready", "False", "NotReadyYet"), "progressing"),
        (said("Ready", "False", "Creating"), "progressing"),
        (said("Ready", "False", "CreateFailed"), "degraded"),
        (said("Ready", "False", "Applying", "Error: checksum mismatch"), "degraded"),
        (said("Ready", "False", "Stopped"), "suspended"),
        (said("Ready", "True", observedGeneration=0), "progressing"),
        (said("Ready", True), "healthy"),
        (said("NoErrors", "True"), "healthy"),
        (said("NoErrors", "False"), "progressing"),
        (said("NotFailed", "True"), "healthy"),
        ({"phase": "un-ready"}, "progressing"),
        (said("Degraded", "True"), "degraded"),
        (said("Stalled", "True"), "degraded"),
        (said("Reconciling", "True"), "progressing"),
        (said("Progressing", "False", "ProgressDeadlineExceeded"), "degraded"),
        (said("Suspended", "True"), "suspended"),
        (said("DashboardSynchronized", "False", "ApplyFailed"), "degraded"),
        (said("Launched", "True"), "unknown"),
        (said("FooIsBar", "False"), "unknown"),
        ({"phase": "Running"}, "healthy"),
        ({"phase": "UpdateFailed"}, "degraded"),
        ({"PostgresClusterStatus": "Updating"}, "progressing"),
        ({"state": "paused"}, "suspended"),
        ({"phase": "Zorp"}, "unknown"),
        ({"state": "All pods are ready"}, "healthy"),
        ({"state": "Another queue of this name already exists"}, "unknown"),
        ({"health": "red", "phase": "Ready"}, "degraded"),
        ({"ready": False}, "progressing"),
        ({"ready": True}, "healthy"),
        ({"errorMessage": "no route"}, "degraded"),
        ({"phase": "Running", "lastOperation": {"state": "Error"}}, "degraded"),
        ({"phase": "Running", "brokers": {"0": {"action": {"errorMessage": "x"}}}}, "degraded"),
        ({"phase": "Running", "parts": [{"health": "Unhealthy"}]}, "degraded"),
        ({"phase": "Running", "history": [{"state": "Failed"}]}, "healthy"),
        ({"operation": {"state": "Succeeded"}}, "unknown"),
        ({}, "progressing"),
        (None, "progressing"),
        ({"seen": "yes"}, "unknown"),
        ({"conditions": []}, "progressing"),
        ({"state": None, "observedGeneration": 1}, "progressing"),
        ({"observedGeneration": "0", "phase": "Running"}, "progressing"),
        ({"observedGeneration": "1", "phase": "Running"}, "healthy"),
        (said("Ready", "Unknown", "PartialTriggerError"), "degraded"),
        (said("Ready", "True", "", "failed to reach the API"), "progressing"),
        (said("Orphan", "True"), "degraded"),
        (said("Fallback", "False", "NoFallbackFound"), "unknown"),
        ({"errorDescription": "no route"}, "degraded"),
        ({"error": "None"}, "unknown"),
        ({"errors": 2}, "degraded"),
        ({"failedNodes": ["a"]}, "degraded"),
        ({"failedNodes": [], "unhealthyReplicas": 0}, "progressing"),
        ({"nodesFailed": 1, **said("Ready", "True")}, "progressing"),
        ({"failed": 1, **said("Complete", "True")}, "healthy"),
        ({"failedAt": 1, "failureDomains": {"a": {"usable": True}}, "phase": "Running"}, "healthy"),
        ({"errors": 2, **said("Ready", "True")}, "progressing"),
        ({"errors": 2, **said("Complete", "True")}, "healthy"),
        ({"lastErrors": ["no route"], "phase": "Running"}, "progressing"),
        ({"x" * 200 + "Phase": "Failed"}, "unknown"),
        ({"lastError": "no route", "phase": "Running"}, "progressing"),
        ({"degraded": True}, "degraded"),
        ({"paused": True}, "suspended"),
        ({"upgraded": False, "phase": "Running"}, "progressing"),
        ({"isUpgraded": False, "phase": "Running"}, "progressing"),
        ({"syncFailed": True, "phase": "Running"}, "degraded"),
        ({"failFast": True, "phase": "Running"}, "healthy"),
        ({"tlsDisabled": True, "backupConfigured": False, "phase": "Running"}, "healthy"),
        ({"active": False, "phase": "Running"}, "healthy"),
        ({"ready": "False"}, "progressing"),
        ({"ready": "1/3"}, "progressing"),
        ({"ready": "3/3"}, "healthy"),
        ({"readyMembers": 1, "members": 3, "phase": "Running"}, "progressing"),
        ({"racks": {"a": {"readyMembers": 1, "members": 3}}}, "progressing"),
        ({"currentHealthy": 1, "desiredHealthy": 2}, "progressing"),
        ({"compliant": "NonCompliant"}, "degraded"),
        ({"robustness": "faulted", "state": "attached"}, "degraded"),
        ({"defaultPolicy": "Deny", "phase": "Running"}, "healthy"),
        ({"phase": "Running", "reason": "SyncFailed"}, "degraded"),
        ({"phase": "Running", "message": "cannot reach the API"}, "degraded"),
        ({"message": "cannot reach the API", **said("Ready", "True")}, "progressing"),
        ({"status": "could not sync: " + "x" * 200}, "degraded"),
        ({"phase": "Running", "parts": [{"reason": "SyncFailed"}]}, "degraded"),
        ({"phase": "Running", "streamStatus": "Enabled", "part": {"streamStatus": "stopped"}}, "healthy"),
        ({"phase": "Running", "part": said("Degraded", "True")}, "degraded"),
        ({"part": said("Ready", "True")}, "unknown"),
        ({"thingState": {"phase": "Running"}}, "healthy"),
        ({"otherState": {"phase": "Running"}}, "unknown"),
        ({"otherState": {"phase": "Failed"}}, "degraded"),
        ({"unavailableNodes": 1, "phase": "Running"}, "progressing"),
        ({"notReadyNodes": 1, "phase": "Running"}, "progressing"),
        ({"unavailableAllowed": 1, "phase": "Running"}, "healthy"),
        ({"summary": {"failed": 1}, "phase": "Running"}, "progressing"),
    ],
)
def test_a_status_says(status, state):
    assert BOOK.judge(thing(status, size=1)).state == state


def test_fewer_replicas_than_wanted_are_progress():
    assert BOOK.judge(thing({"phase": "Running", "readyReplicas": 1}, replicas=2)).state == "progressing"
    assert BOOK.judge(thing({"phase": "Running", "readyReplicas": 2}, replicas=2)).state == "healthy"
    assert BOOK.judge(thing({"phase": "Running", "unavailableReplicas": 1})).state == "progressing"


def test_a_suspended_spec_is_suspended_and_still_degraded_when_it_failed():
    assert BOOK.judge(thing(said("Ready", "True"), suspend=True)).state == "suspended"
    assert BOOK.judge(thing(said("Ready", "False", "Failed"), suspend=True)).state == "degraded"


def test_what_its_operator_was_told_to_leave_alone_is_suspended():
    assert BOOK.judge(thing(said("Ready", "True"), managementState="Unmanaged")).state == "suspended"
    assert BOOK.judge(thing(said("Ready", "False", "Failed"), managementState="unmanaged")).state == "degraded"
    assert BOOK.judge(thing(said("Ready", "True"), managementState="Managed")).state == "healthy"


def test_one_bad_word_outweighs_every_good_one():
    status = {
        "phase": "Running",
        "conditions": [*said("Ready", "True")["conditions"], *said("Synced", "False", "Error")["conditions"]],
    }
    assert BOOK.judge(thing(status)).state == "degraded"


def test_a_lesser_condition_that_is_false_without_failure_does_not_outweigh_ready():
    status = {"conditions": [*said("Ready", "True")["conditions"], *said("ScalerActive", "False", "NotActive")["conditions"]]}
    assert BOOK.judge(thing(status)).state == "healthy"


@pytest.mark.parametrize(
    ("name", "status", "state"),
    [("Programmed", "False", "progressing"), ("Programmed", "Unknown", "healthy"), ("AutoscalingEnabled", "False", "healthy")],
)
def test_beside_ready_a_lesser_condition_that_is_false_is_a_doubt_unless_it_is_a_switch(name, status, state):
    conditions = [*said("Ready", "True")["conditions"], *said(name, status)["conditions"]]
    assert BOOK.judge(thing({"conditions": conditions})).state == state


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, "healthy"),
        ({"status": {}}, "progressing"),
        ({"status": {"conditions": []}}, "progressing"),
        ({"status": {"seen": "yes"}}, "unknown"),
        ({"status": said("Zorped", "True")}, "unknown"),
        ({"status": said("Zorped", "False", "Zap")}, "unknown"),
        ({"status": said("Zorped", "False")}, "healthy"),
    ],
)
def test_an_object_without_a_spec_is_healthy_only_where_nothing_is_left_to_understand(parts, state):
    live = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {}, **parts}
    assert BOOK.judge(live).state == state


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({"rules": [{"verbs": ["get"]}], "reclaimPolicy": "Delete"}, "healthy"),
        ({"data": {"state": "Failed"}}, "healthy"),
        ({"state": "ready"}, "healthy"),
        ({"state": "Failed"}, "degraded"),
        ({"parts": [{"state": "Failed"}]}, "degraded"),
        ({"summary": {"failed": 2}}, "progressing"),
    ],
)
def test_an_object_without_spec_and_status_may_tell_of_itself(parts, state):
    assert BOOK.judge({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {}, **parts}).state == state


def test_conditions_of_every_parent_count():
    parents = {"parents": [said("Accepted", "True"), said("Accepted", "False", "NotAllowedByListeners")]}
    assert BOOK.judge(thing(parents)).state == "degraded"


def test_a_label_that_tells_of_failure_counts_and_a_good_one_does_not():
    live = thing({"phase": "Running"})
    live["metadata"]["labels"] = {"example.org/result-state": "failed"}
    assert BOOK.judge(live).state == "degraded"
    new = thing({"seen": "yes"})
    new["metadata"]["labels"] = {"example.org/state": "healthy"}
    assert BOOK.judge(new).state == "unknown"


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (None, "a map"),
        ([], "a map"),
        ({"kind": "Thing"}, "no apiVersion"),
        ({"apiVersion": "v1", "kind": "Thing", "status": []}, "status is list"),
        ({"apiVersion": "v1", "kind": "Thing", "status": {"conditions": {}}}, "not a list"),
        ({"apiVersion": "v1", "kind": "Thing", "status": {"conditions": ["Ready"]}}, "no condition"),
        ({"apiVersion": "v1", "kind": "Thing", "status": {"conditions": [{"type": "Ready"}] * 1_000}}, "more than 200"),
    ],
)
def test_what_cannot_be_read_is_unknown_with_the_reason(live, words):
    found = BOOK.judge(live)
    assert (found.state, words in found.message) == ("unknown", True)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("UpdateFailed", Tone.BAD),
        ("SUBMISSION_FAILED", Tone.BAD),
        ("NoErrors", Tone.GOOD),
        ("NotReady", Tone.BUSY),
        ("SecretNotFound", Tone.BAD),
        ("InProgress", Tone.BUSY),
        ("ArchivingSuccess", Tone.GOOD),
        ("WaitingForReady", Tone.BUSY),
        ("PipelinePaused", Tone.PAUSED),
        ("Zorp", Tone.NONE),
        ("x" * 1_000, Tone.NONE),
    ],
)
def test_the_tone_of_a_word(word, expected):
    assert tone(word) is expected


def test_prose_tells_of_failure_or_nothing():
    assert prose("cannot reach the API: connection refused") is Tone.BAD
    assert prose("reconciled without errors") is Tone.NONE


def part(status="True", reason="Done"):
    return said("Available", status, reason)


def test_the_last_of_hundreds_of_parts_is_not_hidden_by_those_before_it():
    manifests = [part()] * 300
    assert BOOK.judge(thing({**said("Ready", "True"), "manifests": manifests})).state == "healthy"
    spoilt = {**said("Ready", "True"), "manifests": [*manifests, part("False", "ApplyFailed")]}
    assert BOOK.judge(thing(spoilt)).state == "degraded"


@pytest.mark.parametrize("listed", [True, False])
def test_the_last_node_of_a_large_cluster_is_looked_at(listed):
    nodes = [{"name": f"n{n}", "ip": "10.0.0.1", "zone": "z", "state": "ready"} for n in range(500)]
    for last, state in (("ready", "healthy"), ("failed", "degraded")):
        held = [*nodes, {"name": "n500", "state": last}]
        found = held if listed else {node["name"]: {"state": node["state"]} for node in held}
        assert BOOK.judge(thing({"phase": "Ready", "nodes": found})).state == state


def test_of_more_parts_than_are_looked_at_nobody_knows_how_they_are():
    judged = BOOK.judge(thing({"manifests": [part()] * 2_001}))
    assert (judged.state, judged.message) == (
        "progressing",
        "Healthy is Unknown: status.manifests has more conditions than are read",
    )


def test_a_status_may_be_as_deep_as_it_likes():
    status = {"state": "failed"}
    for _ in range(900):
        status = {"a": status, "b": [{}]}
    assert BOOK.judge(thing({"phase": "Ready", **status})).state == "healthy"


@pytest.mark.parametrize("name", ["elasticsearch", "goldNodes", "placeholder"])
def test_a_name_with_last_or_old_inside_a_word_is_not_of_the_past(name):
    assert BOOK.judge(thing({"phase": "Ready", name: {"state": "failed"}})).state == "degraded"


@pytest.mark.parametrize("name", ["lastRun", "previousState", "oldPods", "snapshots", "runHistory", "LASTRUN"])
def test_what_was_is_no_failure_of_what_is(name):
    assert BOOK.judge(thing({"phase": "Ready", "parts": {name: {"state": "failed"}}})).state == "healthy"
