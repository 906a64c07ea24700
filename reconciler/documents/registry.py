"""Every kind of document: its model as a dotted string (nothing is imported before it is asked for) and where it lives.

One explicit dictionary; no kind registers itself, and none can be taken over from outside. `schemas.py` publishes a
JSON Schema for each, and a test fails when a kind here has none.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Final, cast

from reconciler.documents.base import Document

API_VERSION: Final = "homeostat/v1"

KINDS: Final[Mapping[str, str]] = {
    "Installation": "reconciler.documents.installation:Installation",
    "Trust": "reconciler.documents.trust:Trust",
    "MergePolicy": "reconciler.documents.merge_policy:MergePolicy",
    "Limits": "reconciler.documents.limits:Limits",
    "Budget": "reconciler.documents.budget:Budget",
    "Freeze": "reconciler.documents.freeze:Freeze",
    "Maintenance": "reconciler.documents.maintenance:Maintenance",
    "Autonomy": "reconciler.documents.autonomy:Autonomy",
    "Guardrails": "reconciler.documents.guardrails:Guardrails",
    "PolicyCases": "reconciler.documents.policy_cases:PolicyCases",
    "Quorum": "reconciler.documents.quorum:Quorum",
    "Playbook": "reconciler.documents.playbook:Playbook",
    "PlaybookCases": "reconciler.documents.playbook_cases:PlaybookCases",
    "Operation": "reconciler.documents.operation:Operation",
    "Sensor": "reconciler.documents.sensor:Sensor",
    "Objective": "reconciler.documents.objective:Objective",
    "Calendar": "reconciler.documents.calendar:Calendar",
    "Capacity": "reconciler.documents.capacity:Capacity",
    "HealthRule": "reconciler.documents.health_rule:HealthRule",
    "HealthCases": "reconciler.documents.health_rule:HealthCases",
}


@functools.cache
def model(kind: str) -> type[Document]:
    """The model behind a kind that is in KINDS."""
    module, _, name = KINDS[kind].partition(":")
    return cast("type[Document]", getattr(importlib.import_module(module), name))
