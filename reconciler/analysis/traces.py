"""Which calls are worth a look in a tracing tool: of each call and operation the newest that failed and the slowest. Pure.

Bounded twice. Of each five minutes a few calls are kept for each caller, callee and operation, so that what is slowest now stands
beside what was slowest before. And of all of them so many at most, shared alike among the pairs of caller and callee: operations
and names are what strangers sent, and may be made up to crowd others out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from reconciler.model.telemetry import TracedCall

KEPT_MS = 3_600_000
SLOT_MS = 300_000
EACH = 2  # that failed, and as many slow ones
MOST, MOST_OF_A_PAIR = 4_000, 120
LONGEST = 80  # characters of an operation
ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


@functools.lru_cache(maxsize=1_024)  # every interval brings the same ones again
def operation_of(name: str) -> str:
    """The name of a span as one line that nothing obeys."""
    return "".join(c if c.isprintable() and c not in "`<>" else "?" for c in name[:LONGEST])


def sampled(calls: Iterable[TracedCall]) -> list[TracedCall]:
    """Those that are worth keeping, by time. The order in which they come does not matter."""
    groups: dict[tuple[str, str, str, int, bool], list[TracedCall]] = {}
    for call in set(calls):
        if ID.fullmatch(call.trace):
            slot = call.at_ms // SLOT_MS
            groups.setdefault((call.caller, call.callee, call.operation, slot, call.failed), []).append(call)
    best = (sorted(group, key=_newest if failed else _slowest)[:EACH] for (*_, failed), group in groups.items())
    pairs: dict[tuple[str, str], list[TracedCall]] = {}
    for call in (call for group in best for call in group):
        pairs.setdefault((call.caller, call.callee), []).append(call)
    ranked = [
        (rank, call)
        for pair in pairs.values()
        for rank, call in enumerate(sorted(pair, key=lambda c: (not c.failed, *_newest(c)))[:MOST_OF_A_PAIR])
    ]
    kept = sorted(ranked, key=lambda item: (item[0], *_newest(item[1])))[:MOST]
    return sorted((call for _, call in kept), key=lambda c: (c.at_ms, c.trace, c.caller, c.callee, c.operation))


def _newest(call: TracedCall) -> tuple[int, str, str]:
    return -call.at_ms, call.trace, call.operation


def _slowest(call: TracedCall) -> tuple[float, int, str]:
    return -call.duration_ms, -call.at_ms, call.trace
