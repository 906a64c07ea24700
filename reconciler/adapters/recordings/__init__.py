"""Recorded telemetry in files: a folder of CSV and Parquet becomes the samples, calls and changes of one window.

Files are foreign: sizes are bounded, what is wrong is told with file and line, and a value that nobody wrote is a gap.
"""

from reconciler.adapters.recordings.folder import Recorded, read_folder

__all__ = ["Recorded", "read_folder"]
