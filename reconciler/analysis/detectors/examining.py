"""All detectors over one window. One that fails is told as unknown, with its error's kind, and stops no other.

The same window and detectors give the same findings in the same order: detectors in the order in which they are given, of each
what it said in its order.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from reconciler import plugins
from reconciler.analysis.detectors.saying import Speaker
from reconciler.errors import HomeostatError
from reconciler.model.findings import Finding
from reconciler.ports.detector import Detector, Window

MOST = 200  # findings of one detector that are kept: records are bounded
BROKEN = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, MemoryError, RuntimeError, HomeostatError)
_log = logging.getLogger(__name__)


def built_in() -> tuple[Detector, ...]:
    """Every detector that is installed, those of others last, with the settings they come with."""
    return tuple(plugins.load("detector", name)() for name in plugins.names("detector"))


def examine(window: Window, detectors: Sequence[Detector] | None = None) -> tuple[Finding, ...]:
    """What all detectors (by default every one that is installed) find in the window."""
    found: list[Finding] = []
    for detector in built_in() if detectors is None else detectors:
        found += _asked(detector, window)
    return tuple(found)


def _asked(detector: Detector, window: Window) -> Sequence[Finding]:
    try:
        return tuple(detector.detect(window))[:MOST]
    except BROKEN as error:
        _log.warning("detector_failed detector=%s", detector.name, exc_info=True)
        speaker = Speaker(detector.name, detector.version, detector.settings)
        return (speaker.unknown(window.now_ms, f"the detector {detector.name} failed with {type(error).__name__}"),)
