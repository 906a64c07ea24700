"""`homeostat up`: the embedded system, kept running."""

from __future__ import annotations

import argparse

from reconciler.cli.common import home_of, tell


def run(arguments: argparse.Namespace) -> int:
    """Until Ctrl-C."""
    from reconciler.bootstrap.run import up

    up(home_of(arguments), tell)
    return 0
