"""Objective documents: the guide's example loads, and what cannot be meant is refused at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.documents import check, load_tree
from reconciler.documents.objective import Objective
from reconciler.documents.schemas import violations

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "sensing.md"
EXAMPLE = next(block for block in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "kind: Objective" in block)


def test_the_guides_example_is_an_objective_of_thirty_days():
    (item,) = load_tree({"sensors/promise.yaml": EXAMPLE.encode()}).of(Objective)
    assert violations(item) == ()
    assert item.document.spec.window_ms == 30 * 86_400_000


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("target: 0.999", "target: 1", "less than or equal to 0.99999"),
        ("target: 0.999", "target: 0.1", "greater than or equal to 0.5"),
        ("components: [checkout]", "components: []", "at least 1"),
        ("windowMs: 2592000000", "windowMs: 1000", "greater than or equal to 86400000"),
        ("    ratio:", "    threshold: {metric: latency_p99, above: 5}\n    ratio:", "exactly one of ratio and threshold"),
        ("requests_total{outcome=succeeded}", "requests_total{outcome", "should match pattern"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(before: str, after: str, said: str):
    assert before in EXAMPLE
    (problem,) = check(EXAMPLE.replace(before, after).encode(), "sensors/promise.yaml")
    assert said in problem.message
    assert re.match(r"sensors/promise.yaml:\d+:\d+", problem.where)
