"""Why the findings of a window say what they say: see `Explanation`. The words are made here from numbers and harmless names.

1. The summary names the first cause with its confidence and strongest metrics, or says that and why nothing is known.
2. The chain goes from the change that is suspected, over the cause and the way up the calls, to the symptom.
3. Evidence is every finding that is about this trouble, the surest first.
4. Health: which metrics move most closely (rank correlation) with what users see: the symptom's own loudest metric.
5. Paths: the ways from an entry on which users now wait longest, by each component's own time.
6. What would confirm or refute the first cause, to be looked at by a person or after a repair.
7. Metrics: which of them speak most for the first cause, with their share of what speaks for it.
8. Calls: which calls to the first cause (to the symptom while it is unknown), or by it, fail or are slow, with traces.
"""

from __future__ import annotations

import itertools
import logging

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.calling import troubled
from reconciler.analysis.detectors.drawing import draw
from reconciler.analysis.detectors.examining import BROKEN
from reconciler.analysis.detectors.reach import critical, falls, way
from reconciler.analysis.detectors.saying import SHARE, named
from reconciler.analysis.detectors.series import Values, loudest, since_ms, table, tidy, usual_step_ms
from reconciler.model.canonical import number
from reconciler.model.explanations import Explanation, Path, Row
from reconciler.model.findings import Finding
from reconciler.ports.detector import Window

ROWS, HEALTH, NAMES, LOOKED_AT = 30, 5, 6, 60
USERS_SEE = frozenset({Kind.LATENCY, Kind.ERRORS, Kind.SUCCESS})
EVIDENCE = ("cause", "suspect", "change", "anomaly", "pattern", "risk", "breach")
LEAST_ALIKE = 0.3  # a rank correlation below it is not told
LEAST_SAMPLES = 12
_log = logging.getLogger(__name__)


def explained(window: Window, findings: tuple[Finding, ...]) -> Explanation | None:
    """None where it fails: findings are worth having without their explanation."""
    try:
        return explain(window, findings)
    except BROKEN:
        _log.warning("explanation_failed", exc_info=True)
        return None


def explain(window: Window, findings: tuple[Finding, ...]) -> Explanation:
    """The same window and findings give the same explanation."""
    seen = tidy(window)
    cause = next((f for f in findings if f.kind == "cause"), None)
    return Explanation(
        summary=_summary(seen, findings, cause),
        confidence=cause.confidence if cause else "0",
        cause=named(cause.component) if cause else "",
        chain=_chain(seen, findings, cause),
        evidence=_evidence(findings),
        health=_health(seen),
        paths=_paths(seen),
        falls=tuple(map(named, falls(seen.calls, cause.component))) if cause else (),
        confirm=_confirm(seen, findings, cause) if cause else (),
        refute=_refute(seen, findings, cause) if cause else (),
        drawings=draw(seen, findings),
        metrics=_metrics(cause) if cause else (),
        calls=troubled(seen, cause.component if cause else window.symptom),
    )


def _summary(window: Window, findings: tuple[Finding, ...], cause: Finding | None) -> str:
    """1."""
    about = f" for the trouble of {named(window.symptom)}" if window.symptom else ""
    said = [f.text for f in findings if f.kind == "pattern"][:1]
    said += [f.text for f in sorted(findings, key=lambda f: -float(f.confidence)) if f.kind in ("breach", "risk")][:2]
    if cause is None:
        why = next((f.text for f in findings if f.kind == "unknown"), "nobody complains")
        first = f"The cause is unknown{about}: {why}." if window.alarm_ms is not None else "Nobody complains."
    else:
        others = [f for f in findings if f.kind == "cause"][1:2]
        rival = f" Next comes {named(others[0].component)} ({float(others[0].confidence):.2f})." if others else ""
        head, _, signs = cause.text.partition(": ")
        first = f"{head}{about}: {signs}. Answers like this one are right {_often(cause.confidence)}.{rival}"
        said = [f.text for f in findings if f.kind == "suspect"][:1] + said
    return " ".join([first, *(f"{text}." for text in said)])


def _often(confidence: str) -> str:
    share = float(confidence)
    return "more than 9 times in 10" if share >= 0.95 else f"about {max(1, round(10 * share))} times in 10"


def _chain(window: Window, findings: tuple[Finding, ...], cause: Finding | None) -> tuple[str, ...]:
    """2."""
    if cause is None:
        return ()
    steps = [f.text for f in findings if f.kind == "suspect"][:1]
    steps.append(cause.text)
    up = tuple(reversed(way(window.calls, window.symptom, cause.component)))
    for callee, caller in itertools.pairwise(up):
        moved = next((f for f in findings if f.kind in ("change", "cause") and f.component == caller), None)
        shown = f": {moved.text.partition(': ')[2] or moved.text}" if moved else ""
        steps.append(f"{named(caller)} calls {named(callee)} and waits for it{shown}")
    if window.symptom and not up and window.symptom != cause.component:
        steps.append(f"no known calls lead from {named(window.symptom)} to {named(cause.component)}: this part is not shown")
    return tuple(steps)


def _evidence(findings: tuple[Finding, ...]) -> tuple[Row, ...]:
    """3."""
    kept = sorted((f for f in findings if f.kind in EVIDENCE), key=lambda f: (EVIDENCE.index(f.kind), -float(f.confidence)))
    return tuple(Row(f.at_ms, named(f.component), named(f.metric), f.kind, f.confidence, f.detector, f.text) for f in kept[:ROWS])


