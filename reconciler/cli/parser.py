"""The verbs and their arguments. Only the standard library: `homeostat --help` answers at once.

Each verb names `module:function`; the module is imported when the verb runs, and takes the parsed arguments.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reconciler import __version__

EPILOG = """\
first steps:
  homeostat init                      make a home folder with a new infra repository
  homeostat up                        run the controller, the lab and the page on localhost
  homeostat status                    what is open, what was done, what waits for you
  homeostat pr list                   repairs that wait for a review

the way back:
  git revert SHA && git push          undo one repair; a hold keeps the machine from redoing it
  homeostat panic --since 5m          undo every machine-made commit of the window, put the brake on

exit codes: 0 done, 1 refused or failed, 2 wrong usage, 65 tampered, 75 try again, 78 misconfigured
"""

Run = Callable[[argparse.Namespace], int | None]


class Parser(argparse.ArgumentParser):
    """An unknown verb is answered with the nearest one; thirty names in a row help nobody."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.metavar != "VERB" or not action.choices or value in action.choices:
            super()._check_value(action, value)
            return
        close = difflib.get_close_matches(str(value), list(action.choices), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"{self.prog} --help lists all"
        raise argparse.ArgumentError(None, f"there is no verb {value!r} ({hint})")


class Verbs:
    """Adds verbs with their help, examples and arguments, all in one place."""

    def __init__(self, parser: argparse.ArgumentParser, prefix: str = "") -> None:
        self._adder = parser.add_subparsers(dest=f"verb_{prefix or 'top'}", metavar="VERB", title="verbs")
        self._prefix = prefix
        parser.set_defaults(lists=parser)

    def add(self, name: str, target: str, summary: str, examples: str) -> argparse.ArgumentParser:
        """One verb that runs `module:function`."""
        parser = self._parser(name, summary, examples)
        everywhere(parser, hidden=True)
        parser.set_defaults(run=_deferred(target), verb=f"{self._prefix} {name}".strip())
        return parser

    def group(self, name: str, summary: str, examples: str) -> Verbs:
        """A verb that has verbs of its own."""
        return Verbs(self._parser(name, summary, examples), name)

    def _parser(self, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        return self._adder.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )


def _deferred(target: str) -> Run:
    def run(arguments: argparse.Namespace) -> int | None:
        module, _, function = target.partition(":")
        verb: Run = getattr(importlib.import_module(module), function)
        return verb(arguments)

    return run


def everywhere(parser: argparse.ArgumentParser, *, hidden: bool = False) -> None:
    """What every call may say, before its verb or behind it; behind it the help does not repeat them."""
    for flag, kind, said, otherwise in (
        ("--home", Path, "home folder (default $HOMEOSTAT_HOME or ./.homeostat)", _home()),
        ("--json", None, "one JSON document on stdout, for programs", False),
        ("--verbose", None, "show where an error came from", False),
    ):
        how: dict[str, Any] = {"type": kind} if kind else {"action": "store_true"}
        shown = argparse.SUPPRESS if hidden else said
        parser.add_argument(flag, help=shown, default=argparse.SUPPRESS if hidden else otherwise, **how)


def _home() -> Path:
    """An empty variable names no folder; taken as a path it would be the one that somebody happens to stand in."""
    return Path(os.environ.get("HOMEOSTAT_HOME") or ".homeostat")


def pull_number(text: str) -> int:
    """`3`, or `#3` as lists and pages write it."""
    if not text.removeprefix("#").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a pull request (homeostat pr list)")
    return int(text.removeprefix("#"))


def how_many(text: str) -> int:
    """A bound of a list; of none or fewer there is nothing to show, and a slice would count from the other end."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def person(parser: argparse.ArgumentParser) -> None:
    """Who acts."""
    parser.add_argument("--as", dest="principal", default="", help="your principal in Trust (default the home's owner)")
    parser.add_argument("--key", type=Path, help="your private key (default the home's owner key)")


def build() -> argparse.ArgumentParser:
    """The whole parser."""
    parser = Parser(
        prog="homeostat",
        description="Self-healing infrastructure in which every repair is a reviewed, signed Git commit.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    everywhere(parser)
    parser.add_argument("--version", action="version", version=f"homeostat {__version__}")
    verbs = Verbs(parser)
    for module in ("system", "repairs", "rules", "health", "sensing", "looking", "diagnosis", "records", "clusters"):
        importlib.import_module(f"reconciler.cli.verbs_{module}").register(verbs)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of one call; usage errors leave with exit code 2 as argparse does. No verb at all gets the list of them."""
    arguments = build().parse_args(argv)
    if not hasattr(arguments, "run"):
        arguments.lists.print_help(sys.stderr)
        raise SystemExit(2)
    return arguments
