"""The parser of metrics pages: what Prometheus writes is read, anything else is refused at its line."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.telemetry import Sample, exposition, parse_exposition
from reconciler.errors import Permanent


def test_a_page_as_prometheus_writes_it_is_read():
    page = b"""# HELP lab_error_rate Share of failed requests.
# TYPE lab_error_rate gauge
lab_error_rate{service="cart"} 0.25
lab_error_rate { service = "checkout" , zone="a", } 1e-3 1700000000000\r

up 1
"""
    assert parse_exposition(page) == (
        Sample("lab_error_rate", (("service", "cart"),), 0.25),
        Sample("lab_error_rate", (("service", "checkout"), ("zone", "a")), 0.001, 1_700_000_000_000),
        Sample("up", (), 1.0),
    )


def test_escapes_in_label_values_are_undone_once():
    (sample,) = parse_exposition(rb'x{a="q\"b\\n\n}"} 1')
    assert sample.labels == (("a", 'q"b\\n\n}'),)


def test_infinities_and_nan_are_read_as_what_they_are():
    values = [sample.value for sample in parse_exposition(b"a +Inf\nb -Inf\nc NaN\nd 1e999\n")]
    assert values[0] == math.inf
    assert values[1] == -math.inf
    assert math.isnan(values[2])
    assert values[3] == math.inf


def test_a_series_that_is_written_twice_counts_as_first_written():
    assert parse_exposition(b'x{a="1",b="2"} 1\nx{b="2",a="1"} 9\n') == (Sample("x", (("a", "1"), ("b", "2")), 1.0),)


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"x 1_000",
        b"x 0x10",
        b"x infinity",
        b"1x 1",
        b"x{a=1} 1",
        b'x{a="1"',
        b'x{a="1} 1',
        b'x{a="1"b="2"} 1',
        b'x{a="1",a="2"} 1',
        rb'x{a="\t"} 1',
        b"x 1 2 3",
        b"x 1 9" + b"9" * 30,
        b"<html>",
        "x \u0661".encode(),
        b"x " + b"1" * 5_000,
        b"x{" + b",".join(b'l%d="v"' % n for n in range(20)) + b"} 1",
        b'x{a="' + b"v" * 300 + b'"} 1',
    ],
)
def test_what_is_no_sample_refuses_the_page_at_its_line(line: bytes):
    with pytest.raises(Permanent, match="malformed at line 2"):
        parse_exposition(b"good 1\n" + line + b"\n")


def test_a_page_beyond_its_bounds_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exposition, "MAX_SAMPLES", 3)
    with pytest.raises(Permanent, match="more than 3 series"):
        parse_exposition(b"a 1\nb 1\nc 1\nd 1\n")
    monkeypatch.setattr(exposition, "MAX_BYTES", 10)
    with pytest.raises(Permanent, match="larger than 10 bytes"):
        parse_exposition(b"a 1\nb 1\nc 1\n")


def test_a_page_that_is_no_text_is_refused():
    with pytest.raises(Permanent, match="not UTF-8 at byte 2"):
        parse_exposition(b"a \xff")


@given(st.binary(max_size=300) | st.text(alphabet='ab{}="\\,# 1eNa\n', max_size=200).map(str.encode))
def test_any_bytes_are_samples_or_a_refusal(page: bytes):
    with suppress(Permanent):
        assert isinstance(parse_exposition(page), tuple)
