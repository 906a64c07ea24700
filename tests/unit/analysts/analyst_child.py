"""A child that answers without heavy libraries: what it does is said by the inquiry's `symptom`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from reconciler.adapters.analysts.child import serve
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry

ANSWERS = 3  # what `serve` writes to: the first descriptor that was free


def work(inquiry: Inquiry) -> Answer:
    if inquiry.symptom == "dies":
        os._exit(7)
    if inquiry.symptom == "sleeps":
        time.sleep(60)
    if inquiry.symptom == "prints":
        sys.stdout.write("a library has something to say\n")
        sys.stdout.flush()
    if inquiry.symptom == "eats":
        bytearray(400 << 20)
    if inquiry.symptom == "hangs up":
        os.closerange(3, 64)
        time.sleep(60)
    while inquiry.symptom == "floods":
        os.write(ANSWERS, b"x" * (1 << 20))
    if inquiry.symptom == "nests":
        os.write(ANSWERS, b"[" * 200_000 + b"\n")
    if inquiry.symptom == "tells its environment":
        return Answer(missing=" ".join(sorted(os.environ)))
    if inquiry.symptom == "fails":
        raise ValueError("no")
    return Answer((Finding("test", "1", "", "anomaly", "cart", "", inquiry.now_ms, "0.5", (("pid", str(os.getpid())),), "odd"),))


def prepare() -> Callable[[Inquiry], Answer]:
    if "unprepared" in sys.argv:
        raise ImportError("a library is not there")
    return work


if __name__ == "__main__":
    serve(prepare, int(sys.argv[-1]))
