"""The detectors that come with Homeostat: each a thin plug-in over one part of the analysis, `Window` in, `Finding`s out.

`examine` runs them over one window, for the worker process and for `homeostat diagnose`; `explain` makes of what they found what
people read and see. Nothing here reads files, network or
clocks. Names of components and metrics are foreign text: what a finding quotes of them is cut and made harmless in `saying`.
"""

from reconciler.analysis.detectors.examining import built_in, examine
from reconciler.analysis.detectors.explaining import explain, explained

__all__ = ["built_in", "examine", "explain", "explained"]
