"""check_renderer: what every Renderer must do, over units that its author provides.

`case` names a good unit and its files, one that reads outside of its folder, and one that names what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.errors import HomeostatError, Misconfigured
from reconciler.ports.renderer import Ask, Renderer
from reconciler.ports.repo import Repo
from reconciler.testing.expecting import expect

Files = Mapping[str, bytes]
Commit = Callable[[Files], tuple[Repo, str]]  # a repository, and a revision that holds exactly these files


@dataclass(frozen=True, slots=True)
class RendererCase:
    """`ask` renders to something that holds `shows`. `unread` are files beside it that do not count."""

    ask: Ask
    files: Files
    shows: bytes
    unread: Files
    outside: str  # a path among `files`, outside of the unit's folder, that it reads
    broken: Files  # the unit names what is not among them
    wrong: Files  # the unit's files, which cannot be rendered


@dataclass(frozen=True, slots=True)
class Bench:
    renderer: Renderer
    commit: Commit
    case: RendererCase

    def rendered(self, files: Files) -> bytes:
        repo, revision = self.commit(files)
        reads = self.renderer.reads(self.case.ask, repo, revision)
        return self.renderer.render(self.case.ask, {p: repo.blob(b) for p, b in reads.files.items()}, secret=False)


def renders_the_same_every_time(bench: Bench) -> None:
    first = bench.rendered(bench.case.files)
    expect(bench.case.shows in first, "a good unit renders")
    expect(bench.rendered(bench.case.files) == first, "the same files give the same bytes")


def reads_what_counts_and_nothing_else(bench: Bench) -> None:
    repo, revision = bench.commit({**bench.case.files, **bench.case.unread})
    reads = bench.renderer.reads(bench.case.ask, repo, revision)
    expect(set(reads.files) <= set(bench.case.files), "files that do not count are not in the read set")
    expect(bench.case.outside in reads.files, "files outside of the unit's folder are in it when they count")
    paths = [bench.case.outside, *_parents(bench.case.outside)]
    expect(any(path in reads.around for path in paths), "and are found again by one of the folders around")
    alone = {path: repo.blob(blob) for path, blob in reads.files.items()}
    expect(bench.case.shows in bench.renderer.render(bench.case.ask, alone, secret=False), "the read set is enough")


def says_what_is_missing(bench: Bench) -> None:
    try:
        bench.rendered(bench.case.broken)
    except Misconfigured:
        return
    expect(False, "a unit that names what is not there is Misconfigured")


def says_what_is_wrong(bench: Bench) -> None:
    try:
        bench.rendered(bench.case.wrong)
    except HomeostatError as error:
        expect(len(str(error)) < 4_000, "what is wrong is said in few words")
        return
    expect(False, "a unit that cannot be rendered is an error")


def has_a_version(bench: Bench) -> None:
    expect(bench.renderer.version() == bench.renderer.version() != "", "a version that stays the same")


RENDERER_PROMISES: tuple[Callable[[Bench], None], ...] = (
    renders_the_same_every_time,
    reads_what_counts_and_nothing_else,
    says_what_is_missing,
    says_what_is_wrong,
    has_a_version,
)


def check_renderer(renderer: Renderer, commit: Commit, case: RendererCase) -> None:
    """Runs every promise."""
    for promise in RENDERER_PROMISES:
        promise(Bench(renderer, commit, case))


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]
