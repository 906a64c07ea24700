"""Edits over generated and nasty YAML: one pointer, the user's bytes, and an exact way back."""

from fractions import Fraction

import pytest
from examples import many
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from reconciler.edits import Edited, Unsafe, scale, set_scalar
from reconciler.edits.quantities import UNITS, quantity
from reconciler.model.proposals import Edit, EditKind, Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.yamltext import Node, parse

NASTY = [
    b"a: 1",
    b"a: 1\n",
    b"# head\r\na: 1\t# tab\tin comment\r\nb:\r\n  c: 'x'\r\n",
    b'---\na: 1\n---\na: 2\n...\n---\n- {a: 3, b: [4, five, "six"]}\n',
    b"a: {b: 1, c: {d: two}}   # flow\n",
    b"items:\n- name: x\n  value: 1\n- name: y\n  value: 2\n",
    b"items:\n  -   name: x\n      value: 1\n  - - 1\n    - 2\n",
    "schlüssel: 'gr\u00fc\u00dfe' # \U0001f600 \u00fc\nb: \"\u00fc\"\nc: \u00fc1\n".encode(),
    b"text: |\n  a: 1\n  b: 2\nfold: >-\n  a\n  b\nlast: 3\n",
    b"'quoted key': 'it''s'\n\"other\": \"a\\\\b\\\"c\"\n",
    b"plain over\n  two lines\n",
    b"a: plain over\n  two lines\nb: 1\n",
    b"a:\nb: ~\nc: null\nd: ''\n",
    b"? a\n: 1\n? b\n: {x: y}\n",
    ("k" * 120 + ": 1\n").encode(),
    b"a: no\nb: 010\nc: 12:30:45\nd: 1.50\ne: 2026-11-21\nf: -0\n",
    b"a: 1 \nb: x#y\nc: x # y\nd: http://x:80/y?z=[1]\n",
    b"[1, two, 'three', {four: 4}]\n",
    b"a:\n    b:\n        c: 1\n\n\n# tail\n",
    b"--- {a: 1}\n--- \n- x\n",
]

keys = st.text(st.sampled_from("abcz_-. \u00e9"), min_size=1, max_size=8).map(str.strip).filter(bool)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=12)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    words,
    st.sampled_from(["no", "1.5", "010", "null", "a: b", "# x", "'", '"', "\\", "- x", "1.4.3", "~", "12:30"]),
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """YAML as people write it: generated structure in mixed styles with comments."""
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    lines = draw(_block(0, 3))
    text = ending.join(lines) + draw(st.sampled_from(["", ending]))
    return (draw(st.sampled_from(["", f"---{ending}", f"# head{ending}"])) + text).encode()


@st.composite
def _block(draw: st.DrawFn, indent: int, depth: int) -> list[str]:
    lines = []
    for key in draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=4)):
        comment = draw(st.sampled_from(["", " # why", "  # \t\u00fc"]))
        lines += draw(st.sampled_from([[], ["# above"], [""]]))
        if depth and draw(st.booleans()):
            lines += [" " * indent + f"{key}:{comment}", *draw(_block(indent + 2, depth - 1))]
        else:
            lines.append(" " * indent + f"{key}: {draw(_scalar_text())}{comment}")
    return lines


def _scalar_text() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            "1",
            "-7",
            "true",
            "null",
            "word",
            "1.4.2",
            "no",
            "'it''s'",
            '"a \\" b"',
            "''",
            "{a: 1, b: two}",
            "[1, 'x', y]",
            "0.5",
            "a b c",
            "\u00fc",
        ]
    )


def places(data: bytes) -> list[tuple[int, Pointer]]:
    found: list[tuple[int, Pointer]] = []

    def walk(index: int, node: Node, pointer: Pointer) -> None:
        found.append((index, pointer))
        for step, child in node.children.items():
            walk(index, child, (*pointer, step))

    for document in parse(data, "f"):
        walk(document.index, document.root, ())
    return found


def check_edit(data: bytes, document: int, pointer: Pointer, value: Scalar, *, insert: bool = False) -> bool:
    made = set_scalar(data, Edit(EditKind.SET, "f", document, pointer, None, value), insert=insert)
    if isinstance(made, Unsafe):
        assert made.where.startswith("f:")
        assert made.detail
        return False
    assert made.after is not None
    assert made.inverse.apply(made.after) == data
    assert made.inverse.inverse.apply(data) == made.after
    node = parse(made.after, "f")[document].node(pointer)
    assert node is not None
    assert (node.value, type(node.value)) == (value, type(value))
    assert len(made.after.splitlines()) == len(data.splitlines()) + (0 if parse(data, "f")[document].node(pointer) else 1)
    return True


