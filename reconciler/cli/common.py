"""What verbs share: the home of a call, who acts, how an answer is printed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from reconciler.settings import Home


def home_of(arguments: argparse.Namespace) -> Home:
    return Home(arguments.home)


def answer(arguments: argparse.Namespace, value: Any, text: str) -> None:
    """One JSON document or the text, on stdout."""
    print(json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) if arguments.json else text)


def tell(text: str) -> None:
    """Progress, on stderr, so that stdout stays what was asked for."""
    print(text, file=sys.stderr, flush=True)
