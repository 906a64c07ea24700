"""What a word of a status says: bad, busy, paused, good, or nothing we know.

Controllers write the same few words in many spellings (`UpdateFailed`, `update-failed`, `FAILED`). A text is cut into
lower-case tokens; the worst token decides, and a `not` or `no` before a token turns it round, except that what was not found
is bad. The `up` of `ScalingUp` and the `down` of `ShuttingDown` say nothing by themselves, and what is `running` something is
not at its end. Whatever is not known stays unknown: nothing here guesses that an unknown word is good.
"""

from __future__ import annotations

import enum
import functools
import re
from typing import Final

MAX_WORD: Final = 120  # a longer text is prose, not a word
MAX_PROSE: Final = 2_000  # characters of a message that are read


class Tone(enum.IntEnum):
    """Worst first, so that `min` is the one to believe."""

    BAD = 0
    BUSY = 1
    PAUSED = 2
    GOOD = 3
    NONE = 4


_TWO_IN_ONE: Final = (
    (re.compile(r"[Bb]ack[-_ ]?[Oo]ff"), "Backoff"),
    (re.compile(r"[Tt]imed?[-_ ]?[Oo]ut"), "Timeout"),
    (re.compile(r"[Ss]hut[-_ ]?[Dd]own"), "Shutdown"),
)
_TOKEN: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BAD_STEMS: Final = (
    "fail", "err", "degrad", "unhealthy", "invalid", "crash", "denied", "deny", "forbidden", "unauth", "reject", "abort",
    "exceed", "conflict", "stall", "corrupt", "refus", "misconfig", "mismatch", "unsupport", "unable", "unschedul",
    "unreach", "evict", "expir", "fatal", "panic", "violat", "exhaust", "overload", "incorrect", "malform", "unrecover",
    "cancel", "inconsist", "incompat", "unaccept", "unexpected", "unsuccess", "irreconcil", "noncompl",
)  # fmt: skip
_BAD: Final = frozenset({
    "lost", "dead", "oom", "red", "backoff", "missing", "bad", "blocked", "critical", "timeout", "dangling", "offline",
    "faulted", "fault", "killed", "terminated", "down", "cannot", "impossible", "diverged", "detached", "unbound", "orphaned",
    "orphan", "unresolved", "problem", "alarm", "nok", "split", "abnormal", "revoked", "broken",
})  # fmt: skip
_NOT_BAD: Final = frozenset({"failover", "failback", "unscheduled"})
_BUSY: Final = frozenset({
    "pend", "wait", "progress", "inprogress", "init", "queued", "requeue", "requeued", "retry", "retries", "yellow", "partial",
    "partially", "submitted", "unavailable", "unready", "notready", "unknown", "unset", "new", "incomplete", "outdated",
    "outofsync", "stale", "insufficient", "uninitialized", "unprovisioned", "uninstalled", "undeployed", "requested", "triggered",
    "enqueued", "inqueue", "unscheduled", "delayed", "initialising",
})  # fmt: skip
_NOT_BUSY: Final = frozenset({
    "nothing", "string", "thing", "binding", "ping", "ring", "routing", "setting", "mapping", "ruling", "billing",
    "engineering", "naming", "networking", "monitoring", "logging", "tracing", "scheduling", "backing", "existing", "using",
    "warning", "rating", "listing", "timing", "peering", "replicating", "streaming", "archiving", "autoscaling",
})  # fmt: skip
_PAUSED: Final = frozenset({
    "suspended", "suspend", "paused", "pause", "stopped", "hibernated", "hibernate", "disabled", "halted", "ignored",
    "deactivated", "shutdown", "unmanaged", "asleep", "sleeping", "dormant",
})  # fmt: skip
_GOOD_STEMS: Final = ("succe", "complete", "reconciled", "provisioned", "sync")
_GOOD: Final = frozenset({
    "ready", "running", "healthy", "active", "available", "done", "bound", "green", "ok", "okay", "deployed", "online",
    "installed", "established", "normal", "up", "current", "applied", "valid", "created", "enabled", "finished", "accepted",
    "admitted", "attached", "programmed", "resolved", "connected", "joined", "registered", "stable", "passed", "initialized",
    "updated", "live", "alive", "operational", "verified", "issued", "configured", "serving", "listening", "promoted",
    "scheduled", "loaded", "true", "uptodate", "validated", "achieved", "launched", "approved", "present", "published",
    "completed", "allocated", "satisfied", "upgraded", "optimal", "fulfilled", "clean", "good", "pass", "authorized",
    "exists", "ensured", "discovered", "handled", "started", "complete", "compliant", "enforced", "reachable", "converged",
    "functional", "unsealed", "initialised", "succeeding", "imported", "realized", "propagated", "working",
    "functioning", "responding", "accepting",
})  # fmt: skip
_AHEAD: Final = frozenset(
    {"waiting", "wait", "pending", "awaiting", "until", "unavailable", "unknown", "partial", "partially", "some"}
)
# Before `up` and `down`: the two together are one verb.
_VERBS: Final = ("scal", "clean", "start", "set", "torn", "wind", "spin", "roll")
_DENIED: Final = frozenset({"found", "exist", "exists", "allowed", "permitted", "supported", "compliant"})
_TURNED: Final = {Tone.GOOD: Tone.BUSY, Tone.BAD: Tone.GOOD, Tone.BUSY: Tone.GOOD, Tone.PAUSED: Tone.GOOD, Tone.NONE: Tone.NONE}

