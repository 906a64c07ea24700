"""Alertmanager's webhook (version 4) as Signals: bytes in, typed claims out. Pure; the webhook authenticates before.

Strict where it matters, tolerant where Alertmanager grows: unknown fields are ignored; wrong types, duplicate keys,
absent fields, absurd times and too many alerts refuse the whole delivery, naming the place. Nothing is half accepted.

What is checked, in this order, because each protects the next:
1. UTF-8 and JSON, no duplicate keys, no depth that stops the scanner, no NaN;
2. version "4" and a bounded list of alerts;
3. each alert: labels are text, status is known, times exist and are neither absurd nor in the future.

Identity: a signal's id is the digest of receiver, all labels, status and start (and end, once resolved), so the same
delivery twice is the same signals. What still fires whole hours after its start is said again, since the incident that it
opened may be over. Its fingerprint is name and component alone: the same trouble at another time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.errors import Permanent
from reconciler.model.canonical import digest
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.signals.inert import component_of, kept_labels, plain_name

REPEAT_MS = 3_600_000  # once in which an alert that goes on firing counts again
EARLIEST_MS = 946_684_800_000  # the year 2000: what is before it is a zero value or a broken clock
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})")
_SEVERITIES = {"critical": Severity.CRITICAL, "page": Severity.CRITICAL, "info": Severity.INFO, "none": Severity.INFO}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """How much one delivery may claim."""

    max_alerts: int = 1_000  # a storm of 500 fits; more is split by Alertmanager's own `max_alerts`
    max_labels: int = 64
    max_ahead_ms: int = 300_000  # how far the sender's clock may run ahead of ours


class _DuplicateKeyError(ValueError):
    """Two values for one key: readers disagree about which counts, so neither does."""


def parse_alertmanager(raw: bytes, receiver: str, now: int, limits: AlertLimits | None = None) -> tuple[Signal, ...]:
    """The signals of one delivery, in its order, each once. Permanent names the place that is wrong."""
    caps = limits or AlertLimits()
    body = _json(raw)
    if body.get("version") != "4":
        raise _refused("version", 'must be "4"', "use a webhook_config of Alertmanager 0.9 or newer")
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        raise _refused("alerts", "must be a list")
    if len(alerts) > caps.max_alerts:
        raise _refused(
            "alerts", f"holds {len(alerts)} alerts, at most {caps.max_alerts} fit", "set max_alerts in webhook_configs"
        )
    source = f"alertmanager/{plain_name(receiver) or 'default'}"
    signals = (_signal(alert, f"alerts[{place}]", source, now, caps) for place, alert in enumerate(alerts))
    return tuple({signal.id: signal for signal in signals}.values())


def _json(raw: bytes) -> Mapping[str, Any]:
    try:
        text = raw.decode()
        body = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _refused("body", f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise _refused("body", f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:  # the C scanner counts its own depth and stops
        raise _refused("body", "is nested too deeply") from error
    except ValueError as error:
        raise _refused("body", f"is not acceptable JSON: {error}") from error
    if not isinstance(body, dict):
        raise _refused("body", "must be an object")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError("an object names the same key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _signal(alert: Any, at: str, source: str, now: int, caps: AlertLimits) -> Signal:
    if not isinstance(alert, dict):
        raise _refused(at, "must be an object")
    labels = _labels(alert.get("labels"), f"{at}.labels", caps)
    status = _status(alert.get("status"), f"{at}.status")
    started = _time(alert.get("startsAt"), f"{at}.startsAt", now + caps.max_ahead_ms)
    ended = _ended(alert, at, started, now + caps.max_ahead_ms) if status is SignalStatus.RESOLVED else 0
    name, component = plain_name(labels.get("alertname", "")) or "unnamed", component_of(labels)
    said = {"source": source, "labels": labels, "status": status.value, "started": started, "ended": ended}
    again = max(0, now - started) // REPEAT_MS if status is SignalStatus.FIRING else 0
    return Signal(
        id=digest({**said, "again": again} if again else said),
        source=source,
        name=name,
        component=component,
        fingerprint=f"{name}/{component}",
        status=status,
        severity=_SEVERITIES.get(labels.get("severity", ""), Severity.WARNING),
        started_ms=started,
        received_ms=now,
        labels=kept_labels(labels),
        claim=digest({"source": source, "labels": labels}),
    )


def _labels(value: Any, at: str, caps: AlertLimits) -> dict[str, str]:
    """Text only; half surrogate pairs, which JSON can spell and UTF-8 cannot, are replaced."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _refused(at, "must map text to text")
    if len(value) > caps.max_labels:
        raise _refused(at, f"holds {len(value)} labels, at most {caps.max_labels} fit")
    return {_whole(name): _whole(text) for name, text in value.items()}


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _status(value: Any, at: str) -> SignalStatus:
    if value not in ("firing", "resolved"):
        raise _refused(at, 'must be "firing" or "resolved"')
    return SignalStatus(value)


def _ended(alert: Mapping[str, Any], at: str, started: int, latest: int) -> int:
    ended = _time(alert.get("endsAt"), f"{at}.endsAt", latest)
    if ended < started:
        raise _refused(f"{at}.endsAt", "is before startsAt")
    return ended


def _time(value: Any, at: str, latest: int) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _refused(at, "must be a time such as 2026-11-21T02:00:00Z")
    day, clock, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    except ValueError as error:
        raise _refused(at, f"is no time: {error}") from error
    ms = (moment - _EPOCH) // timedelta(milliseconds=1) + int((fraction or "0").ljust(3, "0")[:3])
    if not EARLIEST_MS <= ms <= latest:
        raise _refused(at, "is absurd: before the year 2000 or in the future", "set the sender's clock")
    return ms


def _refused(at: str, what: str, next_step: str = "send the body as Alertmanager wrote it") -> Permanent:
    return Permanent(f"the delivery was refused: {at} {what}", next_step=next_step)
