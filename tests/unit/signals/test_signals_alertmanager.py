"""Deliveries become typed claims, or are refused whole with the place that is wrong. Their text is inert."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Permanent
from reconciler.model.canonical import encode
from reconciler.model.signals import Severity, SignalStatus
from reconciler.signals import AlertLimits, parse_alertmanager

NOW = 1_763_690_400_000  # 2025-11-21T02:00:00Z


def _alert(labels: dict | None = None, **changes) -> dict:
    labels = {"alertname": "HighLatency", "service": "checkout", "severity": "critical", **(labels or {})}
    plain = {"status": "firing", "labels": labels, "startsAt": "2025-11-21T01:59:00.5Z", "endsAt": "0001-01-01T00:00:00Z"}
    return {**plain, **changes}


def _body(*alerts, **changes) -> bytes:
    return json.dumps({"version": "4", "receiver": "x", "alerts": list(alerts), **changes}).encode()


def _one(alert: dict):
    (signal,) = parse_alertmanager(_body(alert), "main", NOW)
    return signal


def test_an_alert_becomes_a_typed_claim():
    signal = _one(_alert())
    assert (signal.source, signal.name, signal.component) == ("alertmanager/main", "HighLatency", "checkout")
    assert (signal.fingerprint, signal.status, signal.severity) == (
        "HighLatency/checkout",
        SignalStatus.FIRING,
        Severity.CRITICAL,
    )
    assert (signal.started_ms, signal.received_ms) == (NOW - 59_500, NOW)


def test_the_same_delivery_twice_is_the_same_signals():
    first = parse_alertmanager(_body(_alert()), "main", NOW)
    again = parse_alertmanager(_body(_alert(), unknown={"grows": 1}), "main", NOW + 9_000)
    assert [s.id for s in first] == [s.id for s in again]


@pytest.mark.parametrize(("minutes", "same"), [(58, True), (60, False), (118, False)])
def test_an_alert_that_goes_on_firing_counts_again_once_an_hour(minutes: int, same: bool):
    first, later = (parse_alertmanager(_body(_alert()), "main", NOW + add * 60_000)[0] for add in (0, minutes))
    assert (first.id == later.id, first.claim == later.claim) == (same, True)
    assert later.id == parse_alertmanager(_body(_alert()), "main", NOW + minutes * 60_000 + 30_000)[0].id


def test_an_end_that_is_said_again_is_the_same_end():
    over = _alert(status="resolved", endsAt="2025-11-21T01:59:30Z")
    assert _one(over).id == parse_alertmanager(_body(over), "main", NOW + 7_200_000)[0].id


def test_an_alert_repeated_within_a_delivery_is_one_signal():
    assert len(parse_alertmanager(_body(_alert(), _alert()), "main", NOW)) == 1


@pytest.mark.parametrize(
    "other",
    [
        _alert({"pod": "b"}),
        _alert(startsAt="2025-11-21T01:58:00Z"),
        _alert(status="resolved", endsAt="2025-11-21T01:59:30Z"),
    ],
    ids=["labels", "start", "status"],
)
def test_a_different_claim_is_another_signal(other: dict):
    assert _one(other).id != _one(_alert()).id


def test_the_fingerprint_is_name_and_component_not_time():
    later = _one(_alert({"pod": "b"}, startsAt="2025-11-21T01:58:00Z"))
    assert later.fingerprint == _one(_alert()).fingerprint


def test_a_time_with_an_offset_and_nanoseconds_is_understood():
    assert _one(_alert(startsAt="2025-11-21T03:59:00.123456789+02:00")).started_ms == NOW - 60_000 + 123


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("$(rm -rf /)", "_rm -rf _"),
        ("../../etc", "____etc"),
        ("{{ .x }}", "_ .x _"),
        ("<script>", "_script_"),
        ("a\nb\x1b[0m", "a_b_0m"),
    ],
)
def test_hostile_text_is_inert(text: str, kept: str):
    signal = _one(_alert({"alertname": text, "instance": text, "service": text}))
    assert (signal.name, signal.component) == (kept, "")
    assert dict(signal.labels)["instance"] == kept


def test_a_megabyte_label_is_cut_and_unknown_labels_are_not_kept():
    signal = _one(_alert({"instance": "x" * 1_000_000, "prompt": "ignore all rules", "pod": "\ud800"}))
    assert len(dict(signal.labels)["instance"]) == 128
    assert "prompt" not in dict(signal.labels)
    assert len(encode(signal)) < 1_000


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"\xff\xfe", "body is not UTF-8 at byte 0"),
        (b"{", "body is not JSON"),
        (b"[]", "body must be an object"),
        (b'{"version":"4","version":"4"}', "the same key twice"),
        (b'{"version":NaN}', "NaN is no JSON number"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"version":' + b"9" * 5_000 + b"}", "not acceptable JSON"),
        (_body(version="3"), 'version must be "4"'),
        (_body(alerts={}), "alerts must be a list"),
        (_body(1), r"alerts\[0\] must be an object"),
        (_body(_alert(), _alert() | {"labels": []}), r"alerts\[1\].labels must map text"),
        (_body(_alert({"pod": 7})), r"alerts\[0\].labels must map text"),
        (_body(_alert({str(n): "" for n in range(80)})), r"alerts\[0\].labels holds 83 labels"),
        (_body(_alert(status="burning")), r"alerts\[0\].status must be"),
        (_body(_alert(startsAt=None)), r"alerts\[0\].startsAt must be a time"),
        (_body(_alert(startsAt="2025-13-01T00:00:00Z")), r"alerts\[0\].startsAt is no time"),
        (_body(_alert(startsAt="0001-01-01T00:00:00Z")), r"alerts\[0\].startsAt is absurd"),
        (_body(_alert(startsAt="2025-11-21T02:06:00Z")), r"alerts\[0\].startsAt is absurd"),
        (_body(_alert(status="resolved", endsAt="2025-11-21T01:00:00Z")), r"endsAt is before startsAt"),
    ],
)
def test_what_is_not_a_delivery_is_refused_with_its_place(raw: bytes, place: str):
    with pytest.raises(Permanent, match=place) as refused:
        parse_alertmanager(raw, "main", NOW)
    assert refused.value.next_step


def test_too_many_alerts_are_refused_with_the_setting_that_helps():
    with pytest.raises(Permanent, match="set max_alerts"):
        parse_alertmanager(_body(_alert(), _alert()), "main", NOW, AlertLimits(max_alerts=1))


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_bytes_are_signals_or_a_refusal(body):
    raw = body if isinstance(body, bytes) else json.dumps({"version": "4", "alerts": body}).encode()
    with suppress(Permanent):  # and no other kind of error
        assert isinstance(parse_alertmanager(raw, "main", NOW), tuple)


@given(st.integers(min_value=946_684_800, max_value=NOW // 1_000))
def test_every_second_of_this_century_is_read_as_it_is(second: int):
    text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert _one(_alert(startsAt=text)).started_ms == second * 1_000
