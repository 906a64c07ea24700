"""Real programs that tests check against, where `make peers` has built them.

A machine without them is a user's: there the tests say why they were skipped. In CI that would hide a hole, so they fail.
"""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[1] / ".ci/peers/build"


@functools.cache
def look_up(wrapper: str) -> tuple[str, str]:
    """The folder, or why there is none."""
    asked = subprocess.run([BUILD, "--where", wrapper], capture_output=True, text=True, check=False)
    return asked.stdout.strip(), asked.stderr.strip() or f"{BUILD} --where {wrapper} said nothing"


def peers(wrapper: str) -> Path:
    """The folder that holds what .ci/peers/WRAPPER builds; skips the test where it is not built, under CI=true fails it."""
    folder, reason = look_up(wrapper)
    if folder:
        return Path(folder)
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