def _health(window: Window) -> tuple[tuple[str, str, str], ...]:
    """4."""
    seen = [key for key in window.samples if kind_of(key[1]) in USERS_SEE]
    own = [key for key in seen if key[0] == window.symptom]
    target = loudest(window, 1, own or seen)
    if not target:
        return ()
    itself = (target[0][0], kind_of(target[0][1]))
    keys = [*target, *(key for key in loudest(window, LOOKED_AT) if (key[0], kind_of(key[1])) != itself)]
    step = usual_step_ms(window.samples[key] for key in keys)
    _, values = table(window, keys, step)
    alike = sorted(((-_alike(values[:, 0], values[:, i]), keys[i]) for i in range(1, len(keys))), key=lambda a: (a[0], a[1]))
    return tuple((named(key[0]), named(key[1]), number(-size)) for size, key in alike[:HEALTH] if -size >= LEAST_ALIKE)


def _metrics(cause: Finding) -> tuple[tuple[str, str], ...]:
    """7. The detector tells them in order."""
    return tuple((named(name.removeprefix(SHARE)), share) for name, share in cause.values if name.startswith(SHARE))


def _alike(one: Values, other: Values) -> float:
    """The size of the rank correlation where both are known; 0 where that is hardly ever."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < LEAST_SAMPLES:
        return 0.0
    a, b = (np.argsort(np.argsort(part[known], kind="stable"), kind="stable").astype(float) for part in (one, other))
    if np.ptp(one[known]) == 0 or np.ptp(other[known]) == 0:
        return 0.0
    return float(abs(np.corrcoef(a, b)[0, 1]))


def _paths(window: Window) -> tuple[Path, ...]:
    """5. By self time where it is measured, else by what of a latency the slowest callee does not explain."""
    metric, levels = _times(window)
    if not levels:
        return ()
    if kind_of(metric) is not Kind.SELF:
        slowest: dict[str, float] = {}
        for caller, callee in window.calls:
            if caller != callee:
                slowest[caller] = max(slowest.get(caller, 0.0), levels.get(callee, 0.0))
        levels = {name: max(0.0, level - slowest.get(name, 0.0)) for name, level in levels.items()}
    return tuple(
        Path(tuple((named(n), number(levels.get(n, 0.0))) for n in path), number(total), named(metric))
        for path, total in critical(window.calls, levels)
    )


def _times(window: Window) -> tuple[str, dict[str, float]]:
    """The metric of time that most components have, and its median since trouble may have begun."""
    counted: dict[tuple[bool, str], int] = {}
    for _, metric in window.samples:
        if kind_of(metric) in (Kind.SELF, Kind.LATENCY):
            name = (kind_of(metric) is Kind.SELF, metric)
            counted[name] = counted.get(name, 0) + 1
    if not counted:
        return "", {}
    _, metric = max(counted, key=lambda name: (name[0], counted[name], name[1]))
    since = since_ms(window)
    found = {}
    for key, (times, values) in window.samples.items():
        recent = values[times >= since]
        if key[1] == metric and len(recent):
            found[key[0]] = max(0.0, float(np.median(recent)))
    return metric, found


def _confirm(window: Window, findings: tuple[Finding, ...], cause: Finding) -> tuple[str, ...]:
    """6. What should be seen if the cause is right."""
    name, metric = named(cause.component), named(cause.metric)
    told = [f"after {name} is mended, {metric} goes back to its normal level first, and its callers follow"] if metric else []
    suspect = next((f for f in findings if f.kind == "suspect"), None)
    if suspect:
        told.append(f"undoing what was done to {named(suspect.component)} ends the trouble")
    up = falls(window.calls, cause.component)
    if up:
        told.append(f"the trouble stays with those that call {name}, near or far ({_list(up)}), and all others are well")
    return tuple(told)


def _refute(window: Window, findings: tuple[Finding, ...], cause: Finding) -> tuple[str, ...]:
    """6. What speaks against it already, then what would."""
    name = named(cause.component)
    onsets: dict[str, int] = {}
    for found in findings:
        if found.kind == "change":
            onsets[found.component] = min(found.at_ms, onsets.get(found.component, found.at_ms))
    own = onsets.get(cause.component)
    sooner = sorted(c for c, at in onsets.items() if own is not None and own - at > 30_000)
    told = [f"{named(c)} changed {(own - onsets[c]) / 1000:.0f} s before {name} did" for c in sooner[:3] if own is not None]
    callees = sorted({b for a, b in window.calls if a == cause.component and b != a})
    if callees:
        measured = {key[0] for key in window.samples}
        told.append(f"one of what {name} calls ({_list(callees)}) departed as far and sooner")
        unseen = [c for c in callees if c not in measured]
        told += (
            [f"nothing is measured of {_list(unseen)}, which {name} calls: a fault there looks like one of {name}"]
            if unseen
            else []
        )
    suspect = next((f for f in findings if f.kind == "suspect"), None)
    if suspect:
        told.append(f"another place that had the same {suspect.text.split(' ')[0]} at that time is well")
    return (*told, f"{name} is mended and the symptom stays")


def _list(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(map(named, names[:NAMES]))
    return f"{shown} and {len(names) - NAMES} more" if len(names) > NAMES else shown
