"""Which revision of the protected branch may be applied: the newest one whose every commit is admitted.

In: the branch's head as the repository has it, the revision applied last, Trust and verdicts. Out: an `Admitted` with the
newest good revision, an Admission (a record to keep) for each commit up to it, and what stopped the rest.

Invariants
* Only a fast-forward is followed, from the tip that was seen last, be it followed or refused then. A rewritten or deleted
  branch is a value with an alarm: nothing of it is applied until a record accepts its head over the revision applied now.
* A commit is held against the Trust state of its believed first-parent ancestor, never against its own. A side branch is
  held against the main line at the point where it is merged: otherwise an old Trust file could be revived by branching
  off before a key was revoked.
* Stopping is in order: what comes after a refused commit is not applied, however well it is signed. It ends with an admitted
  commit whose tree is again that of the last good revision: then nothing of what was refused is left. The refused commits
  themselves are never admitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.converge.commits import Bench, Refusal, judge_commit
from reconciler.converge.trust import TrustAt
from reconciler.errors import Misconfigured
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Admission, AdmissionKind, CommitInfo
from reconciler.ports.repo import Repo


@dataclass(frozen=True, slots=True)
class Alarm:
    """The branch is not what it was: which revision was expected below it, and what was found."""

    branch: str
    expected: str
    found: str  # "" when the branch is gone
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """`good` may be applied; it is `applied` itself when nothing new may. `refusal` says what stopped the rest."""

    reason: Reason
    applied: str
    head: str
    good: str
    admissions: tuple[Admission, ...] = ()
    refusal: Refusal | None = None
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class BranchState:
    """What is compared: `applied` is "" on a fresh target, then everything from the pinned `root` on is looked at.

    `seen` is the tip that the branch must still hold, "" when nothing but `applied` is known of it. `accepted` is the head that a
    trusted person accepted by a record, over this very `applied`, after a rewrite; "" when there is none.
    """

    head: str | None
    applied: str
    root: str
    seen: str = ""
    accepted: str = ""


def admit(repo: Repo, state: BranchState, trust_at: TrustAt, bench: Bench) -> Admitted:
    """The newest revision between `state.applied` and `state.head` that may be applied."""
    start = state.applied or state.root
    head = state.head or ""
    linear = holds(repo, start, head)
    if not holds(repo, state.seen or start, head) or not (linear or (state.accepted and holds(repo, state.accepted, head))):
        return Admitted(Reason.REWRITTEN, start, head, start, alarm=_alarm(bench.branch, state.seen or start, head))
    first = () if state.applied else (Admission(start, AdmissionKind.ROOT, ""),)
    steps = _steps(repo.between(start, head), start, head, linear=linear)
    found = _walk(repo, steps, start, trust_at, bench)
    return replace(found, head=head, admissions=first + found.admissions)


def holds(repo: Repo, commit: str, head: str) -> bool:
    """Whether `commit` is in the history of `head`; what is not there any more is in nobody's."""
    return all(one and repo.commit(one) is not None for one in (commit, head)) and repo.is_ancestor(commit, head)


def _alarm(branch: str, expected: str, found: str) -> Alarm:
    what = "was deleted" if not found else f"now at {found[:12]}, was rewritten"
    return Alarm(
        branch, expected, found,
        f"branch {branch} {what}: it no longer descends from {expected[:12]}, where it was seen last; nothing of it is followed",
        f"push the old history back, or accept the new one as a trusted person: homeostat reconcile --accept {found or 'COMMIT'}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    """One move of the main line: `commit` and the side commits that it brings with it, oldest first."""

    commit: str
    brings: tuple[CommitInfo, ...]


def _steps(commits: Sequence[CommitInfo], start: str, head: str, *, linear: bool) -> tuple[_Step, ...]:
    """Main-line moves from `start` to `head`.

    Where the first-parent line does not lead back to `start` (the branch was merged the wrong way round, or rewritten
    and accepted) everything is one move: all of it or nothing. A way back to an older commit is a move that brings nothing.
    """
    by_id = {c.id: c for c in commits}
    line: list[str] = []
    at = head
    while at in by_id:
        line.append(at)
        at = by_id[at].parents[0] if by_id[at].parents else ""
    if at != start or not linear:
        return (_Step(head, tuple(commits)),)
    return _with_sides(by_id, tuple(reversed(line)))


def _with_sides(by_id: Mapping[str, CommitInfo], line: Sequence[str]) -> tuple[_Step, ...]:
    """Each side commit travels with the first main-line commit that reaches it. `by_id` is oldest first."""
    owner: dict[str, str] = {}
    for commit in line:
        waiting = [commit]
        while waiting:
            at = waiting.pop()
            if at in by_id and at not in owner:
                owner[at] = commit
                waiting.extend(by_id[at].parents)
    brought: dict[str, list[CommitInfo]] = {commit: [] for commit in line}
    for info in by_id.values():
        brought[owner[info.id]].append(info)
    return tuple(_Step(commit, tuple(brought[commit])) for commit in line)


def _walk(repo: Repo, steps: Sequence[_Step], start: str, trust_at: TrustAt, bench: Bench) -> Admitted:
    good, admissions = start, list[Admission]()
    refusal: Refusal | None = None
    for step in steps:
        judged = _judge_step(step, good, trust_at, bench)
        if isinstance(judged, Refusal):
            refusal = refusal or judged
        elif refusal is None or repo.tree(step.commit) == repo.tree(good):  # whatever was refused is undone, to the last byte
            refusal, good = None, step.commit
            admissions.extend(judged)
    if refusal is not None:
        return Admitted(refusal.reason, start, "", good, tuple(admissions), refusal=refusal)
    return Admitted(Reason.OK, start, "", good, tuple(admissions))


def _judge_step(step: _Step, before: str, trust_at: TrustAt, bench: Bench) -> tuple[Admission, ...] | Refusal:
    """All commits of one move against the Trust state of the main line before it."""
    try:
        trust = trust_at(before)
    except Misconfigured as error:
        return Refusal(
            step.commit, Reason.NOT_ADMITTED, f"the Trust state at {before[:12]} cannot be read: {error.message}",
            "repair the Trust document from the last good revision",
        )  # fmt: skip
    admissions: list[Admission] = []
    for commit in step.brings:
        judged = judge_commit(commit, trust, bench)
        if isinstance(judged, Refusal):
            return judged
        admissions.append(judged)
    return tuple(admissions)
