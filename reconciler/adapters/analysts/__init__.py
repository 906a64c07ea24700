"""Where the detectors run: one worker process on this machine, behind the port `ports.analyst`.

A pool on many machines (joblib with Ray or Dask) would be another adapter of the same port.
"""
