"""The shelf: pull requests as they lie in `refs/homeostat/pr/<N>`, read with every signature checked.

One ref per pull request, each state one commit on the last: `pr.json` is the canonical pull request without its reviews,
`reviews/` holds each review as {payload, signature, key}. The pull request's head is a further parent of every state, so
that no branch deletion can ever lose what was judged. Access to the files goes around every hook, hence the checks:

1. The state commit is signed by one of the machine's author keys.
2. `pr.json` names the number and repository it lies under.
3. A review counts only if one of the review keys signed its exact bytes, it names this pull request, and it is
   about the present edit. One that fails the signature or the name raises an alarm; one about an earlier edit is only old.

What fails 1 or 2 is no pull request but an alarm. A state is immutable, so that what was once checked is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.changes.reviews import decode_signature, review_payload, signed_bytes
from reconciler.errors import Permanent, Tampered
from reconciler.model.canonical import decode, digest, encode
from reconciler.model.pulls import PullRequest, Review
from reconciler.ports.forge import Alarm
from reconciler.ports.repo import Repo
from reconciler.ports.signing import Verifier

PREFIX = "refs/homeostat/pr/"
MAX_REMEMBERED = 4_096  # states; a few kilobytes each
MAX_REVIEWS = 500  # read of one pull request


@dataclass(frozen=True, slots=True)
class Shelved:
    """One checked state. `pull` is None when the state itself proves nothing."""

    state: str
    pull: PullRequest | None
    reviews: tuple[str, ...]  # paths of all reviews, counting or not
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """Whose signatures count: raw public keys of the machine's author role and of the review role."""

    author: tuple[bytes, ...]
    review: tuple[bytes, ...]


class Shelf:
    """Reads pull requests of one repository."""

    def __init__(self, repo: Repo, repository: str, verifier: Verifier, keys: Keys) -> None:
        self._repo = repo
        self._repository = repository
        self._verifier = verifier
        self._keys = keys
        self._remembered: dict[tuple[str, str], Shelved] = {}

    def all(self) -> Mapping[int, Shelved]:
        """Every pull request by number, newest first, including those that only raise an alarm."""
        found = self._repo.refs(PREFIX)
        numbered = {int(name[len(PREFIX) :]): tip for name, tip in found.items() if _is_number(name[len(PREFIX) :])}
        return {number: self._checked(number, numbered[number]) for number in sorted(numbered, reverse=True)}

    def one(self, number: int) -> Shelved | None:
        tip = self._repo.ref(f"{PREFIX}{number}") if number > 0 else None
        return self._checked(number, tip) if tip else None

    def is_ours(self, commit: str) -> bool:
        """Whether a commit carries the machine's signature: then no person's work is in it."""
        info = self._repo.commit(commit)
        return info is not None and self._verifier.verify_ssh(info.signature, info.signed, "git") in self._keys.author

    def review_key(self, payload: bytes, signature: str) -> bytes | None:
        """Which review key made this signature."""
        raw, message = decode_signature(signature), signed_bytes(payload)
        return next((key for key in self._keys.review if self._verifier.verify(key, message, raw)), None)

    def _checked(self, number: int, tip: str) -> Shelved:
        name = (f"{PREFIX}{number}", tip)
        if name not in self._remembered:
            while len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[name] = self._check(number, tip)
        return self._remembered[name]

    def _check(self, number: int, tip: str) -> Shelved:
        ref = f"{PREFIX}{number}"
        try:
            pull, files = self._state(number, tip)
        except (Permanent, Tampered) as error:
            return Shelved(tip, None, (), (Alarm(ref, str(error)),))
        reviews, alarms = [], []
        paths = sorted(path for path in files if path.startswith("reviews/"))
        for path in paths[:MAX_REVIEWS]:
            try:
                reviews.append(self._review(number, self._repo.blob(files[path])))
            except (Permanent, Tampered) as error:
                alarms.append(Alarm(ref, f"{path}: {error}"))
        counting = tuple(r for r in reviews if (r.patch, r.trees) == (pull.patch, pull.trees))
        return Shelved(tip, replace(pull, reviews=counting), tuple(paths), tuple(alarms))

    def _state(self, number: int, tip: str) -> tuple[PullRequest, Mapping[str, str]]:
        """Steps 1 and 2."""
        if not self.is_ours(tip):  # 1
            raise Tampered(
                "the state of this pull request lacks the machine's signature", next_step="restore the ref from a mirror"
            )
        files = self._repo.files(tip)
        pull = decode(PullRequest, _json(self._repo.blob(files.get("pr.json", ""))))
        if (pull.number, pull.repository) != (number, self._repository):  # 2
            raise Tampered("this state belongs to another pull request", next_step="restore the ref from a mirror")
        return pull, files

    def _review(self, number: int, raw: bytes) -> Review:
        """Step 3."""
        kept = decode(KeptReview, _json(raw))
        payload = kept.payload.encode()
        if self.review_key(payload, kept.signature) is None:
            raise Tampered("a review whose signature proves nothing")
        review = decode(SignedReview, _json(payload)).review
        if payload != review_payload(self._repository, number, review):
            raise Tampered("a review of another pull request")
        return review


@dataclass(frozen=True, slots=True)
class KeptReview:
    """`reviews/*.json`; `key` is for people who check by hand, trust comes from the configured keys alone."""

    payload: str
    signature: str
    key: str


@dataclass(frozen=True, slots=True)
class SignedReview:
    repository: str
    number: int
    review: Review


def state_file(pull: PullRequest) -> dict[str, bytes | None]:
    return {"pr.json": encode(replace(pull, reviews=()))}


def review_file(payload: bytes, signature: str, key: bytes, made_ms: int) -> dict[str, bytes | None]:
    """Named by time and content: the same review again is the same file."""
    name = f"reviews/{made_ms:015d}-{digest(payload)[7:23]}.json"
    return {name: encode(KeptReview(payload.decode(), signature, key.hex()))}


def alarms_of(shelved: Sequence[Shelved]) -> tuple[Alarm, ...]:
    return tuple(alarm for state in shelved for alarm in state.alarms)


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Tampered(f"not canonical JSON: {error}") from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and not text.startswith("0") and len(text) < 10
