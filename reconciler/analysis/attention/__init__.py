"""Attention: a cheap first look at every series, so that the expensive looks go to the few that deserve them.

`Attention.look` takes the newest samples of all series, every 15 seconds, and gives the few notices that stand out, each with
its reasons as numbers. Histories say how far a sample lies from what its own series did; the hierarchy takes away what the
service explains (all its replicas do it) and what the system explains (all services do it); what is left is surprise. Surprise,
lateness, criticality and novelty make salience. It decides nothing, and it is never the last word about a series.
"""

from reconciler.analysis.attention.attention import Attention, Look, Notice, Settings
from reconciler.analysis.attention.criticality import criticality

__all__ = ["Attention", "Look", "Notice", "Settings", "criticality"]
