"""One-line edits: what they write, what they keep, and what they refuse."""

from fractions import Fraction

import pytest

from reconciler.edits import Edited, Unsafe, add_file, replace_file, scale, set_scalar
from reconciler.edits import scalars as edit_scalars
from reconciler.edits.guard import only_this_changed
from reconciler.model.proposals import Edit, EditKind, Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.yamltext import parse

SERVICE = b"""# the till
apiVersion: lab.homeostat/v1
kind: Service
metadata:
  name: checkout
spec:
  release: "1.4.2"   # bump with care
  replicas: 3
  memoryMiB: 512          # limit per replica
  image: shop/checkout:1.4.2
  notes: |
    several
    lines
  ratio: 0.50
  empty:
  calls:
    - service: payment
      retries: 1
"""


def put(data: bytes, pointer: Pointer, value: Scalar, *, document: int = 0, insert: bool = False) -> Edited | Unsafe:
    return set_scalar(data, Edit(EditKind.SET, "apps/x.yaml", document, pointer, None, value), insert=insert)


def lines_of(made: Edited | Unsafe) -> list[tuple[str, str]]:
    assert isinstance(made, Edited), made
    assert made.before is not None
    assert made.after is not None
    pairs = zip(made.before.decode().split("\n"), made.after.decode().split("\n"), strict=True)
    return [(old, new) for old, new in pairs if old != new]


@pytest.mark.parametrize(
    ("pointer", "value", "line"),
    [
        (("spec", "release"), "1.4.1", '  release: "1.4.1"   # bump with care'),
        (("spec", "replicas"), 5, "  replicas: 5"),
        (("spec", "memoryMiB"), 1024, "  memoryMiB: 1024          # limit per replica"),
        (("spec", "image"), "shop/checkout:1.4.1", "  image: shop/checkout:1.4.1"),
        (("spec", "image"), "a: b", '  image: "a: b"'),
        (("spec", "image"), "no", '  image: "no"'),
        (("spec", "image"), "1e3", '  image: "1e3"'),
        (("spec", "image"), "", '  image: ""'),
        (("spec", "release"), 'say "hi" \\', '  release: "say \\"hi\\" \\\\"   # bump with care'),
        (("spec", "calls", 0, "retries"), 0, "      retries: 0"),
    ],
)
def test_a_set_is_a_one_line_diff_in_the_style_that_was_there(pointer: Pointer, value: Scalar, line: str) -> None:
    made = put(SERVICE, pointer, value)
    assert [new for _, new in lines_of(made)] == [line]
    assert isinstance(made, Edited)
    assert made.inverse.apply(made.after) == SERVICE


def test_the_edit_says_what_was_there() -> None:
    made = put(SERVICE, ("spec", "replicas"), 4)
    assert isinstance(made, Edited)
    assert (made.edit.before, made.edit.after) == (3, 4)
    assert made.file.before != made.file.after


