"""The lab's speed: a simulated hour of the template's twelve services at steps of one second, on one core.

The reach is half a second for the hour. Also shown: the HTTP process's own memory (a fresh interpreter, world loaded, one scrape
served), and what a scrape costs when the clock moved by five seconds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, p95, report, times

from reconciler.lab.metrics import prometheus
from reconciler.lab.stage import deploy, read_manifests
from reconciler.lab.world import World
from reconciler.testing.clock import ManualClock

APPS = Path(__file__).parents[1] / "infra-repo-template" / "apps"

CHILD = """
import sys
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from reconciler.lab.server import make_server
from reconciler.lab.world import World
from reconciler.testing.clock import ManualClock
server = make_server(World(Path(sys.argv[1]), ManualClock(int(sys.argv[2]))))
Thread(target=server.serve_forever, daemon=True).start()
line = HTTPConnection("127.0.0.1", server.server_port)
line.request("GET", "/metrics")
assert len(line.getresponse().read()) > 5_000
line.close()
rows = Path("/proc/self/smaps_rollup").read_text().splitlines()
print(next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024)
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        world = World(Path(folder), clock)
        deploy(world, read_manifests(APPS), 1)
        clock.advance(120_000)
        world.advance()

        def move(seconds: int) -> None:
            clock.advance(seconds * 1000)
            world.advance()

        cpu: list[float] = []
        for _ in range(5):
            start = time.process_time()
            move(3_600)
            cpu.append(time.process_time() - start)
        scrapes = times(lambda: (move(5), prometheus(world)), 200)
        moment = str(clock.now())
        child = subprocess.run(
            [sys.executable, "-c", CHILD, folder, moment], capture_output=True, text=True, check=True, timeout=60
        )
    return report([
        Figure("lab: simulated hour, 12 services (median of 5)", statistics.median(cpu), "CPU s", reach=0.5),
        Figure("lab: scrape after 5 s, median", statistics.median(scrapes) * 1000, "ms"),
        Figure("lab: scrape after 5 s, p95", p95(scrapes) * 1000, "ms"),
        Figure("lab: memory of its process (PSS)", float(child.stdout), "MiB"),
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
