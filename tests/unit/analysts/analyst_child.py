"""A child that answers without heavy libraries: what it does is said by the inquiry's `symptom`."""

from __future__ import annotations

import os
import sys
import time

from reconciler.adapters.analysts.child import serve
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer, Inquiry


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
    if inquiry.symptom == "fails":
        raise ValueError("no")
    return Answer((Finding("test", "1", "", "anomaly", "cart", "", inquiry.now_ms, "0.5", (("pid", str(os.getpid())),), "odd"),))


if __name__ == "__main__":
    serve(work, int(sys.argv[1]))
