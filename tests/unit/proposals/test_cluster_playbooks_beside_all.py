"""Each cluster playbook is the one that is reached: for what it is for, with every default playbook there, it proposes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.documents.loader import load_one
from reconciler.documents.playbook import Playbook
from reconciler.documents.playbook_cases import GivenTrouble, PlaybookCases
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Topology
from reconciler.model.troubles import TroubleKind
from reconciler.proposals import Situation, propose, ready
from reconciler.proposals.rehearsal import AFTER, BEFORE, NOW_MS, Measured, Rehearsed

LIBRARY = Path(__file__).parents[3] / "playbooks"
ALL = [
    ready(load_one(path.read_bytes(), path.name, Playbook))
    for path in sorted(LIBRARY.glob("*.yaml"))
    if not path.name.endswith(".cases.yaml")
]
CLUSTER = [made.name for made in ALL if made.name.startswith("cluster-")]


def first(name: str) -> GivenTrouble:
    """What the playbook is for: the plain case that its own cases begin with."""
    text = (LIBRARY / f"{name}.cases.yaml").read_bytes()
    return load_one(text, name, PlaybookCases).document.spec.cases[0].given


def situation(given: GivenTrouble, repo: Rehearsed) -> Situation:
    suspect = repo.tip if given.suspect else ""
    trouble = given.trouble.value if given.trouble else ""
    contested = tuple((field.path, field.manager) for field in given.contested)
    cause = Cause(given.cause, given.component, "0.9", suspect, (), trouble, given.object, given.container, given.unit, contested)
    return Situation(
        incident=Incident("case", "group", "infra", "prod", NOW_MS, given.severity, (given.component,), ()),
        diagnosis=Diagnosis("case", NOW_MS, repo.tip, (cause,), BEFORE, AFTER, ""),
        revision=repo.tip,
        units={"shop": "apps/shop"},
        topology=Topology((), ()),
        now_ms=NOW_MS,
    )


@pytest.mark.parametrize("name", CLUSTER)
def test_for_what_it_is_for_a_playbook_proposes_before_all_others(name: str) -> None:
    given = first(name)
    repo = Rehearsed((*given.history, given.files), machine=False)
    assert propose(situation(given, repo), ALL, repo, Measured(given)).best.proposal.playbook == name


@pytest.mark.parametrize("trouble", sorted(TroubleKind))
@pytest.mark.parametrize("cause", [CauseKind.RELEASE, CauseKind.CONFIG, CauseKind.WORKLOAD])
def test_what_was_made_for_the_metrics_of_services_touches_nothing_that_a_cluster_names(
    trouble: TroubleKind, cause: CauseKind
) -> None:
    given = first("cluster-image-missing").model_copy(update={"trouble": trouble, "cause": cause, "suspect": cause != "workload"})
    repo = Rehearsed((*given.history, given.files), machine=False)
    proposed = propose(situation(given, repo), ALL, repo, Measured(given))
    assert {c.proposal.playbook for c in proposed.candidates if c.files} <= set(CLUSTER)


def test_there_are_playbooks_for_at_least_fifteen_failures() -> None:
    assert len({first(name).trouble for name in CLUSTER}) >= 15
