"""pre-receive: checks a whole push by a person before any ref moves. Installed by `repos.bare`, run as a program.

In: git's lines `old new ref` on standard input, the rules in `homeostat/receive.json`, the pushed objects still in
quarantine. Out: exit code 0 to admit, REFUSED with one sentence for each refusal (what, where, what to do instead). Any
other exit, a crash included, refuses the push too: the shell wrapper sees to that.

1. Only branches and tags may move; `refs/homeostat/*` is the machine's.
2. The protected branch is neither deleted nor rewritten.
3. A new commit that carries the machine's name or address must carry the machine's valid signature, checked by git.
4. New commits bring only regular files with safe names and bounded size.
5. In the pushed tree no two names collide.

Commits that the repository already has were checked when they came. A push waits for this, hence six git programs at most
and nothing but the lighter parts of the standard library (dataclasses alone would double the start-up).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reconciler.model.paths import path_collision, refuse_path

REFUSED = 10
MAX_COMMITS = 10_000  # new commits in one push
MAX_SHOWN = 10  # refusals printed; more help nobody
_KEPT = ("PATH", "HOME", "TMPDIR", "GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
_REGULAR = frozenset({"100644", "100755"})
_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}


class Rules(NamedTuple):
    """What `init_bare` wrote down. A missing or malformed file is a crash, and so a refusal."""

    branch: str
    name: str
    email: str
    max_blob: int
    signers: str


class Move(NamedTuple):
    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")

    @property
    def creates(self) -> bool:
        return not self.old.strip("0")


class Entry(NamedTuple):
    """One file as a commit brings it, or as a tree holds it."""

    mode: str
    blob: str
    path: str


def main() -> int:
    sys.excepthook = _brief
    rules = load_rules(os.environ["GIT_DIR"])
    moves = [Move(*line.rstrip("\n").split(" ", 2)) for line in sys.stdin]
    refusals = [refusal for move in moves for refusal in check(rules, move)]
    for refusal in refusals[:MAX_SHOWN]:
        sys.stderr.write(f"Homeostat refused this push: {refusal}\n")
    return REFUSED if refusals else 0


def load_rules(folder: str) -> Rules:
    own = os.path.join(os.path.abspath(folder), "homeostat")  # noqa: PTH100, PTH118 - pathlib costs start-up here
    with open(os.path.join(own, "receive.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        found = json.load(file)
    signers = os.path.join(own, "allowed_signers")  # noqa: PTH118
    return Rules(str(found["branch"]), str(found["name"]), str(found["email"]), int(found["max_blob"]), signers)


def check(rules: Rules, move: Move) -> list[str]:
    """Every reason to refuse one ref; the numbers are those of the module's docstring."""
    if why := refuse_ref(move):  # 1
        return [f"{move.ref}: {why}"]
    protected = move.ref == f"refs/heads/{rules.branch}"
    if move.deletes:  # 2
        return [f"{move.ref} is protected and cannot be deleted; revert commits instead"] if protected else []
    if protected and not move.creates and not _is_ancestor(move.old, move.new):  # 2
        return [f"{move.ref} is protected and cannot be rewritten; fetch, rebase onto it, and undo with 'git revert'"]
    commits = _text("rev-list", f"--max-count={MAX_COMMITS + 1}", move.new, "--not", "--all").split()
    if len(commits) > MAX_COMMITS:
        return [f"{move.ref}: more than {MAX_COMMITS} new commits; push them in steps"]
    if not commits:
        return []
    entries = list(brought_by(commits))
    found = [*forged(rules, commits), *unfit(entries), *oversize(rules, entries), *unfit_tip(move.new)]  # 3, 4, 5
    return [f"{move.ref}: {why}" for why in dict.fromkeys(found)]


def refuse_ref(move: Move) -> str:
    """Step 1: why this ref is not a person's to move, "" when it is."""
    if move.ref.startswith("refs/homeostat/"):
        return "these refs hold pull requests and the log; use 'homeostat pr' and 'homeostat audit'"
    if not move.ref.startswith(("refs/heads/", "refs/tags/")):
        return "only branches and tags can be pushed here"
    if move.ref == "refs/heads/homeostat":
        return "this name is in the way of Homeostat's own branches; choose another"
    return ""


def forged(rules: Rules, commits: list[str]) -> Iterator[str]:
    """Step 3: commits in the machine's name without its signature."""
    names = {rules.email.casefold(), rules.name.casefold()}
    machine = [commit for commit, identities in identities_of(commits) if names & identities]
    if machine:
        yield from _unsigned(rules, machine)


