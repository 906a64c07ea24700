"""Recurrence: how often the same cause was found on the same component before, and what helped.

In: the folded log. Out: counts that policy, diagnosis and people are told alike. Only the log is asked, so a lost memory
changes no number. A repair worked when its last outcome was better and nobody has undone it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.audit.facts import Merge
from reconciler.audit.view import Fact, Facts
from reconciler.model.memory import Tried
from reconciler.model.outcomes import OutcomeState

WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Without the incident that asks."""

    times: int
    week: int
    tried: tuple[Tried, ...]  # the playbook that worked most often first

    def worked(self, playbook: str) -> int:
        return sum(one.worked for one in self.tried if one.playbook == playbook)


def recurrence(facts: Facts, cause: str, component: str, incident: str, now_ms: int) -> Recurrence:
    """Of a kind of cause on a component."""
    known = facts.diagnosed.get((cause, component), {})
    before = {one: at for one, at in known.items() if one != incident and at <= now_ms}
    week = sum(1 for at in before.values() if at > now_ms - WEEK_MS)
    return Recurrence(len(before), week, _tried(facts, repairs(facts, before)))


def repairs(facts: Facts, incidents: Iterable[str]) -> Iterator[Fact[Merge]]:
    """What landed for these incidents, the undoing of it left out; oldest first."""
    wanted = frozenset(incidents)
    return (f for f in facts.merges.values() if f.incident in wanted and f.value.playbook and not f.value.reverts)


def outcome(facts: Facts, commit: str) -> str:
    """What came of a repair in the end: one that was undone did not help, whatever was seen first."""
    if commit in facts.reverted:
        return OutcomeState.WORSE.value
    known = facts.outcomes.get(commit, ())
    return known[-1].value.state.value if known else OutcomeState.UNKNOWN.value


def _tried(facts: Facts, landed: Iterable[Fact[Merge]]) -> tuple[Tried, ...]:
    counts: dict[str, tuple[int, int]] = {}
    for fact in landed:
        times, worked = counts.get(fact.value.playbook, (0, 0))
        better = outcome(facts, fact.value.commit) == OutcomeState.BETTER.value
        counts[fact.value.playbook] = times + 1, worked + better
    found = (Tried(playbook, times, worked) for playbook, (times, worked) in counts.items())
    return tuple(sorted(found, key=lambda one: (-one.worked, one.times, one.playbook)))
