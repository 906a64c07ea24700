"""The conformance kit of port `Repo`: every promise runs on a fresh, empty repository.

In: a way to make a repository. Out: nothing, or AssertionError with the promise that was broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from reconciler.errors import HomeostatError, Permanent
from reconciler.ports.repo import Identity, RefMove, Repo
from reconciler.testing.expecting import expect
from reconciler.testing.signing import MemorySigner

PERSON = Identity("Ada", "ada@example.org")
NOON_MS = 1_700_000_000_000
MAIN = "refs/heads/main"
NOWHERE = "1" * 40

_LOOKALIKES = (".git/config", "a/.GIT/x", "a/git~1", "a\\b", "a\nb", "a\u202eb", "e\u0301.yaml", "\udcff")
UNSAFE_PATHS = ("", "/a", "a/", "a//b", "../a", "a/./b", *_LOOKALIKES)


def write(repo: Repo, base: str, files: Mapping[str, bytes | None], message: str = "a step") -> str:
    """One unsigned commit by a person at a fixed time."""
    return repo.write(base, files, message, PERSON, NOON_MS, None)


def refused(act: Callable[[], object]) -> str:
    """The message of the Permanent error that `act` must raise."""
    try:
        act()
    except Permanent as error:
        return str(error)
    raise AssertionError("broken promise: this is refused as Permanent")


def writes_the_same_commit_twice(repo: Repo) -> None:
    files = {"apps/shop/a.yaml": b"a: 1\n", "README.md": b"hi\n"}
    signer = MemorySigner("author")
    once, twice = (repo.write("", files, "root", PERSON, NOON_MS, signer) for _ in range(2))
    expect(once == twice, "the same inputs give the same commit id, signature included")
    expect(once != repo.write("", files, "root", PERSON, NOON_MS + 1_000, signer), "another time is another commit")


def reads_what_was_written(repo: Repo) -> None:
    first = write(repo, "", {"a/b.yaml": b"1", "c": b"2"})
    second = write(repo, first, {"a/b.yaml": b"3"})
    expect(repo.read(second, "a/b.yaml") == b"3" and repo.read(first, "a/b.yaml") == b"1", "each commit has its own bytes")
    expect(repo.read(second, "c") == b"2", "untouched files stay")
    expect(list(repo.files(second)) == ["a/b.yaml", "c"], "files are listed by path")
    expect(list(repo.files(second, "a")) == ["a/b.yaml"], "paths below a folder are whole paths")
    expect(repo.blob(repo.files(second)["c"]) == b"2", "a listed blob can be read")
    expect(repo.tree(first, "a") != repo.tree(second, "a"), "a changed folder has another tree")


def knows_absence_from_error(repo: Repo) -> None:
    only = write(repo, "", {"a/b": b"1"})
    expect(repo.ref(MAIN) is None and repo.ref("no ref name at all") is None, "an unknown ref is None")
    expect(repo.commit(NOWHERE) is None and repo.commit("main") is None, "an unknown commit is None")
    expect(repo.read(only, "a/c") is None and repo.read(only, "a") is None, "an unknown file is None")
    expect(repo.tree(only, "x") is None and repo.tree(only, "a/b") is None, "an unknown folder is None")
    expect(not repo.files(only, "x"), "an unknown folder holds no files")


def describes_a_signed_commit(repo: Repo) -> None:
    signer = MemorySigner("author")
    made = repo.write("", {"a": b"1"}, "Subject\n\nHomeostat-Incident: i-1\n", PERSON, NOON_MS, signer)
    info = repo.commit(made)
    expect(info is not None, "a written commit is found")
    if info is not None:
        expect(
            (info.author_name, info.author_email, info.time_ms) == (PERSON.name, PERSON.email, NOON_MS),
            "author and time are kept",
        )
        expect(info.subject == "Subject" and info.trailer("Homeostat-Incident") == "i-1", "the message is kept")
        expect(info.signature.strip() == signer.sign_ssh(info.signed, "git").strip(), "the signature covers the signed bytes")


def deletes_files_and_empty_folders(repo: Repo) -> None:
    first = write(repo, "", {"a/b/c": b"1", "d": b"2"})
    second = write(repo, first, {"a/b/c": None})
    expect(repo.tree(second, "a") is None and list(repo.files(second)) == ["d"], "an empty folder goes with its last file")
    expect(not repo.files(write(repo, second, {"d": None})), "the last file may go too")
    refused(lambda: write(repo, first, {"nothing": None}))


def refuses_unsafe_paths(repo: Repo) -> None:
    for path in UNSAFE_PATHS:
        refused(lambda path=path: write(repo, "", {path: b"1"}))  # type: ignore[misc]
    refused(lambda: write(repo, "", {"a": b"1", "a/b": b"2"}))
    base = write(repo, "", {"Apps/x": b"1", "file": b"2"})
    for path in ("apps/y", "file/x", "Apps", "FILE"):
        expect(bool(refused(lambda path=path: write(repo, base, {path: b"1"}))), f"{path} collides")  # type: ignore[misc]


def tells_history(repo: Repo) -> None:
    first = write(repo, "", {"a": b"1", "b": b"1"}, "one")
    second = write(repo, first, {"a": b"2"}, "two")
    third = write(repo, second, {"b": b"2"}, "three")
    expect([c.id for c in repo.history(third)] == [third, second, first], "history is newest first")
    expect([c.id for c in repo.history(third, path="a")] == [second, first], "by path only what touched it")
    expect([c.id for c in repo.history(third, limit=1)] == [third], "a limit is kept")
    expect([c.id for c in repo.between(first, third)] == [second, third], "between is oldest first without the old end")
    expect([c.id for c in repo.between("", second)] == [first, second], "from nothing is everything")
    expect(repo.is_ancestor(first, third) and repo.is_ancestor(third, third), "ancestors include the commit itself")
    expect(not repo.is_ancestor(third, first), "descendants are none")


def tells_what_was_touched(repo: Repo) -> None:
    first = write(repo, "", {"a": b"1", "d/b": b"1"})
    second = write(repo, first, {"a": None, "d/b": b"2", "d/c": b"3"})
    before, after = repo.files(first), repo.files(second)
    found = {"a": (before["a"], ""), "d/b": (before["d/b"], after["d/b"]), "d/c": ("", after["d/c"])}
    expect(dict(repo.touched(second)) == found, "touched names blobs before and after")
    expect(dict(repo.changed(first, second)) == found, "changed compares any two commits")
    expect(set(repo.touched(first)) == {"a", "d/b"}, "a root commit touches all its files")
    expect(not repo.changed(second, second), "nothing changed is empty")


def undoes_a_commit(repo: Repo) -> None:
    first = write(repo, "", {"a": b"1\n", "b": b"1\n"})
    bad = write(repo, first, {"a": b"2\n", "new": b"x\n"})
    later = write(repo, bad, {"b": b"2\n"})
    expect(repo.revert(bad, later) == {"a": b"1\n", "new": None}, "the inverse leaves later work alone")
    undone = write(repo, later, repo.revert(bad, later) or {})
    expect(repo.read(undone, "a") == b"1\n" and repo.read(undone, "b") == b"2\n", "writing the inverse undoes the commit")
    expect(repo.revert(bad, undone) == {}, "nothing is left to undo")
    expect(repo.revert(bad, write(repo, later, {"a": b"3\n"})) is None, "a conflict is None")


def moves_refs_all_or_none(repo: Repo) -> None:
    one = write(repo, "", {"a": b"1"})
    two = write(repo, one, {"a": b"2"})
    expect(repo.move([RefMove(MAIN, "", one)]), "an absent ref is created")
    expect(not repo.move([RefMove(MAIN, "", two)]), "creating twice is stale")
    expect(not repo.move([RefMove(MAIN, two, one)]), "a wrong old value is stale")
    expect(not repo.move([RefMove("refs/heads/x", "", one), RefMove(MAIN, two, one)]), "one stale ref stops all")
    expect(repo.refs("refs/") == {MAIN: one}, "a stale transaction moves nothing")
    expect(repo.move([RefMove("refs/heads/x", "", one), RefMove(MAIN, one, two)]), "fresh values move together")
    expect(repo.move([RefMove("refs/heads/x", one, ""), RefMove(MAIN, two, two)]), "deletes and checks are moves")
    expect(repo.ref("refs/heads/x") is None and repo.refs("refs/heads/") == {MAIN: two}, "a deleted ref is gone")


def refuses_impossible_moves(repo: Repo) -> None:
    one = write(repo, "", {"a": b"1"})
    blob = repo.files(one)["a"]
    bad_names = ("main", "refs/../x", "refs/heads/a b", "refs/heads/x.lock")
    for move in (
        RefMove(MAIN, "", NOWHERE),
        RefMove(MAIN, "", blob),
        RefMove(MAIN, "", ""),
        *(RefMove(n, "", one) for n in bad_names),
    ):
        refused(lambda move=move: repo.move([move]))  # type: ignore[misc]
    refused(lambda: repo.move([RefMove(MAIN, "", one), RefMove(MAIN, "", one)]))
    expect(repo.move([RefMove(MAIN, "", one)]), "the repository still works")
    refused(lambda: repo.move([RefMove(MAIN + "/below", "", one), RefMove("refs/heads/z", "", one)]))
    expect(repo.refs("refs/") == {MAIN: one}, "a name conflict moves nothing")


def lets_one_of_many_writers_win(repo: Repo) -> None:
    base = write(repo, "", {"a": b"0"})
    expect(repo.move([RefMove(MAIN, "", base)]), "a start")
    heads = [write(repo, base, {"a": b"%d" % n}) for n in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda head: repo.move([RefMove(MAIN, base, head)]), heads))
    expect(sum(won) == 1, "exactly one compare-and-swap wins")
    expect(repo.ref(MAIN) == heads[won.index(True)], "the winner's value is there")


def keeps_everything_when_maintained(repo: Repo) -> None:
    one = write(repo, "", {"a": b"1"})
    expect(repo.move([RefMove(MAIN, "", one)]), "a start")
    loose = write(repo, one, {"a": b"2"})
    repo.maintain()
    expect(repo.ref(MAIN) == one and repo.read(one, "a") == b"1", "refs and objects survive")
    expect(repo.read(loose, "a") == b"2", "so does what no ref reaches yet")
    expect(repo.move([RefMove(MAIN, one, loose)]), "a packed ref moves")
    expect(repo.move([RefMove(MAIN, loose, "")]) and repo.ref(MAIN) is None, "a packed ref can be deleted")


def keeps_further_parents(repo: Repo) -> None:
    base, other = write(repo, "", {"a": b"1"}), write(repo, "", {"b": b"1"})
    made = repo.write(base, {"a": b"2"}, "both", PERSON, NOON_MS, None, also=(other,))
    info = repo.commit(made)
    expect(info is not None and info.parents == (base, other), "further parents follow the base")
    expect(list(repo.files(made)) == ["a"], "they lend no files")


def leaves_nothing_of_what_was_written_aside(repo: Repo) -> None:
    base = write(repo, "", {"a": b"1"})
    with repo.aside() as aside:
        made = write(aside, base, {"a": b"2"})
        expect(dict(aside.revert(made, made) or {}) == {"a": b"1"}, "what is written aside can be worked with")
        expect(aside.read(base, "a") == b"1", "and so can everything that was there")
    expect(repo.commit(made) is None, "afterwards nothing of it is left")


REPO_PROMISES: tuple[Callable[[Repo], None], ...] = (
    writes_the_same_commit_twice,
    reads_what_was_written,
    knows_absence_from_error,
    describes_a_signed_commit,
    deletes_files_and_empty_folders,
    refuses_unsafe_paths,
    tells_history,
    tells_what_was_touched,
    undoes_a_commit,
    moves_refs_all_or_none,
    refuses_impossible_moves,
    lets_one_of_many_writers_win,
    keeps_everything_when_maintained,
    keeps_further_parents,
    leaves_nothing_of_what_was_written_aside,
)


def check_repo(make: Callable[[], Repo]) -> None:
    """Runs every promise on a fresh repository."""
    for promise in REPO_PROMISES:
        try:
            promise(make())
        except HomeostatError as error:
            raise AssertionError(f"broken promise: {promise.__name__}: {error}") from error
