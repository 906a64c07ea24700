"""Forge: pull requests and their landing. Embedded: Git refs of the bare repository, SQLite only as index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.judging import Verdict
from reconciler.model.pulls import Narrative, PullRequest, Review, Since


@dataclass(frozen=True, slots=True)
class Landed:
    """The result of `land`: `commit` is now the branch tip, or `reason` says which compare failed."""

    ok: bool
    reason: str  # MERGED, BASE_MOVED, HEAD_MOVED, CLOSED, REVIEWED
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something the forge holds does not prove what it claims. It counts nothing; a person has to look."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What it takes to open a pull request. `source` is the branch name to create at `head`."""

    repository: str
    branch: str
    source: str
    base: str
    head: str
    patch: str
    trees: tuple[tuple[str, str], ...]
    author: str
    narrative: Narrative


class Forge(Protocol):
    """Every write is compare-and-swap; opening the same fingerprint twice returns the open one."""

    def open(self, draft: Draft, now_ms: int) -> PullRequest: ...

    def get(self, number: int) -> PullRequest | None: ...

    def list(self, state: str = "") -> Sequence[PullRequest]:
        """Newest first."""
        ...

    def review(self, number: int, review: Review, signature: str) -> PullRequest:
        """Adds one signed review; one for another head than the current is refused (HEAD_MOVED, Permanent)."""
        ...

    def rebuild(self, number: int, base: str, head: str, patch: str, trees: tuple[tuple[str, str], ...]) -> PullRequest:
        """Replaces base and head after the base branch moved; reviews of another edit stop counting."""
        ...

    def show_verdict(self, number: int, verdict: Verdict, record: str) -> PullRequest: ...

    def show_since(self, number: int, since: Since) -> PullRequest:
        """Adds what was seen since to the text of an open one; one that is over stays as it is."""
        ...

    def land(self, pull: PullRequest, by: str) -> Landed:
        """Fast-forwards the base branch from the base of `pull` to exactly its head, deletes the source branch and marks
        the pull request merged, in one ref transaction that compares all of it with `pull` as it was judged: a review
        that was added meanwhile says REVIEWED. Running it again after success says MERGED.
        """
        ...

    def close(self, number: int, note: str) -> PullRequest: ...

    def alarms(self) -> Sequence[Alarm]:
        """What is left out of all answers because it does not prove itself; () also where a forge signs nothing."""
        ...
