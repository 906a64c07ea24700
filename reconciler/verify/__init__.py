"""Verification: did the repair help, judged by what was named before it was merged."""

from reconciler.verify.expectations import Windows, windows
from reconciler.verify.outcome import verify
from reconciler.verify.told import Seen, unwell

__all__ = ["Seen", "Windows", "unwell", "verify", "windows"]
