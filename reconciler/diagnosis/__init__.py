"""Diagnosis: what most likely broke, with evidence, or an honest "unknown". It looks and never acts.

In: an incident, Telemetry, the infra repository and the history of what was applied when. Out: a Diagnosis.
`presence` answers the earlier question of triage: is the trouble that an alert claimed still there.
"""

from reconciler.diagnosis.commits import Applied
from reconciler.diagnosis.declared import Files
from reconciler.diagnosis.finding import diagnose
from reconciler.diagnosis.presence import Presence, ended, late, still_present
from reconciler.diagnosis.workloads import workload_causes

__all__ = ["Applied", "Files", "Presence", "diagnose", "ended", "late", "still_present", "workload_causes"]