def identities_of(commits: list[str]) -> Iterator[tuple[str, set[str]]]:
    """Names and addresses of author and committer, folded, from the raw bytes: git's own formats would recode them."""
    raw = _git("cat-file", "--batch", lines=commits)
    at = 0
    for commit in commits:
        start = raw.index(b"\n", at) + 1
        size = int(raw[at : start - 1].split(b" ")[2])
        yield commit, set(_identities(raw[start : start + size]))
        at = start + size + 1


def _identities(commit: bytes) -> Iterator[str]:
    for line in commit.split(b"\n\n", 1)[0].split(b"\n"):
        if line.startswith((b"author ", b"committer ")):
            name, _, rest = line.split(b" ", 1)[1].partition(b"<")
            for part in (name, rest.partition(b">")[0]):
                yield part.decode("utf-8", "replace").strip().casefold()


def _unsigned(rules: Rules, commits: list[str]) -> Iterator[str]:
    settings = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={rules.signers}", "-c", "gpg.ssh.program=ssh-keygen")
    text = _text(*settings, "log", "-z", "--no-walk=unsorted", "--stdin", "--format=%H%n%G?%n%GS", lines=commits)
    answers = {record.split("\n")[0]: record.split("\n")[1:] for record in text.split("\0") if record}
    for commit in commits:
        if answers.get(commit) != ["G", rules.email]:
            yield (
                f"commit {commit[:12]} names {rules.name} as author or committer but lacks its signature; "
                "use 'git commit --amend --reset-author' so that it is yours"
            )


def brought_by(commits: list[str]) -> Iterator[Entry]:
    """Every file that new commits add or alter, against each of their parents."""
    options = ("-r", "-m", "--root", "-z", "--raw", "--no-renames", "--no-commit-id", "--no-abbrev")
    text = _text("diff-tree", "--stdin", *options, lines=commits)
    fields = iter(text.split("\0"))
    for field in fields:
        if field.startswith(":"):
            _, mode, _, blob, _ = field.split(" ")
            path = next(fields)
            if mode != "000000":
                yield Entry(mode, blob, path)


def unfit(entries: Iterable[Entry]) -> Iterator[str]:
    """Step 4: what no infra repository may hold."""
    for entry in entries:
        if entry.mode not in _REGULAR:
            yield f"{_shown(entry.path)} is {_KINDS.get(entry.mode, 'no regular file')}; commit the file itself"
        elif why := refuse_path(entry.path):
            yield f"{_shown(entry.path)}: {why}; rename it"


def oversize(rules: Rules, entries: list[Entry]) -> Iterator[str]:
    """Step 4: blobs over the limit, by their header."""
    paths = {entry.blob: entry.path for entry in entries if entry.mode in _REGULAR}
    if not paths:
        return
    answers = _text("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=list(paths)).split("\n")
    for blob, size in (answer.split(" ") for answer in filter(None, answers)):
        if int(size) > rules.max_blob:
            yield f"{_shown(paths[blob])} has {size} bytes, more than {rules.max_blob}; keep large files elsewhere"


def unfit_tip(tip: str) -> Iterator[str]:
    """Steps 4 and 5 for the whole pushed tree."""
    entries = []
    for line in filter(None, _text("ls-tree", "-r", "-z", tip).split("\0")):
        head, path = line.split("\t", 1)
        mode, _, blob = head.split(" ")
        entries.append(Entry(mode, blob, path))
    yield from unfit(entries)
    if pair := path_collision(entry.path for entry in entries):
        yield f"{_shown(pair[0])} and {_shown(pair[1])} differ only in case or composition; rename one of them"


def _shown(path: str) -> str:
    return ascii(path)


def _is_ancestor(old: str, new: str) -> bool:
    done = subprocess.run(["git", "merge-base", "--is-ancestor", old, new], env=_environment(), check=False, capture_output=True)
    if done.returncode > 1:
        raise OSError(f"git merge-base ended with {done.returncode}")
    return done.returncode == 0


def _text(*arguments: str, lines: Iterable[str] = ()) -> str:
    """Like `_git`; undecodable bytes stay visible as surrogates and are refused by name."""
    return _git(*arguments, lines=lines).decode("utf-8", "surrogateescape")


def _git(*arguments: str, lines: Iterable[str] = ()) -> bytes:
    """The output of one git program; its failure is ours."""
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(["git", *arguments], env=_environment(), check=False, capture_output=True, input=text.encode())
    if done.returncode != 0:
        raise OSError(f"git {arguments[0]} ended with {done.returncode}: {done.stderr[-200:]!r}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Nothing of the pusher's settings, but the quarantine that holds what was pushed."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}


def _brief(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """One line instead of a traceback: the pusher reads it."""
    sys.stderr.write(f"{kind.__name__}: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
