"""Meters: what the healer counts about itself, for `/metrics` and for the settle barrier of demo and tests."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping

FAULT_LASTS_S = 60.0  # of a part that has nothing to do
BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


class Meters:
    """Counters and histograms of one process. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: dict[str, float] = defaultdict(float)
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._blocked: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._last_fault: dict[str, tuple[str, float]] = {}
        self._deliveries: Counter[str] = Counter()
        self._beat_ms = 0

    @staticmethod
    def now() -> float:
        """Seconds of this process's own time, for durations only."""
        return time.perf_counter()

    def step(self, stage: str, seconds: float) -> None:
        with self._lock:
            at = next((i for i, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
            self._steps[stage][at] += 1
            self._seconds[stage] += seconds

    def verdict(self, effect: str, reason: str) -> None:
        with self._lock:
            self._verdicts[effect, reason] += 1

    def blocked(self, guard: str) -> None:
        """A guard said no: every guard counts how often it did."""
        with self._lock:
            self._blocked[guard] += 1

    def fault(self, part: str, text: str) -> None:
        with self._lock:
            self._faults[part] += 1
            self._last_fault[part] = (text, self.now())

    def delivery(self, answer: str) -> None:
        """One webhook delivery, by how it was answered."""
        with self._lock:
            self._deliveries[answer] += 1

    def beat(self, wall_ms: int) -> None:
        with self._lock:
            self._beat_ms = wall_ms

    def well(self, part: str, *, did: bool) -> None:
        """The part did its work again, or has had nothing to complain about for a while: its last fault is history."""
        if part in self._last_fault:
            with self._lock:
                _, at = self._last_fault.get(part, ("", 0.0))
                if did or self.now() - at > FAULT_LASTS_S:
                    self._last_fault.pop(part, None)

    def faults(self) -> Mapping[str, str]:
        """The last fault of each part, for status."""
        with self._lock:
            return {part: text for part, (text, _) in self._last_fault.items()}

    def render(self) -> list[str]:
        """Prometheus text lines."""
        with self._lock:
            lines = ["# TYPE homeostat_step_seconds histogram"]
            for stage, counts in sorted(self._steps.items()):
                total = 0
                for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
                    total += count
                    lines.append(f'homeostat_step_seconds_bucket{{stage="{stage}",le="{bound}"}} {total}')
                lines.append(f'homeostat_step_seconds_sum{{stage="{stage}"}} {self._seconds[stage]:.6f}')
                lines.append(f'homeostat_step_seconds_count{{stage="{stage}"}} {total}')
            lines.append("# TYPE homeostat_verdicts_total counter")
            lines += [
                f'homeostat_verdicts_total{{effect="{e}",reason="{r}"}} {n}' for (e, r), n in sorted(self._verdicts.items())
            ]
            lines.append("# TYPE homeostat_guard_blocked_total counter")
            lines += [f'homeostat_guard_blocked_total{{guard="{g}"}} {n}' for g, n in sorted(self._blocked.items())]
            lines.append("# TYPE homeostat_faults_total counter")
            lines += [f'homeostat_faults_total{{part="{p}"}} {n}' for p, n in sorted(self._faults.items())]
            lines.append("# TYPE homeostat_deliveries_total counter")
            lines += [f'homeostat_deliveries_total{{answer="{a}"}} {n}' for a, n in sorted(self._deliveries.items())]
            lines.append("# TYPE homeostat_heartbeat_timestamp_seconds gauge")
            lines.append(f"homeostat_heartbeat_timestamp_seconds {self._beat_ms / 1_000}")
            return lines
