"""What the fields of a status say about health besides its conditions: words, errors, flags and counts.

In: a status as it is. Out: evidence, each piece with the top field of the status that it stands in,
`status.NAME`. Good words count on the
first level only; what is bad counts on every level, and so does a field whose name tells of failure and that is not empty,
such as `failedNodes`. What contradicts conditions that say that all is well is a doubt. Every walk is bounded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.health.conditions import Evidence
from reconciler.health.facts import MAX_LOOKED_AT, of_the_past, whole
from reconciler.health.words import MAX_WORD, Tone, last_token, prose, tokens, tone

_WORDS: Final = ("phase", "state", "status", "health")  # ends of the names of fields that hold a word
_RESULTS: Final = ("result", "verdict", "reason", "outcome", "conclusion", "compliant", "compliance")  # of which only bad counts
_MESSAGES: Final = ("message", "msg")
_NO_ERROR: Final = frozenset({"none", "null", "nil", "no error", "noerror", "n/a", "ok", "0", "false"})
_ERRORS: Final = frozenset({
    "error", "errors", "err", "errs", "errormsg", "errormessage", "failure", "failures", "problem", "problems", "violations",
})  # fmt: skip
# What may follow: errorDescription is an error, errorBudget and failureDomains are none.
_OF_AN_ERROR: Final = frozenset({
    "message", "messages", "msg", "reason", "reasons", "description", "text", "detail", "details", "info", "type", "code",
    "string", "list", "count", "number", "total",
})  # fmt: skip
# Of a name with one of these, such as failedAt or failoverTimeout, being there says nothing.
_NO_THINGS: Final = frozenset({
    "at", "time", "timestamp", "timeout", "seconds", "threshold", "limit", "limits", "budget", "domain", "domains", "tolerance",
    "policy", "deadline", "max", "min", "rate", "percent", "ttl", "expiry", "expiration", "duration", "date", "on", "by",
    "history", "allowed", "tolerated",
})  # fmt: skip
_LATE: Final = tuple((word,) for word in ("unavailable", "unready", "pending", "outdated"))  # firsts of names of what is late
# Ends of names of fields whose word is chosen or given, not reported.
_GIVEN: Final = frozenset({
    "name", "id", "policy", "strategy", "mode", "type", "class", "action", "kind", "level", "severity", "version", "image",
    "key", "ref", "namespace", "cluster", "node", "host", "region", "zone", "user", "role", "algorithm", "method", "plan",
    "tier", "profile", "channel", "branch", "tag", "label", "source", "target", "effect", "description", "address", "path",
    "url", "group", "protocol", "provider",
})  # fmt: skip
MAX_BELOW: Final = 5_000  # names and items below one field: the state of each node of a large cluster
MAX_DEPTH: Final = 60
MAX_SPACES: Final = 3  # in a word for a state: more is a sentence
_ONE_WORD: Final = re.compile(r"[A-Za-z]+(?:[-_]?[A-Za-z]+)*")
_OF: Final = re.compile(r"(\d{1,9})/(\d{1,9})")  # 1/3
_DOINGS: Final = ("build", "backup", "restore", "scan", "test", "upgrade", "migration")
_ON_THE_WAY: Final = frozenset({"running", "active", "started", "scheduled", "created", "accepted", "launched"})
_FLAGS: Final = frozenset({
    "ready", "readytouse", "healthy", "available", "valid", "synced", "deployed", "applied", "provisioned", "connected",
    "complete", "completed", "success", "succeeded", "successful", "isready", "isconnected", "pass", "passed", "compliant",
})  # fmt: skip
_SWITCHES: Final = frozenset({"active", "enabled", "running", "online", "live"})  # may be off
_ASKING: Final = frozenset({"is", "are", "has", "all"})  # before a flag, as in isReady
# Both in the status: fewer of the one than of the other.
_PAIRS: Final = (("ready", ""), ("healthy", ""), ("ready", "desired"), ("ready", "total"), ("current", "desired"))


@dataclass(frozen=True, slots=True)
class _Look:
    """How words are to be taken: `settled` while conditions say that all is well, `over` when it has run to a good end,
    `ends` of a kind that runs to an end. `head` is the last word of the kind: what is called so is the whole, not a part.
    """

    settled: bool
    over: bool
    ends: bool
    head: str

    def doubt(self, text: str, field: str) -> Evidence:
        """Bad, unless the conditions say that all is well: two that contradict each other are a doubt."""
        return Evidence(Tone.BUSY if self.settled else Tone.BAD, text, field)


def of_status(status: Mapping[str, Any], *, settled: bool, over: bool, ends: bool, head: str) -> Iterator[Evidence]:
    """All that the fields of a status say."""
    look = _Look(settled, over, ends, head)
    for name, value in list(status.items())[:MAX_LOOKED_AT]:
        if isinstance(name, str) and name != "conditions" and len(name) <= MAX_WORD:
            yield from _field(name, value, f"status.{name}", f"status.{name}", look)
    for name, text in _fewer(status, "status"):
        yield Evidence(Tone.BUSY, text, f"status.{name}")


def _field(name: str, value: object, where: str, top: str, look: _Look) -> Iterator[Evidence]:
    """One field of the first level, or of a map there that holds the word for the whole, such as status.health.status."""
    if isinstance(value, bool):
        yield from _flag(name, value, where, top)
    elif isinstance(value, str):
        yield from _text(name, value.strip(), where, top, look)
    elif isinstance(value, Mapping) and where.count(".") == 1 and _of_the_whole(name, look.head):
        for key, part in list(value.items())[:MAX_LOOKED_AT]:
            if isinstance(key, str) and len(key) <= MAX_WORD:
                yield from _field(key, part, f"{where}.{key}", top, look)
    elif not (isinstance(value, (list, tuple)) and of_the_past(name)):
        for sort, text in _below(value, where, [MAX_BELOW], 1):
            yield Evidence(sort, text, top)
    if not isinstance(value, (bool, str)):
        yield from _named(name, value, where, top, look)


def _of_the_whole(name: str, head: str) -> bool:
    """Of status.health, and of applicationState of a SparkApplication."""
    return name in _WORDS or (bool(head) and name.lower().removeprefix(head) in _WORDS)


def _flag(name: str, value: bool, where: str, top: str) -> Iterator[Evidence]:
    text, sort = f"{where} is {str(value).lower()}", tone(name)
    if name.lower() in _FLAGS:
        yield Evidence(Tone.GOOD if value else Tone.BUSY, text, top)
    elif value and sort is Tone.BAD and tone(last_token(name)) is Tone.BAD and not of_the_past(name):
        yield Evidence(sort, text, top)
    elif len(_ASKING.union(tokens(name))) > len(_ASKING) + 1:
        return  # tlsDisabled and backupConfigured are of a part that need not be there
    elif value and sort in (Tone.BUSY, Tone.PAUSED):
        yield Evidence(sort, text, top)
    elif not value and sort is Tone.GOOD and last_token(name) not in _SWITCHES:
        yield Evidence(Tone.BUSY, text, top)


def _text(name: str, value: str, where: str, top: str, look: _Look) -> Iterator[Evidence]:
    low = name.lower()
    if not value:
        return
    if low.endswith(_WORDS):
        yield _word(low, value, f"{where} is {value}", top, look)
    elif low in _FLAGS:
        yield from _flag_in_words(name, value, where, top)
    elif _is_error(name):
        if _tells(value):
            yield Evidence(Tone.BUSY if of_the_past(name) else Tone.BAD, f"{where}: {value}", top)
    elif not of_the_past(name):
        yield from _any_text(name, value, where, top, look)


def _any_text(name: str, value: str, where: str, top: str, look: _Look) -> Iterator[Evidence]:
    """Of texts that need not be about health only what tells of failure counts."""
    low = name.lower()
    if low.endswith(_MESSAGES):
        if prose(value) is Tone.BAD:
            yield look.doubt(f"{where}: {value}", top)
    elif tone(value) is not Tone.BAD:
        return
    elif low.endswith(_RESULTS):
        yield Evidence(Tone.BAD, f"{where} is {value}", top)
    elif _ONE_WORD.fullmatch(value) and last_token(name) not in _GIVEN:
        yield look.doubt(f"{where} is {value}", top)


def _word(low: str, value: str, text: str, top: str, look: _Look) -> Evidence:
    """An unknown word is no evidence while conditions say that all is well, and a doubt otherwise. A sentence with a good word in
    it proves nothing.
    """
    on = look.ends or low.startswith(_DOINGS)
    sort = Tone.BUSY if on and value.lower() in _ON_THE_WAY else tone(value)
    if len(value) > MAX_WORD:
        sort = prose(value)
    elif sort is Tone.GOOD and value.count(" ") > MAX_SPACES:
        sort = Tone.NONE
    return Evidence(Tone.GOOD if sort is Tone.NONE and look.settled else sort, text, top)


def _flag_in_words(name: str, value: str, where: str, top: str) -> Iterator[Evidence]:
    """`ready: "False"` and `ready: 1/3`."""
    if value.lower() in ("true", "false"):
        yield from _flag(name, value.lower() == "true", where, top)
    elif found := _OF.fullmatch(value):
        there, wanted = int(found[1]), int(found[2])
        yield Evidence(Tone.BUSY if there < wanted else Tone.GOOD, f"{where} is {value}", top)
    else:
        sort = tone(value)
        yield Evidence(sort if sort is not Tone.GOOD else Tone.NONE, f"{where} is {value}", top)


def _named(name: str, value: object, where: str, top: str, look: _Look) -> Iterator[Evidence]:
    """A field whose name tells of failure: an error, or things that failed."""
    if not _tells(value):
        return
    if _is_error(name) and not (whole(value) and look.over):
        past = of_the_past(name) or (whole(value) and look.settled)
        yield Evidence(Tone.BUSY if past else Tone.BAD, f"{where} is not empty", top)
    elif _are_failed(name) and not look.over and not of_the_past(name):
        yield look.doubt(f"{where} is {value}" if whole(value) else f"{where} is not empty", top)
    elif whole(value) and _are_late(name) and not look.over:
        yield Evidence(Tone.BUSY, f"{where} is {value}", top)


def _tells(value: object) -> bool:
    """Whether a field for an error holds one: some controllers write that there is none."""
    if isinstance(value, Mapping):
        return any(value.values())
    return bool(value) and not (isinstance(value, str) and value.strip().lower() in _NO_ERROR)


@functools.lru_cache(maxsize=4_096)
def _is_error(name: str) -> bool:
    words = tokens(name)
    while len(words) > 1 and words[-1] in _OF_AN_ERROR:
        words = words[:-1]
    return bool(words) and words[-1] in _ERRORS


@functools.lru_cache(maxsize=4_096)
def _are_failed(name: str) -> bool:
    """Of failedNodes or podsUnhealthy."""
    words = tokens(name)
    return bool(words) and _NO_THINGS.isdisjoint(words) and Tone.BAD in (tone(words[0]), tone(words[-1]))


@functools.lru_cache(maxsize=4_096)
def _are_late(name: str) -> bool:
    """Of unavailableReplicas or notReadyNodes."""
    words = tokens(name)
    return _NO_THINGS.isdisjoint(words) and (words[:1] in _LATE or words[:2] == ("not", "ready"))


def _below(part: object, where: str, left: list[int], depth: int) -> Iterator[tuple[Tone, str]]:
    """Words below the first level tell of trouble; a good one there does not speak for the whole. `left` bounds the walk."""
    for item in part if isinstance(part, (list, tuple)) else (part,):
        left[0] -= 1
        if left[0] < 0:
            return
        if isinstance(item, Mapping):
            yield from _map_below(item, where, left, depth)


def _map_below(part: Mapping[str, Any], where: str, left: list[int], depth: int) -> Iterator[tuple[Tone, str]]:
    for _, text in _fewer(part, where):
        yield Tone.BUSY, text
    for key, value in part.items():
        left[0] -= 1
        if left[0] < 0:
            return
        if not isinstance(key, str) or len(key) > MAX_WORD:
            continue
        if isinstance(value, str):
            yield from _word_below(key, value, f"{where}.{key}", depth)
        elif value is False and key == "success":
            yield Tone.BAD, f"{where}.success is false"
        elif whole(value) and value > 0 and (_is_error(key) or _are_failed(key)):
            yield Tone.BUSY, f"{where}.{key} is {value}"
        elif isinstance(value, (list, tuple, Mapping)) and depth < MAX_DEPTH and key != "conditions" and not of_the_past(key):
            yield from _part_below(key, value, f"{where}.{key}", left, depth + 1)


def _part_below(key: str, value: object, where: str, left: list[int], depth: int) -> Iterator[tuple[Tone, str]]:
    if _is_error(key) and _tells(value):
        yield Tone.BAD, f"{where} is not empty"
    yield from _below(value, where, left, depth)


def _word_below(key: str, value: str, where: str, depth: int) -> Iterator[tuple[Tone, str]]:
    if _is_error(key):
        if _tells(value) and not of_the_past(key):
            yield Tone.BAD, f"{where}: {value}"
    elif key.lower().endswith(_WORDS):
        sort = tone(value) if len(value) <= MAX_WORD else prose(value)
        if sort is Tone.BAD or depth == 1:
            # Of a part such as activityStreamStatus, standing still is not the pause of the whole.
            said = Tone.NONE if sort is Tone.GOOD or (sort is Tone.PAUSED and key not in _WORDS) else sort
            yield said, f"{where} is {value}"
    elif key.lower().endswith(_RESULTS) and not of_the_past(key) and tone(value) is Tone.BAD:
        yield Tone.BAD, f"{where} is {value}"


def _fewer(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Fewer that are ready than there should be, of whatever: readyMembers of members, currentHealthy of desiredHealthy."""
    for name, found in list(part.items())[:MAX_LOOKED_AT]:
        if not whole(found) or not isinstance(name, str):
            continue
        for first, other in _PAIRS:
            rest = name.removeprefix(first)
            if rest != name and rest[:1].isupper():
                wanted = part.get(f"{other}{rest}" if other else rest[0].lower() + rest[1:])
                if whole(wanted) and found < wanted:
                    yield name, f"{found} of {wanted} {where}.{name}"