@pytest.mark.parametrize(
    ("pointer", "value", "where", "says"),
    [
        (("spec", "notes"), "x", "11:10", "block scalar"),
        (("spec",), "x", "7:3", "list or mapping"),
        (("spec", "calls"), "x", "17:5", "list or mapping"),
        (("spec", "ratio"), 1, "14:10", "fraction"),
        (("spec", "empty"), "x", "15:9", "nothing is written"),
        (("spec", "replicas"), "5", "8:13", "str cannot stand in the place of int"),
        (("spec", "replicas"), True, "8:13", "bool cannot stand in the place of int"),
        (("spec", "release"), 5, "7:12", "int cannot stand in the place of str"),
        (("spec", "absent"), 5, "7:3", "no such place"),
        (("spec", "calls", 7, "retries"), 5, "17:5", "no such place"),
        (("spec", "release"), "two\nlines", "7:12", "would not read the same"),
        (("spec", "release"), "\u202e", "7:12", "would not read the same"),
        (("spec", "release"), "a\u00a0b", "7:12", "would not read the same"),
        (("spec", "release"), "x" * 1_001, "7:12", "would not read the same"),
        ((), "x", "2:1", "whole document"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_its_place(pointer: Pointer, value: Scalar, where: str, says: str) -> None:
    made = put(SERVICE, pointer, value)
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.UNSAFE_EDIT
    assert made.where == f"apps/x.yaml:{where}"
    assert says in made.detail


def test_a_value_that_is_there_already_is_no_edit() -> None:
    made = put(SERVICE, ("spec", "replicas"), 3)
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.NO_CHANGE


@pytest.mark.parametrize("data", [b"a: &x 1\nb: *x\n", b"a: 1\na: 2\n", b"\xff", b"a: [\n"])
def test_a_file_that_does_not_read_strictly_is_not_edited(data: bytes) -> None:
    made = put(data, ("a",), 3)
    assert isinstance(made, Unsafe)
    assert made.where.startswith("apps/x.yaml:")


def test_a_scalar_over_several_lines_is_refused() -> None:
    made = put(b"a: one\n  two\nb: 1\n", ("a",), "x")
    assert isinstance(made, Unsafe)
    assert "several lines" in made.detail


def test_single_quotes_stay_single_quotes() -> None:
    assert lines_of(put(b"a: 'x' # c\n", ("a",), "it's")) == [("a: 'x' # c", "a: 'it''s' # c")]


def test_a_null_may_become_anything() -> None:
    assert lines_of(put(b"a: null\n", ("a",), "x")) == [("a: null", "a: x")]


def test_only_the_chosen_document_is_edited() -> None:
    made = put(b"a: 1\n---\na: 1\n", ("a",), 2, document=1)
    assert isinstance(made, Edited)
    assert made.after == b"a: 1\n---\na: 2\n"
    missing = put(b"a: 1\n", ("a",), 2, document=1)
    assert isinstance(missing, Unsafe)
    assert "no document 1" in missing.detail


def test_line_breaks_and_a_missing_last_one_are_kept() -> None:
    made = put(b"a: 1\r\nb: 2", ("b",), 3)
    assert isinstance(made, Edited)
    assert made.after == b"a: 1\r\nb: 3"


def test_a_missing_key_is_added_below_the_last_plain_entry() -> None:
    data = b"spec:\n  replicas: 3 # n\n  # about calls\n  calls:\n    - a\nother: 1\n"
    made = put(data, ("spec", "restart"), "r1", insert=True)
    assert isinstance(made, Edited)
    assert made.after == b"spec:\n  replicas: 3 # n\n  restart: r1\n  # about calls\n  calls:\n    - a\nother: 1\n"
    assert made.edit.before is None
    assert made.inverse.apply(made.after) == data


def test_a_missing_key_is_added_at_the_end_of_a_file_without_a_last_line_break() -> None:
    made = put(b"a: 1\r\nb: 2", ("c",), 3, insert=True)
    assert isinstance(made, Edited)
    assert made.after == b"a: 1\r\nb: 2\r\nc: 3"


@pytest.mark.parametrize("data", [b"a: {b: 1}\n", b"a: {}\n", b"a:\n  b:\n    - c\n", b"a:\n", b"a: 1\n", b"a:\n  b: |\n    x\n"])
def test_a_key_without_a_safe_line_beside_it_is_not_added(data: bytes) -> None:
    made = put(data, ("a", "new"), 1, insert=True)
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.UNSAFE_EDIT


def test_a_missing_key_is_not_added_unless_asked() -> None:
    assert isinstance(put(SERVICE, ("spec", "restart"), "x"), Unsafe)


def test_a_spelling_that_touches_anything_else_does_not_leave_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_scalars, "spellings", lambda value, style: ("1\nb: 9",))
    made = put(b"a: 5\n", ("a",), 1)
    assert isinstance(made, Unsafe)
    assert "would not read the same" in made.detail


@pytest.mark.parametrize(
    "data", [b"a: 2\nb: 1\n", b"a: 2\nc: 1\n", b"a: '2'\n", b"a: 2.0\n", b"a: true\n", b"a: 2\n---\nb: 1\n", b"a: [\n", b"b: 2\n"]
)
def test_the_guard_sees_every_other_difference(data: bytes) -> None:
    before = parse(b"a: 1\n", "f")
    assert only_this_changed(before, b"a: 2 # c\n", 0, ("a",), 2)
    assert not only_this_changed(before, data, 0, ("a",), 2)


def test_the_guard_tells_true_from_one() -> None:
    assert not only_this_changed(parse(b"a: 1\nb: 1\n", "f"), b"a: 2\nb: true\n", 0, ("a",), 2)


def test_an_inverse_refuses_a_file_that_has_moved_on() -> None:
    made = put(b"a: 1\n", ("a",), 2)
    assert isinstance(made, Edited)
    assert isinstance(made.inverse.apply(b"a: 2\nb: 1\n"), Unsafe)
    assert isinstance(made.inverse.apply(None), Unsafe)


def scaled(now: object, ratio: str, low: int = 1, high: int = 20) -> Edited | Unsafe:
    return scale(f"n: {now}\n".encode(), Edit(EditKind.SCALE, "f", 0, ("n",), None, None), Fraction(ratio), low, high)


@pytest.mark.parametrize(
    ("now", "ratio", "after"), [(3, "1.5", 5), (1, "1.1", 2), (10, "0.5", 5), (3, "0.9", 2), (15, "2", 20), (2, "0.1", 1)]
)
def test_scaling_rounds_away_and_stays_within_bounds(now: int, ratio: str, after: int) -> None:
    made = scaled(now, ratio)
    assert isinstance(made, Edited)
    assert (made.edit.kind, made.edit.before, made.edit.after) == (EditKind.SCALE, now, after)


@pytest.mark.parametrize(("now", "ratio"), [(20, "2"), (25, "1.5"), (1, "0.5"), (0, "0.5"), (5, "1")])
def test_scaling_that_bounds_leave_no_room_for_is_a_limit(now: int, ratio: str) -> None:
    made = scaled(now, ratio)
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.LIMIT


@pytest.mark.parametrize("now", ["'3'", "true", "1.5", "null", "[1]"])
def test_only_integers_are_scaled(now: str) -> None:
    made = scaled(now, "2")
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.UNSAFE_EDIT


def measured(now: str, ratio: str, low: str = "64Mi", high: str = "4Gi") -> Edited | Unsafe:
    return scale(f"n: {now}\n".encode(), Edit(EditKind.SCALE, "f", 0, ("n",), None, None), Fraction(ratio), low, high)


@pytest.mark.parametrize(
    ("now", "ratio", "after"),
    [
        ("512Mi", "1.5", "n: 768Mi"),
        ("1Gi", "1.25", "n: 1.25Gi"),
        ('"1.5Gi"', "1.5", 'n: "2.25Gi"'),
        ("3Gi", "2", "n: 4Gi"),
        ("100Mi", "0.1", "n: 64Mi"),
        ("268435456", "1.5", "n: 402653184"),
        ("500M", "1.25", "n: 625M"),
    ],
)
def test_a_quantity_keeps_its_unit_and_its_quotes(now: str, ratio: str, after: str) -> None:
    made = measured(now, ratio)
    assert isinstance(made, Edited), made
    assert made.after == f"{after}\n".encode()
    assert made.inverse.apply(made.after) == f"n: {now}\n".encode()


@pytest.mark.parametrize(("now", "ratio", "after"), [("250m", "0.5", "125m"), ("'1'", "0.75", "'0.75'"), ("3", "0.5", "1")])
def test_cores_are_scaled_in_thousandths_quarters_or_whole_as_they_stand(now: str, ratio: str, after: str) -> None:
    made = measured(now, ratio, "50m", "8")
    assert isinstance(made, Edited), made
    assert made.after == f"n: {after}\n".encode()


@pytest.mark.parametrize(("now", "ratio"), [("4Gi", "1.5"), ("8Gi", "1.5"), ("64Mi", "0.5"), ("1Ti", "2")])
def test_a_quantity_that_bounds_leave_no_room_for_is_a_limit(now: str, ratio: str) -> None:
    made = measured(now, ratio)
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.LIMIT


@pytest.mark.parametrize("now", ["much", "512 Mi", "1.5", "-1Gi", "1e3", "512MiB", "true", "null", "[1]"])
def test_what_is_no_quantity_is_not_scaled(now: str) -> None:
    made = measured(now, "2")
    assert isinstance(made, Unsafe)
    assert made.reason is Reason.UNSAFE_EDIT


def test_a_new_file_is_added_and_taken_away_again() -> None:
    made = add_file("operations/flush-1.yaml", None, b"kind: Operation\n")
    assert isinstance(made, Edited)
    assert (made.before, made.after) == (None, b"kind: Operation\n")
    assert made.inverse.apply(made.after) is None
    assert made.file.before == ""


@pytest.mark.parametrize(
    "path", ["../x.yaml", "/etc/x", "a/../b", ".git/config", "a//b", "a/.hidden", "a b", "\u0430/x", "", "a/"]
)
def test_a_new_file_needs_a_plain_path(path: str) -> None:
    assert isinstance(add_file(path, None, b"a: 1\n"), Unsafe)


def test_a_new_file_replaces_nothing_and_must_read() -> None:
    assert isinstance(add_file("a.yaml", b"", b"a: 1\n"), Unsafe)
    assert isinstance(add_file("a.yaml", None, b"a: *x\n"), Unsafe)


def test_a_file_gets_its_earlier_bytes_and_they_can_be_taken_back() -> None:
    made = replace_file("a.yaml", b"a: 2\n", None, "c0ffee")
    assert isinstance(made, Edited)
    assert made.edit.commit == "c0ffee"
    assert made.inverse.apply(None) == b"a: 2\n"
    assert isinstance(made.inverse.apply(b"x"), Unsafe)
    assert isinstance(replace_file("a.yaml", b"x", b"x", "c0ffee"), Unsafe)
