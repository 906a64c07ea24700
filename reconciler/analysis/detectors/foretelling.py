"""What a forecast says as findings: the next hours with their band, and when a limit is passed, and how likely."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key
from reconciler.analysis.forecasts.breach import Breach, breach
from reconciler.analysis.forecasts.forecast import Forecast
from reconciler.analysis.forecasts.history import Unknown
from reconciler.model.findings import Finding

BAND = 0.8
LEAST = 0.02  # a breach less likely than this is not told
HOURS = (1, 6, 24)


def course(found: Forecast) -> dict[str, float]:
    """The middle and the band in some hours, by name."""
    low, high = found.hourly.between(BAND)
    middle = found.hourly.quantiles[:, found.hourly.quantiles.shape[1] // 2]
    values: dict[str, float] = {}
    for hour in HOURS:
        at = hour - 1
        values |= {f"{hour} h": float(middle[at]), f"{hour} h low": float(low[at]), f"{hour} h high": float(high[at])}
    return values


def passing(speaker: Speaker, now_ms: int, key: Key, found: Forecast, limit: float, above: bool) -> Iterator[Finding]:
    """When the limit is passed; nothing where that is hardly likely, "unknown" where there is no saying."""
    answer = breach(found, limit, above=above)
    component, metric = map(named, key)
    if isinstance(answer, Unknown):
        yield speaker.unknown(now_ms, f"when {metric} of {component} passes {shown(limit)}: {answer.reason}", key)
    elif answer.probability >= LEAST and answer.at_s is not None:
        yield speaker.say("breach", key, *_when(found, answer), _numbers(answer, limit), _sentence(key, answer, limit))


def _when(found: Forecast, answer: Breach) -> tuple[float, float]:
    return (found.made_s + (answer.at_s or 0.0)) * 1000, answer.probability


def _numbers(answer: Breach, limit: float) -> dict[str, float]:
    soonest, middle = answer.soonest_s, answer.at_s
    told = {"limit": limit, "probability": answer.probability, "paths": float(answer.paths)}
    return told | ({} if soonest is None or middle is None else {"lead_s": middle, "soonest_s": soonest})


def _sentence(key: Key, answer: Breach, limit: float) -> str:
    component, metric = map(named, key)
    likely = f"with probability {answer.probability:.2f}, most likely in {(answer.at_s or 0.0) / 3600:.1f} h"
    return f"{metric} of {component} passes {shown(limit)} within 24 h {likely}"
