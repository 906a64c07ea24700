"""Anomalies of a series as it arrives: how odd is a sample, by which view, and is it worth an alarm.

Numbers in, frozen values out; no decisions. `anomalies` is all that others need.
"""

from reconciler.analysis.anomalies.detector import Anomalies, anomalies

__all__ = ["Anomalies", "anomalies"]
