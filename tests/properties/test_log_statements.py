"""Statements, leaves and redaction over any JSON."""

import contextlib
import json

from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit.leaves import Leaf, read_leaf
from reconciler.audit.redact import Redactor
from reconciler.audit.statements import glance, read_statement, statement
from reconciler.errors import Tampered
from reconciler.model.canonical import encode
from reconciler.model.records import Record, RecordKind, Stamp

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    Record,
    st.sampled_from(RecordKind),
    TEXT,
    TEXT | st.just("a" * 40),
    TEXT,
    st.builds(Stamp, st.integers(0, 2**50), st.integers(0, 2**50)),
    st.dictionaries(TEXT, JSON, max_size=4),
)


@given(RECORDS)
def test_a_record_survives_its_statement(record: Record) -> None:
    assert read_statement(statement(record)) == record
    assert statement(record) == encode(json.loads(statement(record)))
    assert json.loads(statement(record))["subject"][0]["digest"]["sha256"] == record.id.removeprefix("sha256:")


@settings(max_examples=many(60))
@given(RECORDS, st.data())
def test_a_statement_with_one_flipped_bit_is_never_the_same_record(record: Record, data: st.DataObject) -> None:
    raw = statement(record)
    at = data.draw(st.integers(0, len(raw) - 1))
    broken = raw[:at] + bytes([raw[at] ^ (1 << data.draw(st.integers(0, 7)))]) + raw[at + 1 :]
    with contextlib.suppress(Tampered):
        assert read_statement(broken) != record


@given(st.binary(max_size=300))
def test_bytes_that_are_no_statement_or_leaf_are_tampering_and_never_another_error(data: bytes) -> None:
    for read in (read_statement, read_leaf, glance):
        try:
            read(data)
        except Tampered:
            continue
        raise AssertionError(data)


@given(JSON)
def test_json_that_is_no_statement_or_leaf_is_tampering(value: object) -> None:
    test_bytes_that_are_no_statement_or_leaf_are_tampering_and_never_another_error.hypothesis.inner_test(
        json.dumps(value).encode()
    )


@given(st.binary(min_size=64, max_size=64), st.binary(min_size=64, max_size=64), st.binary(min_size=32, max_size=32))
def test_a_leaf_survives_its_bytes(digest: bytes, signature: bytes, public: bytes) -> None:
    leaf = Leaf(digest, signature, public)
    assert read_leaf(leaf.data) == leaf


@given(JSON)
def test_redaction_keeps_the_shape_and_is_done_after_once(value: object) -> None:
    redactor = Redactor(["swordfish"])
    once = redactor.value(value)
    assert redactor.value(once) == once


@given(JSON, st.integers(0, 50))
def test_a_known_secret_never_survives(value: object, at: int) -> None:
    text = json.dumps(value)
    planted = {"any": text[:at] + "swordfish-42" + text[at:], "list": [["swordfish-42"]], "swordfish-42": 1}
    assert "swordfish-42" not in json.dumps(Redactor(["swordfish-42"]).value(planted))
