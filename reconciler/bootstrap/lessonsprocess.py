"""The worker process of the lessons: `python -m reconciler.bootstrap.lessonsprocess HOME MEMORY_MIB`, started by `run`.

Like the process of the detectors (`analysisprocess`), which finds in files what this one has learned; it has minutes for an
inquiry instead of seconds, and what it learns keeps no diagnosis waiting.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from reconciler.adapters.analysts.child import serve
from reconciler.bootstrap.opening import open_settings, open_telemetry
from reconciler.model.home import Home
from reconciler.ports.analyst import Answer, Inquiry


def main(home: Home, memory_mib: int) -> None:
    """Until stdin ends."""
    telemetry = open_telemetry(home, open_settings(home))

    def prepare() -> Callable[[Inquiry], Answer]:
        from reconciler.adapters.analysts.lessons import Lessons, taught
        from reconciler.adapters.analysts.pooling import Pooling

        teachers = (Lessons(telemetry, home.runs, home.failures), Pooling(telemetry, home.pool))
        return lambda inquiry: taught(inquiry, teachers)

    serve(prepare, memory_mib)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), int(sys.argv[2]))
