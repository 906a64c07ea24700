"""Office: what people need who stop the machine or undo what it did: Git, the log, the outbox, and who they are.

The part of the World that a command waits for: it needs no target, no telemetry and no document besides Trust, so that a
brake is on while a controller would still be starting. Opened alone by `bootstrap.office`; every World is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.audit.log import Log
from reconciler.audit.view import LogView
from reconciler.converge.trust import RecordedVerdict
from reconciler.documents.people import People
from reconciler.model.judging import Effect
from reconciler.model.records import Record
from reconciler.ports.clock import Clock
from reconciler.ports.repo import Repo
from reconciler.ports.signing import Signer
from reconciler.ports.store import Store
from reconciler.steps.rulebooks import Rulebooks

if TYPE_CHECKING:
    from reconciler.steps.rulebook import Rulebook


@dataclass(frozen=True)
class Office:
    """One installation as people's stops see it."""

    repository: str
    branch: str
    root: str  # the pinned first revision
    clock: Clock
    repo: Repo
    store: Store
    author: Signer
    log: Log
    ledger: LogView
    rules: Rulebooks

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def head(self) -> str:
        """The protected branch's tip; a deleted branch is ""."""
        return self.repo.ref(self.ref) or ""

    def standing(self) -> Rulebook:
        """Who people are and what is named where, also while the tip's documents do not load. Never for what may merge."""
        return self.rules.standing(self.admitted())

    def people(self) -> People:
        """Who people are, by the Trust documents alone."""
        return self.rules.people(self.admitted())

    def admitted(self) -> str:
        """The newest commit of the protected branch that converge admitted: what somebody pushed and nobody signed as Trust
        demands makes no one anything, not even until it is reverted.
        """
        head = self.head()
        known = reversed(self.ledger.facts().admissions)
        present = (commit for commit in known if self.repo.commit(commit) is not None)
        return next((commit for commit in present if not head or self.repo.is_ancestor(commit, head)), self.root)

    def recorded_verdict(self, commit: str) -> RecordedVerdict | None:
        """The newest signed verdict about a commit, when it lets exactly this commit land: a later no takes back a yes."""
        newest = self.ledger.facts().verdict(commit)
        return RecordedVerdict(newest.id, newest.value) if newest and newest.value.effect is Effect.MERGE else None

    def keep(self, *records: Record) -> None:
        """Records of what happened outside any case."""
        if records:
            self.store.keep(records)

    def publish(self) -> None:
        """Everything in the outbox into the signed log, now."""
        while records := self.store.outbox():
            self.log.publish(records)
            self.store.published([r.key for r in records])
