"""`homeostat init`: a new home folder."""

from __future__ import annotations

import argparse

from reconciler.cli.common import answer, home_of


def run(arguments: argparse.Namespace) -> int:
    """Makes it and says what to do next."""
    from reconciler.bootstrap.create import Request, create

    home = home_of(arguments)
    request = Request(arguments.name, arguments.owner, arguments.email, arguments.clock, arguments.port, arguments.lab_port)
    root = create(home, request)
    text = f"""\
{home.root} is ready.
  repository  {home.repository} (root {root[:12]}, branch main)
  keys        {home.keys} (author, judge, log, review, owner): keep a copy somewhere safe
  webhook     its shared secret is in {home.secret}
Everything is in shadow: repairs are only described until policies/autonomy.yaml says more.
Next: homeostat --home {home.root} up      runs it; git clone {home.repository} is how you change it"""
    answer(arguments, {"home": str(home.root), "repository": str(home.repository), "root": root}, text)
    return 0
