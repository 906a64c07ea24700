"""EmbeddedForge: port `Forge` in the refs of the bare repository. There is no server and no index to lose.

In: drafts, signed reviews, verdicts. Out: pull requests, and landings of exactly the judged head. Every write is one ref
transaction comparing all it relies on; when it was stale, everything is read again. Because a transaction over files can
be cut short by a power failure, refs move in an order in which every part of it is a state that the same call finishes:
a branch before the pull request that names it, the base before the pull request that says so, deletions last.

Opening is serialised by the number: two openers who saw the same shelf want the same number, and the loser reads again
and finds the winner's fingerprint. What lands is checked here for identity only; whether it may is the verdict's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.forges.shelf import PREFIX, Keys, Shelf, Shelved, alarms_of, review_file, state_file
from reconciler.changes.reviews import review_payload
from reconciler.errors import Permanent, Retryable, Tampered
from reconciler.model.judging import Verdict
from reconciler.model.pulls import PullRequest, PullState, Review, Since
from reconciler.model.reasons import Reason
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Alarm, Draft, Landed
from reconciler.ports.repo import MACHINE, RefMove, Repo
from reconciler.ports.signing import Signer, Verifier

ATTEMPTS = 50  # times everything is read again before giving up
MAX_TEXT = 4_000  # characters of a review or a note


@dataclass(frozen=True, slots=True)
class Next:
    """The next state of a pull request, with the files and refs that change beside it."""

    pull: PullRequest
    files: Mapping[str, bytes | None]
    before: tuple[RefMove, ...] = ()  # refs that move before the pull request's own
    after: tuple[RefMove, ...] = ()  # and those after it


class EmbeddedForge:
    """Port `Forge`; `signer` holds the author role, `review_keys` are the raw public keys of the review role."""

    def __init__(
        self, repo: Repo, *, repository: str, clock: Clock, signer: Signer, verifier: Verifier, review_keys: Sequence[bytes]
    ) -> None:
        self._repo = repo
        self._repository = repository
        self._clock = clock
        self._signer = signer
        self._shelf = Shelf(repo, repository, verifier, Keys((signer.public,), tuple(review_keys)))

    # reading

    def get(self, number: int) -> PullRequest | None:
        found = self._shelf.one(number)
        return _proven(found) if found is not None else None

    def list(self, state: str = "") -> Sequence[PullRequest]:
        pulls = [shelved.pull for shelved in self._shelf.all().values() if shelved.pull is not None]
        return [pull for pull in pulls if not state or pull.state.value == state]

    def alarms(self) -> Sequence[Alarm]:
        return alarms_of(list(self._shelf.all().values()))

    # opening

    def open(self, draft: Draft, now_ms: int) -> PullRequest:
        self._check_draft(draft)
        for _ in range(ATTEMPTS):
            shelved = self._shelf.all()
            if (twin := _twin(shelved, draft)) is not None:
                return twin
            pull = _opened(draft, 1 + max(shelved, default=0), now_ms)
            source = self._source_move(draft, shelved)
            if self._write("", Next(pull, {}, before=(source,)), f"Open pull request {pull.number}"):
                return pull
        raise Retryable(f"could not open a pull request for {draft.source}: others kept opening theirs")

    def _check_draft(self, draft: Draft) -> None:
        if draft.repository != self._repository:
            raise Permanent(
                f"{draft.repository!r} is not the repository of this forge", next_step=f"expected {self._repository!r}"
            )
        if draft.source == draft.branch:
            raise Permanent(f"a pull request from {draft.source} onto itself")
        if draft.base == draft.head or not self._repo.is_ancestor(draft.base, draft.head):
            raise Permanent(f"{draft.head[:12]} is no commit on top of {draft.base[:12]}", next_step="build it on its base again")

    def _source_move(self, draft: Draft, shelved: Mapping[int, Shelved]) -> RefMove:
        """Creates the source branch, or adopts one that a crash left without its pull request."""
        name = f"refs/heads/{draft.source}"
        present = self._repo.ref(name) or ""
        theirs = present not in ("", draft.head) and not self._shelf.is_ours(present)
        if theirs or _claimed(shelved, draft.source):
            raise Permanent(f"branch {draft.source} is in use by others", next_step="choose another branch name")
        return RefMove(name, present, draft.head)

    # changing

    def review(self, number: int, review: Review, signature: str) -> PullRequest:
        payload = review_payload(self._repository, number, review)
        key = self._shelf.review_key(payload, signature)
        if key is None:
            raise Permanent("a review without a valid signature counts nothing", next_step="sign it with the review key")
        if len(review.text) > MAX_TEXT:
            raise Permanent(f"a review's text has at most {MAX_TEXT} characters")
        file = review_file(payload, signature, key, review.made_ms)

        def step(shelved: Shelved, pull: PullRequest) -> Next | None:
            _require_open(pull)
            _require_head(pull, review.head)
            if (review.patch, review.trees) != (pull.patch, pull.trees):
                raise Permanent(f"{Reason.HEAD_MOVED}: this review is about another edit", next_step="look at it again")
            return None if set(file) <= set(shelved.reviews) else Next(pull, file)

        return self._change(number, f"Review by {review.principal}: {review.choice}", step)

    def rebuild(self, number: int, base: str, head: str, patch: str, trees: tuple[tuple[str, str], ...]) -> PullRequest:
        if base == head or not self._repo.is_ancestor(base, head):
            raise Permanent(f"{head[:12]} is no commit on top of {base[:12]}")

        def step(_: Shelved, pull: PullRequest) -> Next | None:
            _require_open(pull)
            if (pull.base, pull.head) == (base, head):
                return None
            source = f"refs/heads/{pull.source}"
            present = self._repo.ref(source) or ""
            if present != pull.head and not self._shelf.is_ours(present):  # ours but not the head: a crash cut a rebuild short
                raise Permanent(
                    f"{Reason.HEAD_MOVED}: {pull.source} was pushed to or deleted", next_step="close the pull request"
                )
            fresh = replace(
                pull, base=base, head=head, patch=patch, trees=trees, requirements=(), effect="", reason="", verdict=""
            )
            return Next(fresh, {}, before=(RefMove(source, present, head),))

        return self._change(number, "Rebuild on the moved base", step)

    def show_verdict(self, number: int, verdict: Verdict, record: str) -> PullRequest:
        def step(_: Shelved, pull: PullRequest) -> Next | None:
            _require_open(pull)
            _require_head(pull, verdict.subject.head)
            judged = replace(
                pull, requirements=verdict.requirements, effect=verdict.effect.value, reason=verdict.reason, verdict=record
            )
            return None if judged == pull else Next(judged, {})

        return self._change(number, f"Verdict: {verdict.effect.value}", step)

    def show_since(self, number: int, since: Since) -> PullRequest:
        def step(_: Shelved, pull: PullRequest) -> Next | None:
            told = replace(pull, narrative=replace(pull.narrative, since=since))
            return None if pull.state is not PullState.OPEN or told == pull else Next(told, {})

        return self._change(number, "Seen since", step)

    def close(self, number: int, note: str) -> PullRequest:
        def step(_: Shelved, pull: PullRequest) -> Next | None:
            if pull.state is PullState.MERGED:
                raise Permanent(f"pull request {number} is merged", next_step="revert the commit instead")
            if pull.state is PullState.CLOSED:
                self._repo.move(self._source_deletion(pull))  # a crash cut the deletion off
                return None
            return Next(replace(pull, state=PullState.CLOSED, note=note[:MAX_TEXT]), {}, after=self._source_deletion(pull))

        return self._change(number, "Close", step)

    # landing

    def land(self, pull: PullRequest, by: str) -> Landed:
        judged, head = pull, pull.head
        for _ in range(ATTEMPTS):
            shelved = self._need(judged.number)
            pull = _proven(shelved)
            branch = self._repo.ref(f"refs/heads/{pull.branch}") or ""
            landed = bool(branch) and self._repo.is_ancestor(head, branch)  # a crash cut an earlier call short
            if (answer := self._obstacle(pull, judged, "" if landed else branch)) is not None:
                return answer
            moves = () if landed else (RefMove(f"refs/heads/{pull.branch}", judged.base, head),)
            merged = replace(pull, state=PullState.MERGED, merged=head, merged_by=by)
            step = Next(merged, {}, before=moves, after=self._source_deletion(pull))
            if self._write(shelved.state, step, f"Merge by {by}"):
                return Landed(ok=True, reason=Reason.MERGED, commit=head)
        raise Retryable(f"could not land pull request {judged.number}: its refs kept moving")

    def _obstacle(self, pull: PullRequest, judged: PullRequest, branch: str) -> Landed | None:
        """Which compare fails, None when nothing is in the way; an empty `branch` already holds the head."""
        head, base = judged.head, judged.base
        if pull.state is PullState.MERGED and pull.merged == head:
            self._repo.move(self._source_deletion(pull))  # a crash cut the deletion off
            return Landed(ok=True, reason=Reason.MERGED, commit=head)
        source = self._repo.ref(f"refs/heads/{pull.source}")
        obstacles = (
            (pull.state is not PullState.OPEN, Reason.CLOSED),
            (pull.head != head, Reason.HEAD_MOVED),
            (bool(branch) and source != head, Reason.HEAD_MOVED),
            (bool(branch) and (branch != base or pull.base != base), Reason.BASE_MOVED),
            (bool(branch) and pull.reviews != judged.reviews, Reason.REVIEWED),
        )
        return next((Landed(ok=False, reason=reason) for failed, reason in obstacles if failed), None)

    def _source_deletion(self, pull: PullRequest) -> tuple[RefMove, ...]:
        """Only while it still is the judged head: what somebody pushed on top of it stays."""
        name = f"refs/heads/{pull.source}"
        return (RefMove(name, pull.head, ""),) if self._repo.ref(name) == pull.head else ()

    # writing

    def _need(self, number: int) -> Shelved:
        found = self._shelf.one(number)
        if found is None:
            raise Permanent(f"there is no pull request {number}", next_step="see 'homeostat pr list'")
        return found

    def _change(self, number: int, message: str, step: Callable[[Shelved, PullRequest], Next | None]) -> PullRequest:
        """Takes one step from what is there now; None says that it was taken before."""
        for _ in range(ATTEMPTS):
            shelved = self._need(number)
            pull = _proven(shelved)
            following = step(shelved, pull)
            if following is None:
                return pull
            if self._write(shelved.state, following, message):
                return _proven(self._need(number))
        raise Retryable(f"could not change pull request {number}: others kept changing it")

    def _write(self, state: str, following: Next, message: str) -> bool:
        pull = following.pull
        files = {**state_file(pull), **following.files}
        now = self._clock.now()
        new = self._repo.write(state, files, message, MACHINE, now, self._signer, also=(pull.head,))
        own = RefMove(f"{PREFIX}{pull.number}", state, new)
        return self._repo.move([*following.before, own, *following.after])


def _opened(draft: Draft, number: int, now_ms: int) -> PullRequest:
    return PullRequest(
        number=number,
        repository=draft.repository,
        branch=draft.branch,
        source=draft.source,
        base=draft.base,
        head=draft.head,
        patch=draft.patch,
        trees=draft.trees,
        state=PullState.OPEN,
        author=draft.author,
        narrative=draft.narrative,
        opened_ms=now_ms,
    )


def _twin(shelved: Mapping[int, Shelved], draft: Draft) -> PullRequest | None:
    """The open pull request of the same fingerprint onto the same branch, or the one that held this very commit, in any
    state: a step that runs again after somebody merged or closed it learns that instead of opening it anew.
    """
    pulls = [found.pull for found in shelved.values() if found.pull is not None and found.pull.branch == draft.branch]
    still_open = (
        pull for pull in pulls if pull.state is PullState.OPEN and pull.narrative.fingerprint == draft.narrative.fingerprint
    )
    return next(still_open, None) or next((pull for pull in pulls if pull.head == draft.head), None)


def _claimed(shelved: Mapping[int, Shelved], source: str) -> bool:
    """Whether an open pull request comes from this branch."""
    pulls = [found.pull for found in shelved.values() if found.pull is not None]
    return any(pull.state is PullState.OPEN and pull.source == source for pull in pulls)


def _proven(shelved: Shelved) -> PullRequest:
    if shelved.pull is None:
        raise Tampered(shelved.alarms[0].what)
    return shelved.pull


def _require_open(pull: PullRequest) -> None:
    if pull.state is not PullState.OPEN:
        raise Permanent(f"pull request {pull.number} is {pull.state.value}", next_step="nothing more can be said about it")


def _require_head(pull: PullRequest, head: str) -> None:
    if pull.head != head:
        raise Permanent(
            f"{Reason.HEAD_MOVED}: this is about {head[:12]}, pull request {pull.number} is now at {pull.head[:12]}",
            next_step="look at it again",
        )
