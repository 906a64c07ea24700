"""Reason: the stable, documented words for every expected outcome. Operators read them; programs match on them.

docs/reference/reasons.md lists each with what it means and what to do; a test fails when one is missing there.
"""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    # general
    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"
    # signals and incidents
    STALE = "stale"  # the present no longer shows what the alert claimed
    DUPLICATE = "duplicate"
    COALESCED = "coalesced"  # joined an open incident
    HELD = "held"  # a hold keeps the machine away
    # proposals
    NO_CAUSE = "no-cause"  # the data does not say
    NO_PLAYBOOK = "no-playbook"
    UNSAFE_EDIT = "unsafe-edit"  # the edit cannot be made without touching other bytes
    NO_CHANGE = "no-change"  # the edit would change nothing
    REMEMBERED = "remembered"  # this patch was reverted before
    COOLING_DOWN = "cooling-down"
    DO_NOTHING = "do-nothing"
    # judging: policy
    ALLOWED = "allowed"
    DENIED = "denied"
    NEEDS_PERSON = "needs-person"
    POLICY_ERROR = "policy-error"
    LIMIT = "limit"
    BUDGET = "budget"
    FROZEN = "frozen"
    MAINTENANCE = "maintenance"
    BRAKED = "braked"
    AUTONOMY = "autonomy"
    BLAST_RADIUS = "blast-radius"
    LOW_CONFIDENCE = "low-confidence"
    IRREVERSIBLE = "irreversible"
    RATE = "rate"
    TRUST = "trust"
    # judging: consensus
    QUORUM_MET = "quorum-met"
    NO_QUORUM = "no-quorum"
    VETO = "veto"
    NO_VOTERS = "no-voters"
    NOT_APPLICABLE = "not-applicable"
    # changes
    MERGED = "merged"
    BASE_MOVED = "base-moved"
    HEAD_MOVED = "head-moved"
    REJECTED = "rejected"
    REVIEWED = "reviewed"  # somebody said something since it was judged
    CLOSED = "closed"
    # converge
    APPLIED = "applied"
    UNVERDICTED = "unverdicted"  # a machine commit without its signed verdict
    NOT_ADMITTED = "not-admitted"  # a person's commit that Trust does not admit
    REWRITTEN = "rewritten"  # the protected branch is not a descendant of the tip that was seen last
    STALE_PLAN = "stale-plan"  # the target holds a newer generation
    EMPTY_RESULT = "empty-result"
    PRUNE_BUDGET = "prune-budget"
    INVALID = "invalid"  # the revision does not load or render
    BLOCKED = "blocked"  # a unit it depends on is not applied
    WAITING = "waiting"  # an earlier wave is not healthy yet, or something still needs what is to be deleted; goes on by itself
    ELSEWHERE = "elsewhere"  # another process of this installation converges the target
    SUSPENDED = "suspended"  # a person suspended the unit: nothing of it is applied, corrected or pruned
    INCOMPLETE = "incomplete"  # a one-shot act was begun, and is over without being done to its end
    DRIFTED = "drifted"
    UNHEALTHY = "unhealthy"
    # verification
    BETTER = "better"
    WORSE = "worse"
    BLIND = "blind"  # telemetry is missing
    REVERTED = "reverted"
    ESCALATED = "escalated"  # a person has to look
