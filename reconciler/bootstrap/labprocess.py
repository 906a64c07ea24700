"""The lab's own process: `python -m reconciler.bootstrap.labprocess HOME PORT SEED`, started by `run`.

Says its address on stdout when it listens, and stops when stdin ends, that is, when whoever started it is gone.
Imports nothing but the lab and the clocks: it has to stay small.
"""

from __future__ import annotations

import os
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.clocks.system import SystemClock
from reconciler.errors import HomeostatError
from reconciler.lab.server import make_server, sole
from reconciler.lab.world import World
from reconciler.ports.clock import Clock


def main(home: Path, port: int, seed: int) -> int:
    """Serve until stdin ends."""
    stepped = home / "clock"
    clock: Clock = SteppedClock(stepped) if stepped.exists() else SystemClock()
    folder = home / "lab"
    folder.mkdir(exist_ok=True)
    try:
        with sole(folder):
            return _serve(make_server(World(folder, clock, seed), "127.0.0.1", port))
    except (OSError, HomeostatError) as error:
        print(f"cannot serve on 127.0.0.1:{port} from {folder}: {error}", flush=True)
        return 1


def _serve(server: ThreadingHTTPServer) -> int:
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.read(sys.stdin.fileno(), 1024):
        pass
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
