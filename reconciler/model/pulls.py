"""PullRequest and Review: what people look at, and what they said about exactly which head."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model.drawings import Graph
from reconciler.model.judging import Requirement


class PullState(enum.StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class ReviewChoice(enum.StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Review:
    """One review by one Trust principal, bound to the head they saw (and so to its patch and trees)."""

    principal: str
    choice: ReviewChoice
    head: str
    patch: str
    trees: tuple[tuple[str, str], ...]
    channel: str  # "cli", "page", "forge"
    made_ms: int
    text: str = ""
    landing: bool = False  # the person asks for the merge, not only approves: then it is a person's merge


@dataclass(frozen=True, slots=True)
class Since:
    """What was seen after the repair was chosen, in a sentence. Nothing is decided by it."""

    text: str
    doubts: bool  # it names another cause than the one by which the repair was chosen


@dataclass(frozen=True, slots=True)
class Narrative:
    """What the pull request says, as typed sections made by `changes.describe` and shown the same way everywhere."""

    title: str
    what_happened: str
    evidence: tuple[str, ...]
    edit_in_words: tuple[str, ...]
    predicted: str
    blast_radius: str
    undo: str
    incident: str
    playbook: str
    fingerprint: str
    seen: tuple[str, ...] = ()  # what was like it before, and what runbooks say
    explained: str = ""  # what the analysis of all metrics says, in a paragraph
    graph: Graph | None = None  # who calls whom around its likeliest cause
    since: Since | None = None  # what a second look saw; all else was known when the repair was chosen


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the forge holds it. `verdict` points into the log ("" until judged)."""

    number: int
    repository: str
    branch: str  # the base branch
    source: str  # the branch that holds the head
    base: str
    head: str
    patch: str
    trees: tuple[tuple[str, str], ...]
    state: PullState
    author: str  # principal
    narrative: Narrative
    opened_ms: int
    reviews: tuple[Review, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    effect: str = ""  # the last verdict's Effect
    reason: str = ""
    verdict: str = ""  # record id of the last verdict
    merged: str = ""  # the commit that landed
    merged_by: str = ""
    note: str = ""  # why it was closed
