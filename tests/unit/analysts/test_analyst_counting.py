"""How often who called whom reaches the detectors: from counters that begin anew, from rates, and never from nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from reconciler.adapters.analysts.counting import counted
from reconciler.adapters.analysts.looking import look
from reconciler.analysis.detectors.causes import _counted
from reconciler.model.telemetry import Topology
from reconciler.ports.analyst import Inquiry
from reconciler.ports.detector import Window

AT = np.arange(60, dtype=np.int64) * 15_000


def calls(values):
    return counted({("front", "calls_total{callee=cart}"): (AT[: len(values)], np.asarray(values, dtype=float))})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.arange(60) * 7.0, 59 * 7.0),
        (np.append(np.arange(30) * 7.0, np.arange(30) * 7.0), 58 * 7.0),
        (np.append(np.full(30, 500.0), np.full(30, 3.0)), 3.0),
        ([5.0], 0.0),
    ],
    ids=["a counter", "one that begins anew", "one that shows what it counted since", "a single sample"],
)
def test_a_counter_tells_what_it_grew_by(values, told):
    assert calls(values) == {("front", "cart"): told}


def test_what_falls_again_and_again_is_a_rate():
    assert calls(np.tile([1.0, 3.0], 30))["front", "cart"] == pytest.approx(2.0 * 59 * 15)


def test_a_look_hands_the_counts_on_and_leaves_the_counters_out_of_what_is_compared():
    samples = {
        ("front", "calls_total{callee=cart}"): (AT, np.arange(60) * 2.0),
        ("front", "latency_p99"): (AT, np.ones(60)),
    }
    edges = (("front", "cart"), ("front", "mail"), ("mail", "cart"))
    telemetry = SimpleNamespace(window=lambda *_: samples, topology=lambda: Topology(("cart", "front", "mail"), edges))
    seen: list[Window] = []
    look(Inquiry(0, int(AT[-1])), telemetry, lambda window, _: seen.append(window) or ())
    assert list(seen[0].samples) == [("front", "latency_p99")]
    assert _counted(seen[0]) == [("front", "cart", 118.0), ("front", "mail", 0.0), ("mail", "cart")]
