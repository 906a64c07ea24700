"""Rulebook: the documents of one revision, ready to use, and cached by the trees they were read from.

In: a commit. Out: installation, policy set, quorum, playbooks, sensors, objectives, calendars and the Trust state
as converge needs it. A revision whose documents do not load raises Misconfigured with the place; callers fail closed: judges
deny, converge keeps the last good revision. An unrelated commit costs a few tree look-ups and no parsing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.converge.trust import Trust, TrustKey, TrustPrincipal
from reconciler.converge.units import UnitIndex
from reconciler.documents.calendar import Calendar
from reconciler.documents.health_rule import HealthRule
from reconciler.documents.installation import Installation
from reconciler.documents.loader import Loaded
from reconciler.documents.objective import Objective
from reconciler.documents.people import People
from reconciler.documents.playbook import Playbook
from reconciler.documents.quorum import Quorum
from reconciler.documents.sensor import Sensor
from reconciler.documents.tree import DocumentSet, document_paths, load_tree
from reconciler.errors import Misconfigured
from reconciler.model.keys import parse_public
from reconciler.policy.bench import touched_rules
from reconciler.policy.facts import Facts
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.ports.repo import Repo
from reconciler.proposals import Ready, ready
from reconciler.settings import INSTALLATION

FOLDERS = ("policies", "playbooks", "sensors", "health")
LOOK_BACK = 100  # commits: how far behind broken documents the last good ones are looked for
KEPT = 8  # revisions whose documents stay in memory: base, head and a few pull requests


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
    health: tuple[Loaded[HealthRule], ...]

    @property
    def people(self) -> People:
        return self.policy.people

    @property
    def units(self) -> Mapping[str, str]:
        """Unit to folder."""
        return {unit.name: unit.path for unit in self.installation.spec.units}


class Rulebooks:
    """Rulebooks by revision."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._kept: OrderedDict[tuple[str | None, ...], Rulebook] = OrderedDict()

    def at(self, commit: str) -> Rulebook:
        """The rules of a commit, or Misconfigured for the first thing that is wrong with them."""
        trees = (*(self._repo.tree(commit, folder) for folder in FOLDERS), self._root_file(commit))
        if trees not in self._kept:
            self._kept[trees] = rulebook(self._documents(commit))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(trees)
        return self._kept[trees]

    def after(self, head: str, facts: Facts) -> PolicySet | None:
        """The rules as an edit that touches them would leave them; None when it touches none, and when they would not load."""
        if not touched_rules(facts):
            return None
        try:
            return self.at(head).policy
        except Misconfigured:
            return None

    def standing(self, commit: str) -> Rulebook:
        """The rules of a commit, or of its newest ancestor whose documents load.

        For who people are and where things run, never for what may merge: otherwise one broken file would lock out
        those who could repair it, and stop the next start. Falling back only trusts whom people already trusted.
        """
        for info in self._repo.history(commit, limit=LOOK_BACK):
            try:
                return self.at(info.id)
            except Misconfigured:
                continue
        raise Misconfigured(
            f"no documents load at or before {commit[:12]}", where=INSTALLATION, next_step="homeostat policy check"
        )

    def _root_file(self, commit: str) -> str:
        data = self._repo.read(commit, INSTALLATION)
        return "" if data is None else data.decode("utf-8", "replace")

    def _documents(self, commit: str) -> DocumentSet:
        files: dict[str, bytes] = {}
        for folder in FOLDERS:
            if self._repo.tree(commit, folder) is None:
                continue
            found = self._repo.files(commit, folder)
            for path in document_paths(found):
                files[path] = self._repo.blob(found[path])
        data = self._repo.read(commit, INSTALLATION)
        if data is None:
            raise Misconfigured(
                f"commit {commit[:12]} has no {INSTALLATION}", where=INSTALLATION, next_step="homeostat init makes one"
            )
        return load_tree({**files, INSTALLATION: data})


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
