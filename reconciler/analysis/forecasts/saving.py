"""A `Pool` as bytes and back: JSON with the boosters in XGBoost's own format. Nothing in it is ever run.

What cannot be read is a `ValueError`: of another release, or broken. It is learned again then.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from reconciler.analysis.forecasts.choice import LEAD_HOURS
from reconciler.analysis.forecasts.forecast import Pool
from reconciler.analysis.forecasts.history import DAY, HOUR, MOST_DAYS
from reconciler.analysis.forecasts.pool import SHARES, Learnt
from reconciler.analysis.forecasts.table import described

FORMAT = 1


def dumped(pool: Pool | None, made_ms: int) -> bytes:
    """None where there is nothing to learn from, or nothing was gained."""
    learnt = None if pool is None else [_plain(pool.steps), _plain(pool.hourly)]
    return json.dumps({"format": FORMAT, "made_ms": made_ms, "learnt": learnt}, sort_keys=True).encode()


def loaded(raw: bytes) -> tuple[Pool | None, int]:
    try:
        said = json.loads(raw)
        if said["format"] != FORMAT:
            raise ValueError("another format")
        made_ms = int(said["made_ms"])
        if said["learnt"] is None:
            return None, made_ms
        steps, hourly = said["learnt"]
        return Pool(_learnt(steps, HOUR), _learnt(hourly, 1)), made_ms
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no pool: {type(error).__name__}") from error


def _plain(learnt: Learnt) -> dict[str, Any]:
    trees = {name: base64.b64encode(bytes(made.get_booster().save_raw("ubj"))).decode("ascii") for name, made in _both(learnt)}
    return {**trees, "moves": learnt.moves.tolist()}


def _both(learnt: Learnt) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("point", learnt.point), ("quantiles", learnt.quantiles)


def _learnt(said: Any, hour: int) -> Learnt:
    moves = np.array(said["moves"], dtype=float)
    if moves.shape != (len(LEAD_HOURS), len(SHARES)) or not np.isfinite(moves).all():
        raise ValueError("no moves")
    features = described(np.ones(MOST_DAYS * DAY), np.ones(MOST_DAYS * 24 * hour), hour, np.arange(1)).rows.shape[1]
    return Learnt(_trees(said["point"], features), _trees(said["quantiles"], features), moves, hour)


def _trees(text: Any, features: int) -> Any:
    import xgboost

    made = xgboost.XGBRegressor(n_jobs=1)
    try:
        made.load_model(bytearray(base64.b64decode(text, validate=True)))
    except xgboost.core.XGBoostError as error:
        raise ValueError("no trees") from error
    if made.n_features_in_ != features:
        raise ValueError("trees of other features")
    return made
