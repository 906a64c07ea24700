"""LogBook: log lines as counts per interval: of lines, of errors, of each template, and of templates never seen before.

In: lines of components. Out: rows when an interval is over. A component that was first heard less than ten minutes ago has
no count of new templates: at first everything is new, and that says nothing. Templates keep their numbers in a file, so that a
series of a template survives a restart; a file that is none is begun anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.analysis.templates import Bounds, Miner
from reconciler.errors import Permanent, Retryable
from webhooks.otlp_messages import Line

GRACE_MS = 10_000
PAST_MS = 60_000
WARM_UP_MS = 600_000
KEEP_EVERY_MS = 60_000
SILENT_MS = 3_600_000
MAX_COMPONENTS = 200
MOST_TOLD = 30  # templates of one component and interval: the most frequent ones
MAX_FILE = 32 << 20
BOUNDS = Bounds(templates=200, words=40, word=40)


@dataclass(slots=True)
class _Speaker:
    """One component, and since when it is heard."""

    since_ms: int
    heard_ms: int = 0
    miner: Miner = field(default_factory=lambda: Miner(BOUNDS))


@dataclass(slots=True)
class _Heard:
    """What one component said in one interval."""

    since_ms: int  # since when it is heard at all
    lines: int = 0
    errors: int = 0
    new: int = 0
    templates: Counter[int] = field(default_factory=Counter)


class LogBook:
    def __init__(self, now_ms: int, interval_ms: int, path: Path | None) -> None:
        self._interval_ms, self._path = interval_ms, path
        self._closed = (now_ms - PAST_MS) // interval_ms
        self._speakers = _read(path)
        self._heard: dict[int, dict[str, _Heard]] = {}
        self._changed, self._kept_ms = False, now_ms

    def add(self, line: Line) -> str:
        """Why it was refused; empty when it was counted."""
        at = line.time_ms // self._interval_ms
        if at <= self._closed:
            return "too late"
        speaker = self._speakers.get(line.component)
        if speaker is None:
            if len(self._speakers) >= MAX_COMPONENTS and not self._made_room(line.time_ms):
                return "of too many components with logs"
            speaker = self._speakers[line.component] = _Speaker(line.time_ms)
        speaker.heard_ms = max(speaker.heard_ms, line.time_ms)
        heard = self._heard.setdefault(at, {}).setdefault(line.component, _Heard(speaker.since_ms))
        found = speaker.miner.learn(line.text)
        heard.lines += 1
        heard.errors += line.error
        heard.new += found.new
        heard.templates[found.id] += 1
        self._changed = self._changed or found.new
        return ""

    def rows(self, now_ms: int) -> Iterator[tuple[str, str, int, float]]:
        """Of the intervals that are over now."""
        last = (now_ms - GRACE_MS) // self._interval_ms - 1
        for at in sorted(at for at in self._heard if at <= last):
            end_ms = (at + 1) * self._interval_ms
            for component, heard in sorted(self._heard.pop(at).items()):
                for metric, value in self._figures(heard, end_ms):
                    yield component, metric, end_ms, value
        self._closed = max(self._closed, last)

    def _made_room(self, now_ms: int) -> bool:
        """Whether a component was dropped that has been silent for long."""
        name, silent = min(self._speakers.items(), key=lambda item: item[1].heard_ms)
        if now_ms - silent.heard_ms < SILENT_MS:
            return False
        del self._speakers[name]
        return True

    def keep(self, now_ms: int) -> None:
        """Writes the templates, at most once a minute, in one step."""
        if self._path is None or not self._changed or now_ms - self._kept_ms < KEEP_EVERY_MS:
            return
        told = {name: {"since": one.since_ms, "templates": one.miner.state()} for name, one in sorted(self._speakers.items())}
        new = self._path.with_name(self._path.name + ".new")
        self._changed, self._kept_ms = False, now_ms
        try:
            new.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
            new.replace(self._path)
        except OSError as error:
            raise Retryable(f"cannot keep the log templates in {self._path}: {error.strerror}", next_step="free space") from error

    def _figures(self, heard: _Heard, end_ms: int) -> Iterator[tuple[str, float]]:
        seconds = self._interval_ms / 1_000
        yield "log_rate", heard.lines / seconds
        yield "log_error_share", heard.errors / heard.lines
        if end_ms - heard.since_ms >= WARM_UP_MS:
            yield "log_new_templates", float(heard.new)
        ranked = sorted(heard.templates.items(), key=lambda item: (-item[1], item[0]))
        for template, lines in ranked[:MOST_TOLD]:
            yield f"log_template_rate{{template={template or 'other'}}}", lines / seconds


def _read(path: Path | None) -> dict[str, _Speaker]:
    """What was kept; nothing when there is nothing that can be read."""
    try:
        if path is None or path.stat().st_size > MAX_FILE:
            return {}
        told = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(name): _Speaker(int(one["since"]), int(one["since"]), Miner.restored(one["templates"], BOUNDS))
            for name, one in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Permanent):
        return {}
