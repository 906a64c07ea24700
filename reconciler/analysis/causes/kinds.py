"""What a metric speaks of, told by the ordinary words in its name; a caller who knows better says so.

The order matters: `log_err` is an error before it is a log, `NodeCpuUsage` belongs to the machine that several services share,
and the client's side of a call says more about the service that is called.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    SELF = "self time"
    LATENCY = "latency"
    CALLS = "latency of calls made"
    CALL_ERRORS = "errors of calls made"
    WAY = "delay on the way"  # no metric of its own: what the callers see of it
    LOST = "failures on the way"  # the same of calls that fail
    ERRORS = "errors"
    SUCCESS = "success"
    LOG_ERRORS = "error logs"
    LOGS = "logs"
    TRAFFIC = "traffic"
    CPU = "cpu"
    MEMORY = "memory"
    NETWORK = "network"
    DISK = "disk"
    HOST = "host"
    OTHER = "other"


COUNTS = frozenset({Kind.TRAFFIC, Kind.LOGS, Kind.LOG_ERRORS})
_WORDS: tuple[tuple[Kind, str], ...] = (
    (Kind.HOST, r"^node|^host|machine"),
    (Kind.LOG_ERRORS, r"log.*(err|warn|exception|fatal)"),
    (Kind.LOGS, r"log(s|_|\b)"),
    (Kind.SUCCESS, r"success|availab"),
    (Kind.ERRORS, r"err|fail|fault|5xx|exception|timeout"),
    (Kind.SELF, r"self"),
    (Kind.CALLS, r"client.*(latency|duration)"),
    (Kind.LATENCY, r"latency|duration|_dur|response.?time"),
    (Kind.CPU, r"cpu"),
    (Kind.MEMORY, r"mem|heap"),
    (Kind.NETWORK, r"network|receive|transmit|bytes|packet"),
    (Kind.DISK, r"disk|iops|syscall|\bio\b"),
    (Kind.TRAFFIC, r"request|count|workload|traffic|throughput|ops\b|qps|rps|span"),
)


_CALLEE = re.compile(r"\{(?:[^{}]*,)?callee=([^{},]+)(?:,[^{}]*)?\}$")
_OF_CALLS = {Kind.LATENCY: Kind.CALLS, Kind.ERRORS: Kind.CALL_ERRORS}


def kind_of(name: str) -> Kind:
    """The first kind whose words occur in the name; what is measured of the calls to one callee speaks of calls made."""
    lowered = name.partition("{")[0].lower() if callee_of(name) else name.lower()
    kind = next((kind for kind, words in _WORDS if re.search(words, lowered)), Kind.OTHER)
    return _OF_CALLS.get(kind, kind) if callee_of(name) else kind


def per_second(name: str) -> bool:
    """Whether a metric of traffic is a rate, which counts by the second unless its name says otherwise."""
    lowered = name.partition("{")[0].lower()
    return bool(re.search(r"rate|per_?s|/s\b|ops\b|qps|rps", lowered)) and not re.search(r"per_?(m|h|d)|/(m|h|d)", lowered)


def callee_of(name: str) -> str:
    """Whom the calls go to that a metric such as `call_latency_p99{callee=cart}` measures; "" where it names nobody."""
    found = _CALLEE.search(name)
    return found[1] if found else ""
