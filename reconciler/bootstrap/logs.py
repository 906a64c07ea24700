"""Structured logs: one JSON object a line on stderr, with a constant event name and key-values.

In: `logging` records whose message is the event name and whose `fields` are in `extra`. Out: lines for a log collector,
redacted like every other sink, control characters escaped by JSON. Whole manifests and secrets never come this way.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from reconciler.adapters.clocks.system import wall_ms
from reconciler.audit.redact import Redactor

MAX_TEXT = 1_000


class JsonLines(logging.Formatter):
    """`{"ts_ms", "level", "event", ...fields}`."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = dict(getattr(record, "fields", {}))
        line = {"ts_ms": wall_ms(), "level": record.levelname.lower(), "event": record.getMessage()[:MAX_TEXT], **fields}
        if record.exc_info and record.exc_info[0]:
            line["error"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"[:MAX_TEXT]
        return json.dumps(self._redactor.value(line), ensure_ascii=True, default=str)


def start_logging(redactor: Redactor) -> None:
    """Homeostat's own events from `info`, other people's libraries from `warning`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("reconciler", "webhooks"):
        logging.getLogger(name).setLevel(logging.INFO)
