"""The log as people read it: one line an entry, one entry in full, and a report. Also what `--json` prints.

Pure: values in, text or JSON values out; what reaches a terminal has its control characters shown, not obeyed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler.audit.layout import month_of
from reconciler.audit.verify import Report
from reconciler.model.canonical import Json, plain
from reconciler.model.records import LoggedRecord

_SHORT = 12


def line(logged: LoggedRecord) -> str:
    """`index  time  kind  subject  summary`."""
    record = logged.record
    summary = "  ".join(f"{name}={_short(value)}" for name, value in _headlines(logged))
    head = f"{logged.index:>6}  {moment(record.stamp.wall_ms)}  {record.kind.value:<10}  {_short(record.subject):<14}"
    return f"{head}  {summary}".rstrip()


def lines(entries: Iterable[LoggedRecord]) -> str:
    return "\n".join(line(logged) for logged in entries)


def show(logged: LoggedRecord) -> str:
    """One entry in full."""
    record = logged.record
    signed_by = ", ".join(signature["keyid"] for signature in logged.envelope.get("signatures", ()))
    head = (
        ("entry", str(logged.index)),
        ("id", record.id),
        ("kind", record.kind.value),
        ("key", record.key),
        ("about", record.subject or "-"),
        ("incident", record.incident or "-"),
        ("time", f"{moment(record.stamp.wall_ms)} (clock {record.stamp.clock_ms} ms)"),
        ("signed by", signed_by or "-"),
    )
    payload = json.dumps(plain(dict(record.payload)), indent=2, sort_keys=True, ensure_ascii=False)
    return "\n".join([*(f"{name + ':':<10} {_safe(value)}" for name, value in head), "payload:", _safe(payload)])


def report(found: Report) -> str:
    """What was checked, then what is wrong or what the absence of problems means."""
    said = [
        f"log: {found.size} entries, root {found.root or '-'}",
        f"checked: {found.entries} entries, {found.commits} commits on the branch",
    ]
    if not found.objects_checked:
        said.append("not checked: the object database (git fsck)")
    if found.dropped:
        said.append(f"dropped by retention: the payloads of {len(found.dropped)} entries; their leaves are proven")
    said += [f"PROBLEM  {_safe(problem.where)}: {_safe(problem.text)}" for problem in found.problems]
    said.append(
        "tamper-evident: nothing was altered since the remembered checkpoint"
        if found.ok
        else f"{len(found.problems)} problems: trust nothing of this log until a person has looked"
    )
    return "\n".join(said)


def as_json(logged: LoggedRecord) -> Json:
    """For `--json`: the record with its place and envelope."""
    return {
        "index": logged.index,
        "id": logged.record.id,
        "record": plain(logged.record),
        "envelope": plain(dict(logged.envelope)),
    }


def report_json(found: Report) -> Json:
    return {"ok": found.ok, "claim": "tamper-evident", "report": plain(found)}


def moment(wall_ms: int) -> str:
    """`2026-11-21T02:03:04Z`."""
    seconds, days = wall_ms // 1_000 % 86_400, wall_ms // 86_400_000
    month = month_of(wall_ms)
    day = 1
    while month_of((days - day) * 86_400_000) == month:
        day += 1
    return f"{month}-{day:02d}T{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def _headlines(logged: LoggedRecord) -> list[tuple[str, str]]:
    """The few payload fields that say most, where they are plain text."""
    payload = logged.record.payload
    names = ("effect", "reason", "state", "kind", "event", "playbook", "unit", "by", "owner", "summary", "detail")
    return [(name, str(payload[name])) for name in names if isinstance(payload.get(name), str) and payload[name]]


def _short(text: str) -> str:
    """Ids are cut as Git cuts them; sentences at a line's end."""
    is_id = len(text) >= 40 and " " not in text
    return _safe(text[:_SHORT] if is_id else text[:80])


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)
