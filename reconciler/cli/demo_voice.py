"""The demo's voice: a readable live story. Colour and moving progress only on a terminal; a log file gets plain lines."""

from __future__ import annotations

import os
import shutil
import sys
import time


class Voice:
    """Tells on stdout."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._terminal and not os.environ.get("NO_COLOR")  # https://no-color.org
        self._started = time.monotonic()
        self._moving = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def act(self, number: int, title: str) -> None:
        self._line("")
        self._line(self._bold(f"Act {number}. {title}"))

    def say(self, text: str) -> None:
        self._line(f"  {text}")

    def more(self, text: str, indent: int = 6) -> None:
        """Several lines of detail, as the product itself says them."""
        for line in text.splitlines():
            self._line(" " * indent + self._dim(line) if line.strip() else "")

    def command(self, text: str) -> None:
        self._line(f"    {self._bold('$')} {self._bold(text)}")

    def seen(self, text: str, *, ok: bool) -> None:
        """An outcome that was observed in Git or in the lab."""
        self._line(f"  {self._paint('32' if ok else '31', 'seen' if ok else 'NOT SEEN')}  {text}")

    def progress(self, text: str) -> None:
        """A line that moves; nothing where nobody watches."""
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write("\r\x1b[K" + self._dim(f"  … {text}"[:width]))
            sys.stdout.flush()
            self._moving = True

    def _line(self, text: str) -> None:
        if self._moving:
            sys.stdout.write("\r\x1b[K")
            self._moving = False
        print(text, flush=True)

    def _bold(self, text: str) -> str:
        return self._paint("1", text)

    def _dim(self, text: str) -> str:
        return self._paint("2", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
