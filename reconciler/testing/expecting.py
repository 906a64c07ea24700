"""expect: the one assertion of the conformance kits; it also speaks under `python -O`."""

from __future__ import annotations


def expect(held: bool, promise: str) -> None:
    """Raises AssertionError with the broken promise."""
    if not held:
        raise AssertionError(f"broken promise: {promise}")
