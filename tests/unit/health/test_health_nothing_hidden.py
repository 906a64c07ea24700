"""No rule and no inference calls healthy what says in one place that it failed: each healthy case, spoilt in one place."""

import copy
from pathlib import Path

import pytest

from reconciler.documents import load
from reconciler.health import HealthBook, library_files, library_text

BOOKS = (HealthBook(), HealthBook(library=False))
WITHOUT = Path(__file__).with_name("operators_without_rules.cases.yaml")


def healthy():
    texts = [library_text(name.replace(".yaml", ".cases.yaml")) for name in library_files()]
    for text in [*texts, WITHOUT.read_bytes()]:
        for item in load(text, "cases") if text else ():
            yield from (case.object for case in item.document.spec.cases if case.expect == "healthy")


CASES = [(live, [book for book in BOOKS if book.judge(live).state == "healthy"]) for live in healthy()]


def holding(name, value):
    def spoil(status):
        if name not in status:
            status[name] = value
            return True
        return False

    return spoil


def saying(name, status, reason="", message=""):
    def spoil(found):
        conditions = found.setdefault("conditions", [])
        if not isinstance(conditions, list) or any(c.get("type") == name for c in conditions):
            return False
        conditions.append({"type": name, "status": status, "reason": reason, "message": message})
        return True

    return spoil


SPOILT = {
    "an error": holding("error", "no route to host"),
    "problems": holding("problems", ["no route to host"]),
    "an error that is described": holding("errorDescription", "no route to host"),
    "a reason of failure": holding("reason", "SyncFailed"),
    "a flag": holding("degraded", True),
    "a bad phase": holding("phase", "Failed"),
    "a bad state": holding("state", "ERROR"),
    "bad health": holding("health", {"status": "Degraded"}),
    "compliance": holding("compliant", "NonCompliant"),
    "a part that failed": holding("zorps", [{"name": "a", "state": "Failed"}]),
    "the error of a part": holding("zorps", {"a": {"error": "no route to host"}}),
    "the reason of a part": holding("zorps", [{"reason": "ApplyFailed"}]),
    "a condition of a part": holding("zorps", [{"conditions": [{"type": "Accepted", "status": "False", "reason": "Invalid"}]}]),
    "a condition in a map": holding("zorp", {"conditions": [{"type": "Degraded", "status": "True"}]}),
    "Degraded": saying("Degraded", "True"),
    "something that failed": saying("ZorpFailed", "True"),
    "an orphan": saying("Orphan", "True"),
    "what does not hold": saying("Zorped", "False", "Zap", "could not zorp"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_one_place_that_tells_of_failure_is_enough(how):
    hidden, tried = [], 0
    for live, books in CASES:
        spoilt = copy.deepcopy(live)
        if not SPOILT[how](spoilt.setdefault("status", {})):
            continue
        for found in [book.judge(spoilt) for book in books]:
            tried += 1
            hidden += [(live["apiVersion"], live["kind"], found)] if found.state == "healthy" else []
    assert hidden == []
    assert tried > 500


@pytest.mark.parametrize("status", [{}, {"conditions": []}, {"zorp": "x"}, {"zorps": [{"a": 1}]}])
def test_by_inference_a_status_of_which_nothing_is_understood_is_not_healthy(status):
    for live, _ in CASES:
        spoilt = {**live, "status": status}
        spoilt["metadata"] = {k: v for k, v in live.get("metadata", {}).items() if k != "labels"}
        assert BOOKS[1].judge(spoilt).state != "healthy"
