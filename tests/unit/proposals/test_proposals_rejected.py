"""What a person said no to is not proposed again for a while; the next playbook or cause is, and is no surer for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.documents.loader import load_one
from reconciler.documents.playbook import Playbook
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.signals import Incident, Severity
from reconciler.model.telemetry import Topology
from reconciler.ports.repo import Identity
from reconciler.proposals import Proposed, Ready, Rejection, Situation, memory, propose, ready
from reconciler.testing.telemetry import MemoryTelemetry

FILE = "apps/shop/checkout.yaml"
MANIFEST = b"apiVersion: lab.homeostat/v1\nkind: Service\nmetadata: {name: checkout}\nspec:\n  replicas: 3\n  workers: 4\n"
NOON_MS = 1_772_452_800_000  # 2026-03-02T12:00:00Z
DAY_MS = 86_400_000


def playbook(name: str, field: str, value: int, when: str = "true") -> Ready:
    text = f"""apiVersion: homeostat/v1
kind: Playbook
metadata: {{name: {name}}}
spec:
  when: "{when}"
  impact: low
  irreversibility: reversible
  steps: [{{edit: set, object: Service, field: [spec, {field}], value: {value}}}]
  expect: {{checks: [{{metric: error_rate, below: "0.02"}}]}}
"""
    return ready(load_one(text.encode(), f"playbooks/{name}.yaml", Playbook))


PLAYBOOKS = (playbook("more-replicas", "replicas", 4), playbook("more-workers", "workers", 8))
FOR_LOAD = playbook("for-load", "workers", 8, "cause == 'load'")


class Site:
    """A repository with one service, and an incident of too much load."""

    def __init__(self, folder: Path) -> None:
        pygit2.init_repository(str(folder), bare=True, initial_head="main")
        self.repo = PygitRepo(folder)
        self.tip = ""
        self.write(MANIFEST)

    def write(self, manifest: bytes) -> None:
        self.tip = self.repo.write(self.tip, {FILE: manifest}, "An edit\n", Identity("Ada", "ada@example.org"), 1_000, None)

    def situation(self) -> Situation:
        incident = Incident("inc-2", "group-1", "infra", "lab", 250, Severity.CRITICAL, ("checkout",), ())
        cause = Cause(CauseKind.LOAD, "checkout", "0.9", "", ())
        diagnosis = Diagnosis("inc-2", 300, self.tip, (cause,), (0, 100), (200, 300), "found")
        return Situation(incident, diagnosis, self.tip, {"shop": "apps/shop"}, Topology(("checkout",), ()), NOON_MS)

    def propose(self, rejected: dict[str, Rejection]) -> Proposed:
        return propose(replace(self.situation(), rejected=rejected), PLAYBOOKS, self.repo, MemoryTelemetry(()))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "repo.git")


def no_to(proposed: Proposed, name: str) -> dict[str, Rejection]:
    """Ada's no to what a playbook proposed, an hour ago."""
    said = Rejection("ada", 7, NOON_MS - 3_600_000, NOON_MS - 3_600_000 + DAY_MS)
    (found,) = (c.proposal for c in proposed.candidates if c.proposal.playbook == name)
    return dict.fromkeys(memory(found), said)


def test_a_rejected_edit_makes_room_for_the_next_playbook_and_says_who_rejected_it_and_until_when(site: Site) -> None:
    first = site.propose({})
    assert [c.proposal.playbook for c in first.candidates] == ["more-replicas", "more-workers", "page"]
    again = site.propose(no_to(first, "more-replicas"))
    assert [c.proposal.playbook for c in again.candidates] == ["more-workers", "page"]
    (refusal,) = again.refusals
    assert (refusal.playbook, refusal.reason, refusal.where) == ("more-replicas", "rejected", f"{FILE}:1:1")
    assert refusal.detail == (
        "checkout: replicas 3 -> 4: ada rejected it at 2026-03-02T11:00:00Z (pull request 7); "
        "it is not proposed again before 2026-03-03T11:00:00Z"
    )


def test_the_same_edit_of_a_file_that_has_otherwise_moved_on_is_rejected_too(site: Site) -> None:
    noes = no_to(site.propose({}), "more-replicas")
    site.write(b"# Checkout\n" + MANIFEST)
    assert site.propose(noes).best.proposal.playbook == "more-workers"


def test_another_edit_of_the_same_field_is_another_question(site: Site) -> None:
    noes = no_to(site.propose({}), "more-replicas")
    site.write(MANIFEST.replace(b"replicas: 3", b"replicas: 2"))
    assert site.propose(noes).best.proposal.playbook == "more-replicas"


def test_a_repair_of_a_later_cause_is_never_surer_than_the_first_cause_it_gives_way_to(site: Site) -> None:
    first, later = (
        Cause(kind, "checkout", sure, "", ()) for kind, sure in ((CauseKind.RELEASE, "0.59"), (CauseKind.LOAD, "0.8"))
    )
    situation = site.situation()
    diagnosis = replace(situation.diagnosis, causes=(first, later))
    found = propose(replace(situation, diagnosis=diagnosis), (PLAYBOOKS[0], FOR_LOAD), site.repo, MemoryTelemetry(()))
    assert [(c.proposal.cause, c.proposal.confidence) for c in found.candidates[:2]] == [("release", "0.59"), ("load", "0.59")]
