"""The child's side of `worker`: a line with an inquiry in, a line with its answer out, until stdin ends.

A thread does nothing but read stdin, and ends the process when it ends: also in the middle of the longest calculation nobody is
left whom it could tell. What detectors print goes to stderr: stdout holds answers and nothing else.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
from collections.abc import Callable

from reconciler.model.canonical import decode, encode
from reconciler.ports.analyst import Answer, Inquiry

NICE = 5  # the loop goes first

Work = Callable[[Inquiry], Answer]


def serve(prepare: Callable[[], Work], memory_mib: int) -> None:
    """Never returns: the process ends with its stdin. `prepare` takes what time there is before the first inquiry; it may fail,
    and so may what it gives: that is an answer, too.
    """
    _bound(memory_mib)
    answers = os.dup(1)
    os.dup2(2, 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    work = _prepared(prepare)
    while True:
        answer = _answered(work, lines.get())
        with os.fdopen(os.dup(answers), "wb") as out:
            out.write(encode(answer) + b"\n")


def _bound(memory_mib: int) -> None:
    """Beyond it allocations fail, which is told; the kernel's own killer would choose whom it likes."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mib << 20, memory_mib << 20))
    os.nice(NICE)


def _read(lines: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _prepared(prepare: Callable[[], Work]) -> Work:
    try:
        return prepare()
    except Exception:  # noqa: BLE001 - tried again with each inquiry, which hears why

        def again(inquiry: Inquiry) -> Answer:
            return prepare()(inquiry)

        return again


def _answered(work: Work, line: bytes) -> Answer:
    try:
        return work(decode(Inquiry, json.loads(line)))
    except MemoryError:
        return Answer(missing="the analysis needs more memory than it may have: raise analysis.memoryMib in settings.yaml")
    except Exception as error:  # noqa: BLE001 - whatever a detector or a library does, the loop hears of it and goes on
        return Answer(missing=f"the analysis failed with {type(error).__name__}")