@pytest.mark.parametrize("data", NASTY)
@given(data_=st.data())
@settings(max_examples=many(25))
def test_an_edit_of_nasty_yaml_is_exact_and_reversible_or_refused(data: bytes, data_: st.DataObject) -> None:
    document, pointer = data_.draw(st.sampled_from(places(data)))
    check_edit(data, document, pointer, data_.draw(values))


@given(data=documents(), data_=st.data())
@settings(max_examples=many(150))
def test_an_edit_of_generated_yaml_is_exact_and_reversible_or_refused(data: bytes, data_: st.DataObject) -> None:
    document, pointer = data_.draw(st.sampled_from(places(data)))
    check_edit(data, document, pointer, data_.draw(values))


@given(data=st.one_of(documents(), st.sampled_from(NASTY)), key=keys, data_=st.data())
@settings(max_examples=many(150))
def test_an_added_key_is_one_new_line_and_reversible_or_refused(data: bytes, key: str, data_: st.DataObject) -> None:
    document, pointer = data_.draw(st.sampled_from(places(data)))
    check_edit(data, document, (*pointer, key), data_.draw(values), insert=True)


@given(data=documents(), value=words, data_=st.data())
@settings(max_examples=many(100))
def test_printable_text_can_always_replace_text_on_one_line(data: bytes, value: str, data_: st.DataObject) -> None:
    parsed = parse(data, "f")[0]
    texts = [p for _, p in places(data) if (n := parsed.node(p)) and isinstance(n.value, str)]
    assume(texts and value.isprintable())
    pointer = data_.draw(st.sampled_from(texts))
    node = parsed.node(pointer)
    assert node is not None
    assert check_edit(data, 0, pointer, value) or node.value == value


@given(
    now=st.integers(1, 10_000),
    ratio=st.fractions(min_value=Fraction(1, 10), max_value=10),
    low=st.integers(1, 50),
    high=st.integers(51, 9_000),
)
@settings(max_examples=many(150))
def test_scaling_moves_in_its_direction_within_bounds_or_is_refused(now: int, ratio: Fraction, low: int, high: int) -> None:
    data = f"n: {now} # keep\n".encode()
    made = scale(data, Edit(EditKind.SCALE, "f", 0, ("n",), None, None), ratio, low, high)
    if isinstance(made, Edited):
        after = made.edit.after
        assert isinstance(after, int)
        assert low <= after <= high
        assert (after > now) == (ratio > 1)
        assert made.inverse.apply(made.after) == data


@given(
    now=st.integers(1, 10_000),
    unit=st.sampled_from(sorted(UNITS)),
    style=st.sampled_from(["{}", "'{}'", '"{}"']),
    ratio=st.fractions(min_value=Fraction(1, 10), max_value=10),
    bounds=st.tuples(st.integers(1, 9_000), st.integers(1, 9_000), st.sampled_from(sorted(UNITS))),
)
@example(now=1, unit="", style="{}", ratio=Fraction(10), bounds=(1, 1, "E"))  # no number that long is a quantity
@settings(max_examples=many(200))
def test_scaling_a_quantity_keeps_its_unit_moves_within_bounds_and_goes_back_exactly(
    now: int, unit: str, style: str, ratio: Fraction, bounds: tuple[int, int, str]
) -> None:
    low, high = (f"{bound}{bounds[2]}" for bound in sorted(bounds[:2]))
    data = f"n: {style.format(f'{now}{unit}')} # keep\n".encode()
    made = scale(data, Edit(EditKind.SCALE, "f", 0, ("n",), None, None), ratio, low, high)
    if isinstance(made, Unsafe):
        assert made.reason is Reason.LIMIT
        return
    read = [quantity(v) for v in (made.edit.before, made.edit.after, low, high) if isinstance(v, int | str)]
    before, after, least, most = [q for q in read if q]
    assert after.unit == unit
    assert least.amount <= after.amount <= most.amount
    assert (after.amount > before.amount) == (ratio > 1)
    assert made.after is not None
    assert made.inverse.apply(made.after) == data
