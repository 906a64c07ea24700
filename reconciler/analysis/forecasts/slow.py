"""Fitted models from statsmodels on hourly means: a second or so a series, so for the background only.

Each is judged like every other method, on origins of the series' own past (`judged`), and is worth its time only where it beats
the mixture there. A model that does not converge has no answer, which is not an answer of zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from reconciler.analysis.forecasts.choice import relative
from reconciler.analysis.forecasts.history import Array
from reconciler.analysis.forecasts.table import size_of

FITTED = 14 * 24  # hours that a model is fitted to
LEADS = 24
Model = Callable[[Array], Array]


def ets(x: Array) -> Array:
    """Additive seasons of a day, with a damped trend."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    fit = ExponentialSmoothing(x, trend="add", damped_trend=True, seasonal="add", seasonal_periods=24).fit()
    return np.asarray(fit.forecast(LEADS), dtype=float)


def theta(x: Array) -> Array:
    """The theta method on what is left after the seasons of a day."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    found = ThetaModel(x, period=24, deseasonalize=True, method="additive").fit().forecast(LEADS)
    return np.asarray(found, dtype=float)


def sarima(x: Array) -> Array:
    """(1, 0, 1)(0, 1, 1) with a season of a day."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    model = SARIMAX(x, order=(1, 0, 1), seasonal_order=(0, 1, 1, 24))
    fit = model.fit(disp=False, maxiter=30)
    return np.asarray(fit.forecast(LEADS), dtype=float)


MODELS: Mapping[str, Model] = {"ets": ets, "theta": theta, "sarima": sarima}


def fitted(name: str, x: Array) -> Array | None:
    """A day of hourly means; None where the model has no finite answer."""
    past = x[-FITTED:]
    if len(past) < 3 * LEADS or np.ptp(past) == 0:
        return None
    size = size_of(past, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of slow convergence: the judge sees how good it is
        try:
            found = MODELS[name](past / size) * size
        except (ValueError, np.linalg.LinAlgError):
            return None
    return found if np.isfinite(found).all() else None


def judged(x: Array, names: tuple[str, ...] = tuple(MODELS), origins: int = 4) -> dict[str, float]:
    """Mean absolute percentage error of each model over the last origins, a day apart; without the models that failed."""
    ends = range(len(x) - LEADS, 3 * LEADS, -LEADS)[:origins]
    errors: dict[str, float] = {}
    for name in names:
        said = [(fitted(name, x[:end]), end) for end in ends]
        found = [relative(x[end : end + LEADS], s, size_of(x[:end], 1)).mean() for s, end in said if s is not None]
        if found and len(found) == len(ends):
            errors[name] = float(np.mean(found))
    return errors
