"""Failure prediction: is a breach of the objective coming within the next 10 to 60 minutes, when, and because of what.

Telemetry of one service (its components by its sensors) becomes a `Panel` on a grid of a minute (`panel`), the panel one row of
trend features a minute (`trends`, `features`), and a row the chances of a breach in each coming interval (`model`), from which
follow the chance within any of the horizons, the lead time and the sensors that speak for it. `alarms` turns chances
into few alarms: at most so many a day.

Invariants: causal (a later sample never changes an earlier answer); no feature knows how long telemetry has been kept; rows
without recent samples are unknown, never "healthy"; the same data and seed give the same model.
"""
