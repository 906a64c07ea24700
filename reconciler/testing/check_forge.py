"""The conformance kit of port `Forge`: every promise runs on a fresh bench, with pushes by people in between.

In: a `Bench`, a forge with the repository behind it and the signer of reviews that it trusts. Out: nothing, or
AssertionError with the promise that was broken.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from reconciler.changes.reviews import sign_review
from reconciler.model.judging import Decision, Effect, Judge, Requirement, Status, Subject, Verdict
from reconciler.model.pulls import Narrative, PullRequest, PullState, Review, ReviewChoice, Since
from reconciler.model.reasons import Reason
from reconciler.ports.forge import Draft, Forge
from reconciler.ports.repo import MACHINE, RefMove, Repo
from reconciler.ports.signing import Signer
from reconciler.testing.check_repo import MAIN, NOON_MS, refused, write
from reconciler.testing.expecting import expect


@dataclass(frozen=True, slots=True)
class Bench:
    """A forge to try, empty, with what a trial needs beside it."""

    repo: Repo
    forge: Forge
    repository: str
    reviewer: Signer
    author: Signer


def a_narrative(fingerprint: str = "f-1") -> Narrative:
    return Narrative("Roll back checkout", "It got slow.", ("p99 rose",), ("1.4.3 -> 1.4.2",), "faster", "checkout", "git revert",
                     "i-1", "rollback", fingerprint)  # fmt: skip


def start(bench: Bench) -> str:
    """A protected branch with one commit."""
    root = write(bench.repo, "", {"apps/shop/checkout.yaml": b"release: 2\n", "README.md": b"hi\n"}, "root")
    expect(bench.repo.move([RefMove(MAIN, "", root)]), "a protected branch to start from")
    return root


def a_draft(bench: Bench, base: str, fingerprint: str = "f-1", content: bytes = b"release: 1\n") -> Draft:
    files = {"apps/shop/checkout.yaml": content}
    head = bench.repo.write(base, files, "Repair " + fingerprint, MACHINE, NOON_MS, bench.author)
    trees = (("shop", bench.repo.tree(head, "apps/shop") or ""),)
    source = f"homeostat/{fingerprint}"
    return Draft(
        bench.repository, "main", source, base, head, f"sha256:{content!r}", trees, "homeostat", a_narrative(fingerprint)
    )


def opened(bench: Bench) -> PullRequest:
    return bench.forge.open(a_draft(bench, start(bench)), NOON_MS)


def a_review(pull: PullRequest, choice: ReviewChoice = ReviewChoice.APPROVE, made_ms: int = NOON_MS) -> Review:
    return Review("ada", choice, pull.head, pull.patch, pull.trees, "cli", made_ms, "looks right")


def give(bench: Bench, pull: PullRequest, review: Review) -> PullRequest:
    return bench.forge.review(pull.number, review, sign_review(bench.repository, pull.number, review, bench.reviewer))


def push_by_a_person(bench: Bench, path: str = "README.md", content: bytes = b"hello\n") -> str:
    tip = bench.repo.ref(MAIN) or ""
    made = write(bench.repo, tip, {path: content}, "a person's work")
    expect(bench.repo.move([RefMove(MAIN, tip, made)]), "a person pushes")
    return made


def a_verdict(pull: PullRequest, effect: Effect = Effect.MERGE) -> Verdict:
    rows = (Requirement("budget", Status.SATISFIED, Reason.ALLOWED, "merges < 5", (("merges", "1"),)),)
    subject = Subject(pull.repository, pull.branch, pull.base, pull.head, pull.patch, pull.trees, "sha256:policy")
    return Verdict(subject, effect, Reason.ALLOWED, (Decision(Judge.POLICY, effect, Reason.ALLOWED, rows, "p.yaml:1"),), NOON_MS)


def opens_and_reads_back(bench: Bench) -> None:
    pull = opened(bench)
    expect(pull.state is PullState.OPEN and pull.number > 0, "a new pull request is open")
    expect(bench.forge.get(pull.number) == pull and bench.forge.list() == [pull], "what was opened is read back whole")
    expect(bench.repo.ref(f"refs/heads/{pull.source}") == pull.head, "its branch holds its head")
    expect(bench.forge.get(pull.number + 1) is None and bench.forge.get(0) is None, "an unknown number is None")


def opens_a_fingerprint_once(bench: Bench) -> None:
    root = start(bench)
    first = bench.forge.open(a_draft(bench, root), NOON_MS)
    again = bench.forge.open(a_draft(bench, root, content=b"release: 0\n"), NOON_MS + 1)
    expect(again == first, "the same fingerprint is the open pull request, unchanged")
    other = bench.forge.open(a_draft(bench, root, "f-2"), NOON_MS)
    expect([p.number for p in bench.forge.list()] == [other.number, first.number], "another fingerprint is another, newest first")
    bench.forge.close(first.number, "not wanted")
    expect(bench.forge.open(a_draft(bench, root), NOON_MS).number == first.number, "this very commit is not opened anew")
    third = bench.forge.open(a_draft(bench, root, content=b"release: 0\n"), NOON_MS)
    expect(third.number not in (first.number, other.number), "another repair of the same trouble is a new one")
    expect({p.number for p in bench.forge.list("open")} == {other.number, third.number}, "lists by state")


def opens_once_under_contention(bench: Bench) -> None:
    root = start(bench)
    drafts = [a_draft(bench, root, f"f-{n % 2}") for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        pulls = list(pool.map(lambda draft: bench.forge.open(draft, NOON_MS), drafts))
    expect(len({p.number for p in pulls}) == 2 == len(bench.forge.list("open")), "one pull request for each fingerprint")


def adopts_a_leftover_branch(bench: Bench) -> None:
    draft = a_draft(bench, start(bench))
    stale = a_draft(bench, draft.base, content=b"release: 0\n")
    expect(bench.repo.move([RefMove(f"refs/heads/{draft.source}", "", stale.head)]), "a crash left the branch behind")
    pull = bench.forge.open(draft, NOON_MS)
    expect(bench.repo.ref(f"refs/heads/{pull.source}") == draft.head, "the leftover branch is adopted")


def refuses_drafts_that_cannot_land(bench: Bench) -> None:
    draft = a_draft(bench, start(bench))
    for wrong in (
        replace(draft, repository="elsewhere"),
        replace(draft, source="main"),
        replace(draft, head=draft.base),
        replace(draft, base=draft.head, head=draft.base),
        replace(draft, head="1" * 40),
    ):
        refused(lambda wrong=wrong: bench.forge.open(wrong, NOON_MS))  # type: ignore[misc]
    bench.forge.open(draft, NOON_MS)
    second = a_draft(bench, draft.base, "f-2")
    refused(lambda: bench.forge.open(replace(second, source=draft.source), NOON_MS))
    expect(len(bench.forge.list()) == 1, "nothing half done")


def keeps_reviews_of_this_edit(bench: Bench) -> None:
    pull = opened(bench)
    review = a_review(pull)
    expect(give(bench, pull, review).reviews == (review,), "a signed review counts")
    expect(give(bench, pull, review).reviews == (review,), "the same review again is one review")
    later = a_review(pull, ReviewChoice.REJECT, NOON_MS + 5)
    expect(give(bench, pull, later).reviews == (review, later), "reviews are in the order they were made")


def refuses_reviews_that_prove_nothing(bench: Bench) -> None:
    pull = opened(bench)
    review = a_review(pull)
    good = sign_review(bench.repository, pull.number, review, bench.reviewer)
    elsewhere = sign_review(bench.repository, pull.number + 1, review, bench.reviewer)
    by_author = sign_review(bench.repository, pull.number, review, bench.author)
    for signature in ("", "not base64!", good[:-8], elsewhere, by_author):
        refused(lambda signature=signature: bench.forge.review(pull.number, review, signature))  # type: ignore[misc]
    refused(lambda: bench.forge.review(pull.number, replace(review, principal="eve"), good))
    refused(lambda: bench.forge.review(pull.number + 1, review, elsewhere))
    for stale in (replace(review, head=pull.base), replace(review, patch="sha256:other"), replace(review, trees=())):
        expect(Reason.HEAD_MOVED in refused(lambda stale=stale: give(bench, pull, stale)), "a review of another edit is refused")  # type: ignore[misc]
    found = bench.forge.get(pull.number)
    expect(found is not None and found.reviews == (), "none of them counts")


def rebuilds_on_a_moved_base(bench: Bench) -> None:
    pull = opened(bench)
    give(bench, pull, a_review(pull))
    bench.forge.show_verdict(pull.number, a_verdict(pull), "sha256:record")
    base = push_by_a_person(bench)
    draft = a_draft(bench, base)
    for _ in range(2):
        same = bench.forge.rebuild(pull.number, base, draft.head, draft.patch, draft.trees)
        expect((same.base, same.head, len(same.reviews)) == (base, draft.head, 1), "the same edit keeps its reviews")
        expect((same.verdict, same.requirements) == ("", ()), "a verdict is about one head")
    other = a_draft(bench, base, content=b"release: 0\n")
    expect(not bench.forge.rebuild(pull.number, base, other.head, other.patch, other.trees).reviews, "another edit has none")
    expect(bench.repo.ref(f"refs/heads/{pull.source}") == other.head, "the branch follows")
    refused(lambda: bench.forge.rebuild(pull.number, other.head, base, other.patch, other.trees))


def shows_the_verdict_on_this_head(bench: Bench) -> None:
    pull = opened(bench)
    verdict = a_verdict(pull, Effect.REVIEW)
    shown = bench.forge.show_verdict(pull.number, verdict, "sha256:record")
    expect(
        (shown.effect, shown.verdict, shown.requirements) == ("review", "sha256:record", verdict.requirements), "verdict is shown"
    )
    stale = replace(verdict, subject=replace(verdict.subject, head=pull.base))
    refused(lambda: bench.forge.show_verdict(pull.number, stale, "sha256:other"))


def shows_what_was_seen_since(bench: Bench) -> None:
    pull = opened(bench)
    review, since = a_review(pull), Since("seen again", doubts=True)
    judged = bench.forge.show_verdict(give(bench, pull, review).number, a_verdict(pull), "sha256:record")
    for _ in range(2):
        shown = bench.forge.show_since(pull.number, since)
        expect(shown == replace(judged, narrative=replace(judged.narrative, since=since)), "what was seen is added, and no more")
    expect(bench.forge.get(pull.number) == shown, "and is read back")
    landed = bench.forge.land(judged, "homeostat")
    expect(landed.ok, "words are no obstacle to what was judged before them")
    late = bench.forge.show_since(pull.number, Since("too late", doubts=False))
    expect(late == bench.forge.get(pull.number) and late.narrative.since == since, "one that is over stays as it is")
    refused(lambda: bench.forge.show_since(pull.number + 7, since))


def lands_exactly_the_judged_head(bench: Bench) -> None:
    pull = opened(bench)
    for _ in range(2):
        landed = bench.forge.land(pull, "homeostat")
        expect(
            landed.ok and landed.reason == Reason.MERGED and landed.commit == pull.head, "landing, and landing again, says merged"
        )
    expect(bench.repo.ref(MAIN) == pull.head, "the base is fast-forwarded to exactly the head")
    expect(bench.repo.ref(f"refs/heads/{pull.source}") is None, "the source branch is gone")
    found = bench.forge.get(pull.number)
    expect(
        found is not None and (found.state, found.merged, found.merged_by) == (PullState.MERGED, pull.head, "homeostat"),
        "it says so",
    )
    push_by_a_person(bench)
    expect(bench.forge.land(pull, "homeostat").ok, "also after others pushed")
    refused(lambda: bench.forge.close(pull.number, "too late"))
    refused(lambda: give(bench, pull, a_review(pull)))


def refuses_to_land_on_a_moved_base(bench: Bench) -> None:
    pull = opened(bench)
    theirs = push_by_a_person(bench)
    for base in (pull.base, theirs):
        landed = bench.forge.land(replace(pull, base=base), "homeostat")
        expect(not landed.ok and landed.reason == Reason.BASE_MOVED, "a moved base is said")
    expect(bench.repo.ref(MAIN) == theirs, "and left alone")
    found = bench.forge.get(pull.number)
    expect(found is not None and found.state is PullState.OPEN, "the pull request stays open")


def refuses_to_land_a_moved_head(bench: Bench) -> None:
    pull = opened(bench)
    source = f"refs/heads/{pull.source}"
    expect(bench.forge.land(replace(pull, head=pull.base), "homeostat").reason == Reason.HEAD_MOVED, "another head is said")
    pushed = write(bench.repo, pull.head, {"README.md": b"x"}, "on top")
    expect(bench.repo.move([RefMove(source, pull.head, pushed)]), "a person pushes to the branch")
    expect(bench.forge.land(pull, "homeostat").reason == Reason.HEAD_MOVED, "a push on top is said")
    base = push_by_a_person(bench)
    draft = a_draft(bench, base)
    refused(lambda: bench.forge.rebuild(pull.number, base, draft.head, draft.patch, draft.trees))
    expect(bench.repo.ref(source) == pushed, "nobody's push is lost")


def refuses_to_land_what_was_reviewed_since_it_was_judged(bench: Bench) -> None:
    pull = opened(bench)
    rejected = give(bench, pull, a_review(pull, ReviewChoice.REJECT))
    landed = bench.forge.land(pull, "homeostat")
    expect(not landed.ok and landed.reason == Reason.REVIEWED, "a review that the judges have not seen is said")
    expect(bench.repo.ref(MAIN) == pull.base, "and nothing lands")
    expect(bench.forge.land(rejected, "homeostat").ok, "what it says is the verdict's business")


def finishes_a_landing_that_was_cut_short(bench: Bench) -> None:
    pull = opened(bench)
    expect(bench.repo.move([RefMove(MAIN, pull.base, pull.head)]), "power failed after the base moved")
    push_by_a_person(bench)
    landed = bench.forge.land(pull, "homeostat")
    found = bench.forge.get(pull.number)
    expect(landed.ok and found is not None and found.state is PullState.MERGED, "the next landing says merged")
    expect(bench.repo.ref(f"refs/heads/{pull.source}") is None, "and clears the branch")


def lands_one_of_two(bench: Bench) -> None:
    root = start(bench)
    pulls = [bench.forge.open(a_draft(bench, root, f"f-{n}", b"%d" % n), NOON_MS) for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda p: bench.forge.land(p, "homeostat"), pulls))
    expect(sorted(r.reason for r in results) == [Reason.BASE_MOVED, Reason.MERGED], "one lands, the other's base moved")


def closes(bench: Bench) -> None:
    pull = opened(bench)
    for _ in range(2):
        closed = bench.forge.close(pull.number, "not wanted")
        expect((closed.state, closed.note) == (PullState.CLOSED, "not wanted"), "closing, and closing again, says closed")
    expect(bench.repo.ref(f"refs/heads/{pull.source}") is None, "the source branch is gone")
    expect(bench.forge.land(pull, "homeostat").reason == Reason.CLOSED, "a closed one does not land")
    bench.repo.maintain()
    expect(bench.repo.commit(pull.head) is not None, "what was proposed is kept")
    refused(lambda: bench.forge.close(pull.number + 7, "unknown"))


def alarms_about_nothing_that_is_in_order(bench: Bench) -> None:
    expect(not bench.forge.alarms(), "an empty forge is in order")
    pull = opened(bench)
    give(bench, pull, a_review(pull))
    bench.forge.close(pull.number, "not wanted")
    expect(not bench.forge.alarms(), "and so is what was made through it")


FORGE_PROMISES: tuple[Callable[[Bench], None], ...] = (
    opens_and_reads_back,
    opens_a_fingerprint_once,
    opens_once_under_contention,
    adopts_a_leftover_branch,
    refuses_drafts_that_cannot_land,
    keeps_reviews_of_this_edit,
    refuses_reviews_that_prove_nothing,
    rebuilds_on_a_moved_base,
    shows_the_verdict_on_this_head,
    shows_what_was_seen_since,
    lands_exactly_the_judged_head,
    refuses_to_land_on_a_moved_base,
    refuses_to_land_a_moved_head,
    refuses_to_land_what_was_reviewed_since_it_was_judged,
    finishes_a_landing_that_was_cut_short,
    lands_one_of_two,
    closes,
    alarms_about_nothing_that_is_in_order,
)


def check_forge(make: Callable[[], Bench]) -> None:
    """Runs every promise on a fresh bench."""
    for promise in FORGE_PROMISES:
        promise(make())
