"""What was learned as bytes and back: JSON with the trees in XGBoost's own format. Nothing in it is ever run.

What cannot be read is a `ValueError`: of another release, or broken. It is learned again then.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

from reconciler.analysis.failures.model import EDGES, Model, Worth

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Learned:
    """`of` names the runs that it was learned from; no model where too few of them broke."""

    of: tuple[str, ...]
    made_ms: int
    model: Model | None


def dumped(learned: Learned) -> bytes:
    model = None if learned.model is None else _plain(learned.model)
    said = {"format": FORMAT, "edges": EDGES.tolist(), "of": learned.of, "made_ms": learned.made_ms, "model": model}
    return json.dumps(said, sort_keys=True).encode()


def loaded(raw: bytes) -> Learned:
    try:
        said = json.loads(raw)
        if (said["format"], said["edges"]) != (FORMAT, EDGES.tolist()):
            raise ValueError("another format")
        model = None if said["model"] is None else _model(said["model"])
        return Learned(tuple(str(name) for name in said["of"]), int(said["made_ms"]), model)
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no model of failures: {type(error).__name__}") from error


def _plain(model: Model) -> dict[str, Any]:
    members = [
        {"trees": base64.b64encode(bytes(booster.save_raw("ubj"))).decode("ascii"), "temperature": temperature}
        for booster, temperature in model.members
    ]
    worth = [model.worth.runs, model.worth.broke, model.worth.precision, model.worth.chance]
    return {"names": model.names, "threshold": model.threshold, "worth": worth, "members": members}


def _model(said: Any) -> Model:
    names = tuple(str(name) for name in said["names"])
    members = tuple(
        (_trees(base64.b64decode(one["trees"], validate=True), len(names)), _positive(one["temperature"]))
        for one in said["members"]
    )
    if not members:
        raise ValueError("no members")
    runs, broke, precision, chance = said["worth"]
    return Model(names, members, _positive(said["threshold"]), Worth(int(runs), int(broke), float(precision), float(chance)))


def _trees(raw: bytes, features: int) -> Any:
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(raw))
    except xgboost.core.XGBoostError as error:
        raise ValueError("no trees") from error
    if booster.num_features() != features:
        raise ValueError("trees of other features")
    return booster


def _positive(value: Any) -> float:
    if not isinstance(value, float | int) or not 0 < value < math.inf:
        raise ValueError("no number above zero")
    return float(value)
