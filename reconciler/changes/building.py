"""From a proposal to the one signed commit that is judged and, if allowed, lands unchanged.

In: a Proposal, the bytes of its files, the base commit and the author's signer. Out: a `Built` commit with the trees of the
units it touches: together with the patch they are the edit that ballots and reviews are bound to. Moves no ref.

1. The files handed over are exactly those of the proposal, with the bytes whose digests it names.
2. The base holds the bytes that the proposal was made on.
3. One commit on the base, signed, with trailers that lead from Git back to the record.

When the base moves, `rebuild` does the same on the new base: if each file there still has the bytes the proposal was made
on, the patch is the same; if the units' trees come out the same too, it is the same edit and keeps what was said about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.changes.wording import line
from reconciler.errors import Permanent
from reconciler.model.canonical import digest
from reconciler.model.judging import Subject
from reconciler.model.proposals import Proposal, Refusal
from reconciler.model.pulls import PullRequest
from reconciler.model.reasons import Reason
from reconciler.ports.repo import MACHINE, Repo
from reconciler.ports.signing import Signer

Trees = tuple[tuple[str, str], ...]

_UNFIT = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Built:
    """A commit ready to be judged. `trees` are (unit, tree id after the edit), sorted."""

    base: str
    head: str
    patch: str
    trees: Trees

    @property
    def edit(self) -> tuple[str, Trees]:
        return (self.patch, self.trees)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The same patch on another base; `same_edit` says whether ballots and reviews still stand."""

    built: Built
    same_edit: bool


@dataclass(frozen=True, slots=True)
class Author:
    """Who signs and when. The time is the proposal's, not the call's, so that a repeated step gives the same commit."""

    signer: Signer
    time_ms: int
    checkpoint: str = ""  # the last log checkpoint seen, for the trailer


def build(
    repo: Repo, base: str, proposal: Proposal, files: Mapping[str, bytes | None], units: Mapping[str, str], author: Author
) -> Built:
    """The commit on `base`; `units` maps each unit to its folder."""
    if proposal.is_nothing:
        raise Permanent("a proposal to do nothing has no commit", next_step="page a person")
    _require_same_files(proposal, files)  # 1
    if moved := _moved(repo, base, proposal):  # 2
        raise Permanent(f"{moved} is not as the proposal found it", next_step="propose again on the present base")
    message = commit_message(proposal, author.checkpoint)
    head = repo.write(base, files, message, MACHINE, author.time_ms, author.signer)  # 3
    return Built(base, head, proposal.patch, affected_trees(repo, head, files, units))


def rebuild(
    repo: Repo,
    old: Built,
    base: str,
    proposal: Proposal,
    files: Mapping[str, bytes | None],
    units: Mapping[str, str],
    author: Author,
) -> Rebuilt | Refusal:
    """The same patch on a moved base, or why it does not fit there any more."""
    if moved := _moved(repo, base, proposal):
        return Refusal(proposal.playbook, Reason.BASE_MOVED, f"{line(moved)} was altered by others meanwhile", where=line(moved))
    built = build(repo, base, proposal, files, units, author)
    return Rebuilt(built, built.edit == old.edit)


def built_of(pull: PullRequest) -> Built:
    return Built(pull.base, pull.head, pull.patch, pull.trees)


def subject_of(repository: str, branch: str, built: Built, policy: str) -> Subject:
    """Exactly what the judges are asked about."""
    return Subject(repository, branch, built.base, built.head, built.patch, built.trees, policy)


def affected_trees(repo: Repo, head: str, paths: Iterable[str], units: Mapping[str, str]) -> Trees:
    """The tree after the edit of every unit that holds a path; a path of no unit counts with its top folder."""
    touched = {name: folder.strip("/") for path in paths for name, folder in _holders(path, units)}
    return tuple(sorted((name, repo.tree(head, folder) or "") for name, folder in touched.items()))


def _holders(path: str, units: Mapping[str, str]) -> list[tuple[str, str]]:
    held = [(name, folder) for name, folder in units.items() if _within(path, folder.strip("/"))]
    top = path.split("/", 1)[0] if "/" in path else ""
    return held or [(f"/{top}", top)]


def _within(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")


def _require_same_files(proposal: Proposal, files: Mapping[str, bytes | None]) -> None:
    promised = {file.path: file.after for file in proposal.files}
    given = {path: digest(content) if content is not None else "" for path, content in files.items()}
    if given != promised or digest(list(proposal.files)) != proposal.patch:
        raise Permanent("the files are not those of the proposal", next_step="propose again; the record shows what was proposed")


def _moved(repo: Repo, base: str, proposal: Proposal) -> str:
    """The first file that the base does not hold as the proposal found it, "" when all are."""
    for file in proposal.files:
        present = repo.read(base, file.path)
        if (digest(present) if present is not None else "") != file.before:
            return file.path
    return ""


def branch_name(proposal: Proposal) -> str:
    """The source branch: readable, and one for each fingerprint."""
    words = "-".join(_UNFIT.sub("-", text.lower()).strip("-")[:30].strip("-") for text in (proposal.component, proposal.playbook))
    return f"homeostat/{words.strip('-') or 'repair'}-{digest(proposal.fingerprint.encode())[7:19]}"


def commit_message(proposal: Proposal, checkpoint: str = "") -> str:
    """Subject, predicted effect, trailers. Every line is made here: text from outside starts none, so it forges no trailer."""
    trailers = (
        ("Incident", proposal.incident),
        ("Playbook", proposal.playbook),
        ("Patch", proposal.patch),
        ("Fingerprint", proposal.fingerprint),
        ("Checkpoint", checkpoint),
        ("Reverts", proposal.is_revert_of),
    )
    title = line(proposal.title, 72) or "Repair"
    subject = f"Repair: {title}" if title.casefold().startswith("homeostat-") else title
    body = f"Predicted effect: {line(proposal.predicted)}\n\n" if proposal.predicted.strip() else ""
    told = "".join(f"Homeostat-{name}: {line(value, 200)}\n" for name, value in trailers if value)
    return f"{subject}\n\n{body}{told}"
