"""The first stage: claims that something is wrong become signals, signals become incidents. It decides nothing.

`parse_alertmanager` reads deliveries, `evaluate` watches the built-in telemetry, `hear` listens to what targets say, `group`
says which signals open an incident, join one, wait or are dropped. All pure: bytes, values and ports in, values out; the
pipeline does the rest.
"""

from reconciler.signals.actions import Action, Drop, Hold, Join, Open, OpenIncident, Scope
from reconciler.signals.alertmanager import AlertLimits, parse_alertmanager
from reconciler.signals.catalogue import catalogue, meaning
from reconciler.signals.grouping import group
from reconciler.signals.sensors import Evaluation, SensorState, evaluate
from reconciler.signals.tellings import Tellings, hear, standing_long

__all__ = [
    "Action",
    "AlertLimits",
    "Drop",
    "Evaluation",
    "Hold",
    "Join",
    "Open",
    "OpenIncident",
    "Scope",
    "SensorState",
    "Tellings",
    "catalogue",
    "evaluate",
    "group",
    "hear",
    "meaning",
    "parse_alertmanager",
    "standing_long",
]
