"""The protected branch against the log: every machine commit was signed, judged and merged, and is still there.

In: the branch's first-parent history and the facts folded from the log. Out: the problems. What a machine commit needs,
in this order:

1. an SSH signature of the author key, trusted at the position of its merge;
2. a merge record about exactly this commit on exactly its parent;
3. the verdict that the merge names: about this head, earlier in the log, and not a refusal;
4. a `Homeostat-Checkpoint` trailer, when there is one, that this log contains.

A commit that `init` pinned (an admission of kind root) needs no verdict. A merge on record whose commit is no longer on
the branch means that the branch was rolled back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.audit.facts import MACHINE_PRINCIPAL, Merge
from reconciler.audit.state import Trusted
from reconciler.audit.view import Fact, Facts
from reconciler.errors import Tampered
from reconciler.model.judging import Effect
from reconciler.model.revisions import AdmissionKind, CommitInfo
from reconciler.ports.repo import Repo

MACHINE_EMAIL = "homeostat@machine.invalid"
TRAILER = "Homeostat-Checkpoint"
_LANDS = frozenset({Effect.MERGE, Effect.REVIEW})  # REVIEW: only a person may merge it


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not hold. `code` is for programs, `where` an entry, commit, ref or path."""

    code: str
    where: str
    text: str


def check(
    repo: Repo, trusted: Trusted, facts: Facts, main: str, machine_email: str, root: Callable[[int], bytes]
) -> tuple[int, list[Problem]]:
    """How many commits were looked at, and what was wrong with them."""
    tip = repo.ref(main)
    history = repo.history(tip, limit=1 << 40) if tip else ()
    problems: list[Problem] = []
    for info in history:
        if machine_email in (info.author_email, info.committer_email):
            problems += [Problem("branch", info.id, text) for text in _machine_commit(info, trusted, facts, root)]
    present = {info.id for info in history}
    name = main.removeprefix("refs/heads/")
    for commit, fact in facts.merges.items():
        if fact.value.branch in (name, main) and commit not in present:
            problems.append(Problem("branch", commit, f"was merged (entry {fact.index}) and is no longer on {name}"))
    return len(history), problems


def _machine_commit(info: CommitInfo, trusted: Trusted, facts: Facts, root: Callable[[int], bytes]) -> Iterator[str]:
    yield from _trailer(info, root)
    admission = facts.admissions.get(info.id)
    if admission is not None and admission.value.kind is AdmissionKind.ROOT:
        return
    merge = facts.merges.get(info.id)
    if merge is None:
        yield "is a machine commit without a merge record"
        return
    public = trusted.verifier.verify_ssh(info.signature, info.signed, "git") if info.signature else None
    if public is None or not trusted.keys.trusts("author", public, merge.index):
        yield "is a machine commit that the author key did not sign"
    if merge.value.base != (info.parents[0] if info.parents else ""):
        yield "was merged on another base than its record says"
    yield from _verdict(info, merge, facts)


def _verdict(info: CommitInfo, merge: Fact[Merge], facts: Facts) -> Iterator[str]:
    """Numbered step 3."""
    for fact in facts.verdicts.get(info.id, ()):
        if fact.id == merge.value.verdict:
            if fact.index > merge.index:
                yield "was merged before it was judged"
            if fact.value.effect not in _LANDS:
                yield f"was merged against its verdict ({fact.value.effect.value})"
            if fact.value.effect is Effect.REVIEW and merge.value.by in ("", MACHINE_PRINCIPAL):
                yield "was merged by the machine where its verdict needed a person"
            return
    yield "is a machine commit without the verdict that its merge record names"


def _trailer(info: CommitInfo, root: Callable[[int], bytes]) -> Iterator[str]:
    """Numbered step 4. A log that is shorter than the trailer says was rolled back."""
    trailer = info.trailer(TRAILER)
    if trailer and not _contained(trailer, root):
        yield "names a checkpoint that this log does not contain"


def refuse_unnamed(info: CommitInfo, size: int, root: Callable[[int], bytes]) -> None:
    """Tampered when a log of this size and these roots does not contain the checkpoint that a machine commit names."""

    def signed(wanted: int) -> bytes:
        return root(wanted) if wanted <= size else b""

    if not _contained(info.trailer(TRAILER), signed):
        raise Tampered(
            f"the log was rolled back or forked: commit {info.id[:12]} names a checkpoint that it does not contain",
            next_step="find out who moved the log back; after a real restore: homeostat restore",
        )


def _contained(trailer: str, root: Callable[[int], bytes]) -> bool:
    size, _, hashed = trailer.partition(" ")
    try:
        wanted = base64.b64decode(hashed, validate=True)
        found = root(int(size)) if size.isdigit() else b""
    except (binascii.Error, ValueError, IndexError):
        found, wanted = b"", b"?"
    return found == wanted
