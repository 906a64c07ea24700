"""May this one commit be applied? The machine's commits against verdict and key, people's against Trust.

In: a commit, the Trust state before it, the log position, the verdicts on record. Out: an Admission or a Refusal.

The steps, numbered as in the code:
1. Anything that looks like the machine (its address as author or committer, or a machine trailer) is the machine's.
2. The machine: one parent; a machine author key that still holds signed these bytes; a signed verdict on record says
   `merge` about exactly this head on exactly this base of this repository and branch. Always enforced.
3. People under enforce: a key that still holds, of a principal who owns the author's address, signed these bytes.
4. People under warn: admitted because the protected branch took the commit; what 3 would have said is the warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.converge.trust import Trust, TrustPrincipal, VerdictOf
from reconciler.model.judging import Effect
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Admission, AdmissionKind, CommitInfo
from reconciler.ports.repo import MACHINE
from reconciler.ports.signing import Verifier

MACHINE_DOMAIN = MACHINE.email.rsplit("@", 1)[1]
TRAILER = "homeostat-"
NAMESPACE = "git"  # the namespace in which Git signs commits
SHOWN = 80  # characters of attacker-chosen text that a message repeats


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a commit, and so everything after it, is not applied; the last good revision stays."""

    commit: str
    reason: Reason
    detail: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What every commit of one round is held against. `position` is the log's size now."""

    repository: str
    branch: str
    position: int
    verifier: Verifier
    verdicts: VerdictOf


def judge_commit(commit: CommitInfo, trust: Trust, bench: Bench) -> Admission | Refusal:
    """Steps 1-4."""
    if claims_machine(commit):  # 1
        return _judge_machine(commit, trust, bench)  # 2
    principal, doubt = _signed_by(commit, trust, bench)  # 3
    if principal is not None:
        return Admission(commit.id, AdmissionKind.SIGNED, principal.name)
    if trust.enforce:
        return Refusal(
            commit.id, Reason.NOT_ADMITTED, f"commit {commit.id[:12]} by {shown(commit.author_email)}: {doubt}",
            "undo it and what came after it with a signed commit (git revert -S), then push the edit again, signed",
        )  # fmt: skip
    return Admission(commit.id, AdmissionKind.BRANCH, "", warning=f"{shown(commit.author_email)}: {doubt}")  # 4


def claims_machine(commit: CommitInfo) -> bool:
    """Broad on purpose: what could be taken for the machine's work has to prove that it is."""
    mails = (commit.author_email.casefold(), commit.committer_email.casefold())
    named = any(MACHINE_DOMAIN in mail for mail in mails) or commit.author_name.strip().casefold() == MACHINE.name.casefold()
    return named or any(_is_trailer(line) for line in commit.message.splitlines())


def _is_trailer(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name.strip().casefold().startswith(TRAILER) and " " not in name.strip()


def _judge_machine(commit: CommitInfo, trust: Trust, bench: Bench) -> Admission | Refusal:
    found = bench.verdicts(commit.id)
    doubts = (
        _machine_shape(commit),
        _machine_signature(commit, trust, bench),
        "no signed verdict is on record for this head" if found is None else "",
    )
    doubt = next((d for d in doubts if d), "")
    if found is None or doubt:
        return _unverdicted(commit, doubt)
    subject = found.verdict.subject
    expected = (bench.repository, bench.branch, commit.parents[0], commit.id)
    if (subject.repository, subject.branch, subject.base, subject.head) != expected:
        return _unverdicted(commit, "the verdict on record is about another repository, branch, base or head")
    if found.verdict.effect is not Effect.MERGE:
        return _unverdicted(commit, f"the verdict on record says {found.verdict.effect.value}, not merge")
    return Admission(commit.id, AdmissionKind.VERDICT, MACHINE.name, verdict=found.record)


def _machine_shape(commit: CommitInfo) -> str:
    if len(commit.parents) != 1:
        return f"it has {len(commit.parents)} parents, a machine commit has exactly one"
    mails = (commit.author_email, commit.committer_email)
    return (
        "" if mails == (MACHINE.email, MACHINE.email) else "it carries machine marks but not the machine's author and committer"
    )


def _machine_signature(commit: CommitInfo, trust: Trust, bench: Bench) -> str:
    public = signed_with(commit, bench.verifier)
    if public is None:
        return "it has no valid signature"
    known = [key for key in trust.machine if key.public == public]
    if not known:
        return "it is signed, but not by a machine author key"
    return "" if all(key.holds(bench.position) for key in known) else "its machine author key is revoked"


def _unverdicted(commit: CommitInfo, doubt: str) -> Refusal:
    return Refusal(
        commit.id, Reason.UNVERDICTED, f"commit {commit.id[:12]} claims to be the machine's, but {doubt}",
        "undo it and what came after it with a person's commit (git revert), and find out who pushed it",
    )  # fmt: skip


def signed_with(commit: CommitInfo, verifier: Verifier) -> bytes | None:
    """The public key that validly signed exactly this commit's bytes."""
    if not commit.signature or not commit.signed:
        return None
    return verifier.verify_ssh(commit.signature, commit.signed, NAMESPACE)


def _signed_by(commit: CommitInfo, trust: Trust, bench: Bench) -> tuple[TrustPrincipal | None, str]:
    """The principal who signed, or None with the reason in words."""
    if not commit.signature:
        return None, "it is not signed"
    public = signed_with(commit, bench.verifier)
    if public is None:
        return None, "its signature is not valid"
    owner = trust.principal_of(public)
    if owner is None:
        return None, "its key belongs to nobody in the Trust document"
    principal, key = owner
    if not key.holds(bench.position):
        return None, f"its key of {principal.name} is revoked"
    if not principal.owns(commit.author_email):
        return None, f"it is signed by {principal.name}, who does not own the author's address"
    return principal, ""


def shown(text: str) -> str:
    """Attacker-chosen text for a sentence: printable, short."""
    return "".join(c if c.isprintable() else "?" for c in text[:SHOWN]) or "(no address)"
