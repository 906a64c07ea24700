"""`homeostat login`: a link that opens the page as one principal, once, for a quarter of an hour."""

from __future__ import annotations

import argparse

from reconciler.cli.common import answer, opened


def run(arguments: argparse.Namespace) -> int:
    """Whoever can read the home's secrets may make links; each opens one session."""
    from reconciler.bootstrap.opening import pinned, read_running
    from reconciler.console.logins import login_link

    with opened(arguments) as system:
        principal = arguments.principal or pinned(system.home).owner
        link = login_link(system.home, system.world, principal)
        runs = read_running(system.home) is not None
        hint = "" if runs else "\nnothing runs here yet: homeostat up"
        answer(arguments, {"principal": principal, "link": link, "running": runs}, f"{link}{hint}")
    return 0
