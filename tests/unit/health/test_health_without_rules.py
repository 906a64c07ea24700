"""Inference judges many kinds of popular operators right, so that they need no rule: their cases, and that they have none."""

from pathlib import Path

from reconciler.documents import load
from reconciler.health import HealthBook, run_cases
from reconciler.health.facts import read

BOOK = HealthBook()
WHERE = Path(__file__).with_name("operators_without_rules.cases.yaml")
ITEMS = load(WHERE.read_bytes(), WHERE.name)


def test_inference_judges_kinds_without_rules_as_their_operators_mean_it():
    assert [(r.where, r.difference) for item in ITEMS for r in run_cases(BOOK, item) if r.difference] == []


def test_these_kinds_have_no_rule():
    facts = [read(case.object) for item in ITEMS for case in item.document.spec.cases]
    assert [(f.group, f.kind) for f in facts if BOOK.rule_of(f.group, f.kind)] == []
