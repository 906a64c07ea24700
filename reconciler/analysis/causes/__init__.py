"""Which service is at fault: shifts of metrics read along the call graph, without network, files or clock.

In: a `Recording` of samples, calls, alarm and normal period. Out: a `Finding`, services ranked with the metrics that speak for
each and a calibrated confidence, or why nothing is known. The steps are numbered in `ranking`. Deterministic.
"""

from reconciler.analysis.causes.confidence import Curve, fit
from reconciler.analysis.causes.kinds import Kind, kind_of
from reconciler.analysis.causes.ranking import Cause, Finding, Sign, find
from reconciler.analysis.causes.recording import Column, Edge, Recording

__all__ = ["Cause", "Column", "Curve", "Edge", "Finding", "Kind", "Recording", "Sign", "find", "fit", "kind_of"]