_BAD_PROSE: Final = re.compile(
    r"\b(fail(ed|ure|s|ing)?|errors?|cannot|can't|could not|couldn't|unable|denied|forbidden|invalid|not found|no such"
    r"|does ?n[o']t exist|unexpected(ly)?|refused|timed out|unauthorized|exceeded|crash\w*|conflict\w*|mismatch|not allowed"
    r"|panic|fatal|rejected|unsupported|lost)\b"
)
_GOOD_PROSE: Final = re.compile(r"\b(no|without|0|zero) (errors?|fail\w*|conflicts?)\b")


def tone(text: str) -> Tone:
    """Of a phase, a reason, or the type of a condition."""
    return _known(text) if len(text) <= MAX_WORD else Tone.NONE


@functools.lru_cache(maxsize=8_192)
def _known(text: str) -> Tone:
    found, last, turned, never = Tone.NONE, Tone.NONE, False, True
    for two, one_word in _TWO_IN_ONE:
        text = two.sub(one_word, text)
    words = [token.lower() for token in _TOKEN.findall(text)]
    for before, word in zip(["", *words], words, strict=False):
        if word in ("not", "no", "non", "un", "without"):
            turned, never = True, False
            continue
        if word in ("up", "down") and (last is Tone.BUSY or before.startswith(_VERBS)):
            continue
        one = last = Tone.BUSY if word == "running" and word is not words[-1] else _token(word)
        if turned and one is Tone.NONE and word not in _DENIED and (" " not in text or word.endswith("ly")):
            continue  # NoPodsRunning, "not correctly applied"
        if turned:
            one = Tone.BAD if word in _DENIED else _TURNED[one]
            turned = False
        found = min(found, one)
    # ArchivingSuccess has arrived, WaitingForReady has not.
    arrived = found is Tone.BUSY and last is Tone.GOOD and never and words[0] not in _AHEAD
    return Tone.GOOD if arrived else found


def prose(text: str) -> Tone:
    """Of a message: whether it tells of a failure. Nothing else is read into prose."""
    lowered = _GOOD_PROSE.sub("", text[:MAX_PROSE].lower())
    return Tone.BAD if _BAD_PROSE.search(lowered) else Tone.NONE


def tokens(text: str) -> tuple[str, ...]:
    """The words of a name such as DaemonServiceHealthy, in lower case."""
    return _tokens(text[:MAX_WORD])


@functools.lru_cache(maxsize=4_096)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(token.lower() for token in _TOKEN.findall(text))


def last_token(text: str) -> str:
    """The head of a name."""
    found = tokens(text)
    return found[-1] if found else ""


def _token(word: str) -> Tone:
    if word in _BAD or (word.startswith(_BAD_STEMS) and word not in _NOT_BAD):
        return Tone.BAD
    if word in _GOOD:
        return Tone.GOOD
    if word in _PAUSED:
        return Tone.PAUSED
    if word in _BUSY or (word.endswith("ing") and len(word) > 4 and word not in _NOT_BUSY):
        return Tone.BUSY
    return Tone.GOOD if word.startswith(_GOOD_STEMS) else Tone.NONE
