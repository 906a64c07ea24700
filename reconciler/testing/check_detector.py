"""check_detector: what every Detector must do, built in or third party.

`detector` is asked for windows good and bad. The same window gives the same findings, in a form that a record keeps; what data
cannot say is "unknown" or nothing, never an error, and never a number made of nothing; a look ahead uses no later sample.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from reconciler.errors import Permanent
from reconciler.model.canonical import decode, plain
from reconciler.model.findings import Finding
from reconciler.ports.detector import Change, Detector, Window
from reconciler.testing.expecting import expect

KINDS = frozenset({"cause", "suspect", "change", "anomaly", "breach", "forecast", "risk", "pattern", "unknown"})
END_MS = 1_700_000_000_000
STEP_MS = 15_000
HOSTILE = ("<script>alert(1)</script>", "a\x1b[2J\nb", "x" * 5_000, "", "\u202egnp.exe", "|", "`rm -rf`", "../../etc/passwd")


def times(count: int, step_ms: int = STEP_MS) -> Any:
    """`count` times that end now."""
    return END_MS - np.arange(count, dtype=np.int64)[::-1] * step_ms


def window(samples: Mapping[tuple[str, str], Any], *, alarm: bool = True, **more: Any) -> Window:
    """With an alarm two minutes ago, or none."""
    return Window(samples, **({"calls": ()} | more), now_ms=END_MS, alarm_ms=END_MS - 120_000 if alarm else None)


def system(count: int = 200, seed: int = 7) -> dict[tuple[str, str], Any]:
    """Two services in which the called one gets slow and fails four minutes before the end."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in ("front", "back"):
        for metric, level in (("latency_p99", 50.0), ("request_rate", 100.0), ("error_rate", 0.01), ("cpu_usage", 0.4)):
            found[name, metric] = (times(count), level * rng.gamma(100, 0.01, count))
    for key in (("back", "latency_p99"), ("back", "error_rate"), ("front", "latency_p99")):
        found[key][1][-16:] *= 8
    return found


def bad_series(count: int = 200) -> dict[str, tuple[Any, Any]]:
    """The shapes of one series that no detector may fall over."""
    at, rng = times(count), np.random.default_rng(3)
    usual = rng.gamma(9.0, 1.0, count)
    shuffled = rng.permutation(count)
    uneven = np.sort(rng.choice(np.arange(END_MS - 3_600_000, END_MS), count, replace=False)).astype(np.int64)
    return {
        "empty": (at[:0], usual[:0]),
        "one point": (at[-1:], usual[-1:]),
        "constant": (at, np.full(count, 5.0)),
        "zero": (at, np.zeros(count)),
        "no number": (at, np.full(count, np.nan)),
        "infinite": (at, np.where(np.arange(count) % 2 == 0, np.inf, -np.inf)),
        "negative": (at, -usual),
        "astronomical": (at, usual * 1e300),
        "minute": (at, usual * 1e-300),
        "irregular": (uneven, usual),
        "reordered": (at[shuffled], usual[shuffled]),
        "duplicated": (np.repeat(at, 2), np.repeat(usual, 2)),
        "longer than its times": (at[:50], usual),
        "far in the past": (np.arange(count, dtype=np.int64), usual),
        "in the future": (at + 10**9, usual),
    }


def check_detector(detector: Detector, *, samples: int = 200, series: int = 2_000) -> None:
    """Raises AssertionError naming the first broken promise.

    `samples` is how many a series has (fewer are quicker, and say less of a detector that needs many), `series` how many of
    them a crowded window has.
    """
    expect(bool(detector.name) and bool(detector.version), "a detector has a name and a version")
    expect(all(isinstance(v, str) for pair in detector.settings.items() for v in pair), "settings are text by name")
    for alarm in (True, False):
        for name, bad in bad_windows(alarm=alarm, samples=samples, series=series):
            _check_answer(detector, bad, f"{name}{'' if alarm else ', nobody complains'}")
    _check_order(detector, samples)
    _check_causal(detector, samples)


