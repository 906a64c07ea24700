"""What an incident looked like, and what was like it before.

A Portrait is what an incident is recognised by: it is recorded with the diagnosis, so the memory of incidents can be made anew
from the log. Seen is what the diagnosis says of the past. Words are lower-case letters and digits: nothing in them can talk to
a terminal, a page or a forge.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """One metric that left its level."""

    place: str  # of its component: "cause", "named", "caller", "callee" or "other", and where that stands in the call graph
    metric: str
    size: str  # robust deviations, signed, as decimal text


@dataclass(frozen=True, slots=True)
class Portrait:
    """What one incident looked like: metrics that moved, log templates that came up, the words of its signals and causes."""

    moved: tuple[Moved, ...] = ()
    templates: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One playbook in earlier incidents of this kind: how often its repair landed, and how often that was better and stayed."""

    playbook: str
    times: int
    worked: int


@dataclass(frozen=True, slots=True)
class Alike:
    """An earlier incident that looks like this one."""

    incident: str
    likeness: str  # 0..1 as decimal text
    cause: str
    component: str
    diagnosed_ms: int
    playbook: str = ""  # of the repair that landed, "" when none did
    outcome: str = ""  # better, worse, unknown; "" without a repair


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a runbook. `text` is what people wrote: shown as text, never as markup, and nothing is decided by it."""

    path: str
    line: int
    heading: str
    text: str
    score: str = "0"  # how well it fits, as decimal text: larger is better


@dataclass(frozen=True, slots=True)
class Seen:
    """The past of one diagnosis: the same cause on the same component, incidents that look alike, and what runbooks say."""

    times: int  # earlier incidents with the same cause on the same component
    week: int  # those of the last seven days
    tried: tuple[Tried, ...] = ()  # the playbook that worked most often first
    alike: tuple[Alike, ...] = ()  # the most alike first
    passages: tuple[Passage, ...] = ()

    @property
    def worked(self) -> int:
        return sum(one.worked for one in self.tried)

    @property
    def summary(self) -> str:
        """One sentence."""
        if not self.times:
            return "not seen before"
        landed = sum(one.times for one in self.tried)
        best = f" ({self.tried[0].playbook})" if self.worked else ""
        repaired = (
            f"a repair landed {_times(landed)} and worked {_times(self.worked)}{best}" if landed else "no repair ever landed"
        )
        return f"seen before: {_times(self.times)}, {self.week} in the last seven days; {repaired}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
