"""kill -9 while telemetry is written and sealed: what was acknowledged is there, once, and the next writer goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.samples import SampleStore

ROWS = 10_000  # a batch; with the sixth the head is full and becomes a block
BOUNDS = Bounds(max_bytes=8 << 20, max_points=1 << 30)
WRITER = f"""
import sys
import numpy as np
from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.samples import SampleStore
store = SampleStore(sys.argv[1], Bounds(max_bytes={8 << 20}))
for number in range(int(sys.argv[2]), 1_000_000):
    times = number * {ROWS} + np.arange({ROWS})
    store.append([("cart", "even"), ("cart", "odd")], times % 2, times, times % 977 / 10)
    print(number, flush=True)
"""


def _killed(folder: Path, begin: int, wait: int, late_s: float) -> int:
    """The last batch that the writer said is kept."""
    command = [sys.executable, "-c", WRITER, str(folder), str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(wait):
            last = int(writer.stdout.readline())
        time.sleep(late_s)
        writer.kill()
        return max([last, *(int(line) for line in writer.stdout.read().splitlines())])


def test_what_was_acknowledged_outlives_any_kill(tmp_path: Path):
    chance, begin = random.Random(3), 0
    for _ in range(3):
        last = _killed(tmp_path / "t", begin, chance.randint(1, 8), chance.uniform(0, 0.01))
        store = SampleStore(tmp_path / "t", BOUNDS)
        held = [store.range("cart", metric, 0, 1 << 42) for metric in ("even", "odd")]
        store.close()
        for first, (times, values) in enumerate(held):
            assert times[-1] + 2 >= (last + 1) * ROWS
            assert np.array_equal(times, np.arange(first, times[-1] + 1, 2))
            assert np.array_equal(values, times % 977 / 10)
        begin = last + 1
    assert list((tmp_path / "t").glob("*.block"))
    assert not list((tmp_path / "t").glob("*.damaged"))
