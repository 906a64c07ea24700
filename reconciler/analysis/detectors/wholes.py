"""What several components ask for together: for each whole that people named, how much it will be, who asks for it, and when it
passes what there is. It is told of the component that bears it, under the metric and the name of the document that asks.

1. Its parts are those that were named, or all who call the component; two at least.
2. The unit says that the metric adds up; a metric without one is not added.
3. Every part is measured: a sum without one of them is too small.
4. The whole and its parts are forecast and made to agree (`analysis.forecasts.together`).

Whatever is missing is said, and nothing is foretold of that whole. Bounded: `WHOLES` of them with `PARTS` parts in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from reconciler.analysis.detectors.foretelling import BAND, course, passing
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key
from reconciler.analysis.forecasts.forecast import Band, Forecast
from reconciler.analysis.forecasts.history import History, Unknown, regular
from reconciler.analysis.forecasts.together import MIDDLE, adds_up, reconciled, together
from reconciler.model.findings import Finding
from reconciler.model.wholes import Whole
from reconciler.ports.detector import Window

WHOLES = 20
PARTS = 80
NAMED = 5  # parts in a sentence, the largest first

Foretell: TypeAlias = Callable[[History | Unknown, tuple[str, ...]], Forecast | Unknown]
Parts: TypeAlias = Mapping[str, Forecast]


def of_wholes(speaker: Speaker, window: Window, foretell: Foretell) -> Iterator[Finding]:
    """In the order of their names."""
    left = PARTS
    for place, one in enumerate(sorted(window.wholes, key=lambda one: one.name)):
        key, parts = series_of(one), one.parts or _callers(window, one.component)
        if place < WHOLES and len(parts) <= left:
            answer, left = _foretold(window, one, parts, foretell), left - len(parts)
        else:
            answer = Unknown(f"{WHOLES} wholes of {PARTS} parts in all are foretold, no more")
        if isinstance(answer, Unknown):
            text = f"what is asked of {named(one.component)} together ({named(one.name)}) has no forecast: {answer.reason}"
            yield speaker.unknown(window.now_ms, named(text, 400), key)
        else:
            yield _said(speaker, key, *answer)
            yield from passing(speaker, window.now_ms, key, answer[0], float(one.limit), above=True)


def series_of(one: Whole) -> Key:
    """`request_rate` as asked together is `request_rate{capacity=NAME}`: no series of the component itself."""
    plain, _, labels = one.metric.rstrip("}").partition("{")
    return one.component, f"{plain}{{{labels + ',' if labels else ''}capacity={one.name}}}"


def _callers(window: Window, component: str) -> tuple[str, ...]:
    return tuple(sorted({caller for caller, callee in window.calls if callee == component and caller != component}))


def _foretold(window: Window, one: Whole, parts: tuple[str, ...], foretell: Foretell) -> tuple[Forecast, Parts] | Unknown:
    if len(parts) < 2:  # 1.
        return Unknown(f"{len(parts)} components are known to call it; name two at least as parts")
    if not adds_up(one.unit):  # 2.
        unit = (
            f"{one.metric} is measured in {one.unit}, which does not add up"
            if one.unit
            else f"no Sensor gives {one.metric} a unit"
        )
        return Unknown(f"{unit}: what adds up is an amount or a rate of amounts, such as req/s, cores or MiB")
    found = together({part: _history(window, part, one.metric) for part in parts})  # 3.
    if isinstance(found, Unknown):
        return found
    said = [foretell(found.whole, parts), *(foretell(history, (part,)) for part, history in found.parts.items())]
    known = [answer for answer in said if isinstance(answer, Forecast)]
    if len(known) < len(said):
        return next(answer for answer in said if isinstance(answer, Unknown))
    whole, agreed = reconciled(known[0], known[1:])  # 4.
    return whole, dict(zip(found.parts, agreed, strict=True))


def _history(window: Window, part: str, metric: str) -> History | Unknown:
    if (part, metric) not in window.samples:
        return Unknown(f"{metric} is not measured")
    times, values = window.samples[part, metric]
    return regular(times / 1000, values)


def _said(speaker: Speaker, key: Key, whole: Forecast, parts: Parts) -> Finding:
    """The course of the whole, and where it is highest what each part has of it."""
    at = int(np.argmax(_middle(whole.hourly)))
    shares = {named(part): float(_middle(one.hourly)[at]) for part, one in parts.items()}
    ranked = sorted(shares, key=lambda part: (-shares[part], part))
    values = course(whole)
    most = {"highest in h": at + 1.0, "highest": float(_middle(whole.hourly)[at])}
    of_it = ", ".join(f"{part} {shown(shares[part])}" for part in ranked[:NAMED])
    others = f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else ""
    (component, metric), band = map(named, key), f"{shown(values['24 h low'])} to {shown(values['24 h high'])}"
    text = (
        f"{metric} asked of {component} together in 24 h: {band}; at most {shown(most['highest'])} in {at + 1} h, "
        f"of it {of_it}{others} ({whole.method})"
    )
    return speaker.say("forecast", key, whole.made_s * 1000, BAND, values | most | {f"of {p}": shares[p] for p in ranked}, text)


def _middle(band: Band) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return band.quantiles[:, MIDDLE]