def bad_windows(*, alarm: bool, samples: int, series: int) -> Iterator[tuple[str, Window]]:
    """Named windows, the good one first."""
    good = system(samples)
    cycle = (("front", "back"), ("back", "front"), ("back", "back"), ("nobody", "front"), ("front", "nowhere"))
    limits = {("back", "cpu_usage"): 0.9, ("nobody", "nothing"): 1.0, ("front", "latency_p99"): math.nan}
    changes = (Change("back", END_MS - 300_000, "release", "c0ffee"), Change("nobody", -1, "", "\x1b"))
    yield "a good window", window(good, alarm=alarm, calls=(("front", "back"),), changes=changes)
    yield "nothing", window({}, alarm=alarm)
    yield "cycles and unknown services", window(good, alarm=alarm, calls=cycle, limits=limits, changes=changes, symptom="nobody")
    yield "a normal period without samples", window(good, alarm=alarm, normal_ms=(0, 1))
    yield "a normal period that ends before it begins", window(good, alarm=alarm, normal_ms=(END_MS, 0))
    for name, bad in bad_series(samples).items():
        yield f"series that are {name}", window({("front", "request_rate"): bad, ("front", "cpu_usage"): bad}, alarm=alarm)
    every = {("back", f"queue {name}"): bad for name, bad in bad_series(samples).items()}
    yield "a good window with bad series in it", window(good | every, alarm=alarm)
    hostile = {(a, b): good["back", "latency_p99"] for a in HOSTILE for b in HOSTILE}
    calls = tuple((a, b) for a in HOSTILE for b in HOSTILE)
    yield "hostile labels", window(hostile, alarm=alarm, calls=calls, changes=tuple(Change(h, END_MS, h, h) for h in HOSTILE))
    at, values = times(40), np.random.default_rng(5).gamma(9.0, 1.0, (series, 40))
    crowd = {(f"s{n // 10}", ("cpu_usage", "request_rate")[n % 2] + str(n)): (at, values[n]) for n in range(series)}
    yield f"{series} series", window(crowd, alarm=alarm)


def _check_answer(detector: Detector, given: Window, name: str) -> None:
    try:
        found = tuple(detector.detect(given))
    except Exception as error:  # of any kind: the promise is that a detector raises nothing at all
        raise AssertionError(f"broken promise: no window makes a detector fail, but {name!r} gave {error!r}") from error
    for finding in found:
        _check_finding(detector, finding, name)


def _check_finding(detector: Detector, found: Finding, name: str) -> None:
    expect(found.kind in KINDS, f"the kind is one that is known, not {found.kind!r}: {name}")
    expect((found.detector, found.version) == (detector.name, detector.version), f"a finding says who speaks: {name}")
    expect(0 <= float(found.confidence) <= 1, f"a confidence is within 0..1: {name}")
    expect(all(math.isfinite(float(v)) for _, v in found.values), f"values are numbers: {name}")
    expect(bool(found.text) and found.text.isprintable(), f"the text is one line that nothing obeys: {name}")
    expect(found.kind != "unknown" or float(found.confidence) == 0, f"unknown has no confidence: {name}")
    try:
        expect(decode(Finding, plain(found)) == found, f"a record keeps a finding: {name}")
    except Permanent as error:
        raise AssertionError(f"broken promise: a record keeps a finding, but {name!r} gave {error}") from error


def _check_order(detector: Detector, samples: int) -> None:
    good = system(samples)
    swapped = {key: tuple(part[::-1] for part in good[key]) for key in reversed(list(good))}
    told = [tuple(detector.detect(window(given))) for given in (good, good, swapped)]
    expect(told[0] == told[1], "the same window gives the same findings")
    expect(told[0] == told[2], "the order in which samples and series come does not matter")


def _check_causal(detector: Detector, samples: int) -> None:
    ahead = window(system(samples), alarm=False)
    future = {key: _continued(*ahead.samples[key]) for key in ahead.samples}
    later = dataclasses.replace(ahead, samples=future)
    expect(tuple(detector.detect(ahead)) == tuple(detector.detect(later)), "a look ahead uses no sample later than now")


def _continued(at: Any, values: Any) -> tuple[Any, Any]:
    return np.concatenate([at, at[-20:] + 20 * STEP_MS]), np.concatenate([values, values[-20:] * 50])
