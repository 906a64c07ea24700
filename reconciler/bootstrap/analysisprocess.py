"""The worker process of the analysis: `python -m reconciler.bootstrap.analysisprocess HOME MEMORY_MIB`, started by `run`.

Reads the installation's telemetry itself, so that no sample passes through the loop. Heavy libraries are imported by this
process alone, before the first inquiry comes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from reconciler.adapters.analysts.child import serve
from reconciler.adapters.analysts.looking import look
from reconciler.adapters.telemetry.traces import TraceSamples
from reconciler.bootstrap.opening import open_settings, open_telemetry
from reconciler.model.findings import Finding
from reconciler.model.home import Home
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.ports.detector import Window

NEEDED = ("numpy", "scipy", "statsmodels", "sklearn", "xgboost", "networkx")  # of the extra `analysis`


def lacking() -> tuple[str, ...]:
    """The packages of the extra that are not installed; nothing is imported for it."""
    return tuple(name for name in NEEDED if importlib.util.find_spec(name) is None)


def main(home: Home, memory_mib: int) -> None:
    """Until stdin ends."""
    telemetry, traces = open_telemetry(home, open_settings(home)), TraceSamples(home.traces)

    def prepare() -> Callable[[Inquiry], Answer]:
        from reconciler.analysis.detectors import built_in, examine, explained
        from reconciler.analysis.detectors.failures import Failures
        from reconciler.analysis.detectors.forecasts import Forecasts

        detectors = built_in()
        for detector in detectors:
            if isinstance(detector, Forecasts):
                detector.keep_in(home.choices)
                detector.learn_from(home.pool)
            if isinstance(detector, Failures):
                detector.learn_from(home.failures)

        def chosen(window: Window, names: tuple[str, ...]) -> tuple[Finding, ...]:
            return examine(window, [d for d in detectors if not names or d.name in names])

        return lambda inquiry: look(inquiry, telemetry, chosen, explained, traces)

    serve(prepare, memory_mib)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), int(sys.argv[2]))
