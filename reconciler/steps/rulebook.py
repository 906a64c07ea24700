"""Rulebook: the documents of one revision, ready to use. `rulebooks` reads and keeps them.

In: a document set. Out: installation, policy set, quorum, playbooks, sensors, objectives, calendars, capacities and the Trust
state as converge needs it, or Misconfigured with the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.converge.trust import Trust, TrustKey, TrustPrincipal
from reconciler.converge.units import UnitIndex
from reconciler.documents.calendar import Calendar
from reconciler.documents.capacity import Capacity
from reconciler.documents.health_rule import HealthRule
from reconciler.documents.installation import Installation
from reconciler.documents.loader import Loaded
from reconciler.documents.objective import Objective
from reconciler.documents.people import People
from reconciler.documents.playbook import Playbook
from reconciler.documents.quorum import Quorum
from reconciler.documents.sensor import Sensor
from reconciler.documents.tree import DocumentSet
from reconciler.errors import Misconfigured
from reconciler.model.keys import parse_public
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.proposals import Ready, ready
from reconciler.settings import INSTALLATION


@dataclass(frozen=True)
class Rulebook:
    """Everything that documents say at one revision."""

    installation: Installation
    index: UnitIndex
    policy: PolicySet
    quorum: Quorum
    quorum_place: str
    playbooks: tuple[Ready, ...]
    sensors: tuple[Sensor, ...]
    objectives: tuple[Objective, ...]
    calendars: tuple[Calendar, ...]
    capacities: tuple[Capacity, ...]
    health: tuple[Loaded[HealthRule], ...]

    @property
    def people(self) -> People:
        return self.policy.people

    @property
    def units(self) -> Mapping[str, str]:
        """Unit to folder."""
        return {unit.name: unit.path for unit in self.installation.spec.units}


def rulebook(documents: DocumentSet) -> Rulebook:
    """The parts of one document set."""
    installation = documents.one(Installation)
    if installation is None:
        raise Misconfigured("there has to be exactly one Installation", where=INSTALLATION)
    quorum = documents.one(Quorum)
    if quorum is None:
        raise Misconfigured(
            "there has to be exactly one Quorum", where="policies", next_step="copy policies/quorum.yaml from the template"
        )
    return Rulebook(
        installation=installation.document,
        index=UnitIndex.of(installation.document.spec.units, installation.document.spec.targets),
        policy=policy_set(documents),
        quorum=quorum.document,
        quorum_place=quorum.at("spec"),
        playbooks=tuple(ready(loaded) for loaded in documents.of(Playbook)),
        sensors=tuple(loaded.document for loaded in documents.of(Sensor)),
        objectives=tuple(loaded.document for loaded in documents.of(Objective)),
        calendars=tuple(loaded.document for loaded in documents.of(Calendar)),
        capacities=tuple(loaded.document for loaded in documents.of(Capacity)),
        health=documents.of(HealthRule),
    )


def converge_trust(people: People, machine: tuple[bytes, ...]) -> Trust:
    """The Trust state as admissions need it. `machine` are the author keys that init pinned; documents add and revoke."""
    principals = tuple(
        TrustPrincipal(p.name, p.emails, tuple(TrustKey(parse_public(k.public).raw, k.revoked_at) for k in p.keys))
        for p in people.principals
    )
    known = {raw: TrustKey(raw) for raw in machine}
    for key in people.machine:
        if key.role == "author":
            raw = parse_public(key.public).raw
            known[raw] = TrustKey(raw, key.revoked_at)
    return Trust(people.enforce, principals, tuple(known.values()))
