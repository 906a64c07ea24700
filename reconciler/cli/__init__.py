"""The `homeostat` command: a table of verbs, each in its own module, imported only when it is asked for.

Exit codes are a promise (docs/reference/exit-codes.md): 0 done, 1 refused or failed, 2 wrong usage, 65 tampered,
75 try again, 78 misconfigured. Text for people by default, `--json` for programs; errors go to stderr with a next step.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, run one verb, turn a HomeostatError into its sentence and exit code."""
    from reconciler.cli.inert import inert
    from reconciler.cli.parser import parse
    from reconciler.errors import HomeostatError

    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none is wanted, and looking for them reads all metadata
    gc.set_threshold(100_000)  # imports make much and drop little: looking for garbage on the way is a tenth of a short verb
    arguments = parse(sys.argv[1:] if argv is None else list(argv))
    try:
        return int(arguments.run(arguments) or 0)
    except HomeostatError as error:
        if arguments.verbose:
            raise
        print(inert(f"homeostat {arguments.verb}: {error}"), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `homeostat audit log | head` is no error; Python would complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # no right, no space, a folder that is gone: the sentence of the system says more than our stack
        if arguments.verbose:
            raise
        about = f"{error.filename}: " if error.filename else ""
        print(inert(f"homeostat {arguments.verb}: {about}{error.strerror or error} (--verbose shows where)"), file=sys.stderr)
        return 1
