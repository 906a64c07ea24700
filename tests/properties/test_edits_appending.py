"""One more item at the end of a list: in any list of any YAML that people write, or refused with its place."""

import pytest
from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st
from test_edits_properties import NASTY, documents, places, values

from reconciler.edits import Edited, Unsafe, append_item, appending
from reconciler.model.proposals import Edit, EditKind, Pointer, Scalar
from reconciler.yamltext import parse

LISTS = [
    b"a:\n  - 1\n  - 2  # why\n\n# tail\nb: 3\n",
    b"a:\n- x: 1\n  y: [1,\n      2]\n- z: {b: 1}\nb: 3",
    b"a: [1, 2, ]  # flow\nb: []\nc: {d: [\n  1,  # one\n  2\n  ]}\n",
    b"- - 1\n  - 2\n-   - 3\r\n",
    b"- a:\n    - b:\n      - c\n# end",
    'a:\n  - gr\u00fc\u00dfe \u2713\n  - "\u00fc" # \u00fc\nb: 1\n'.encode(),
    b"a:\n  - |\n    text\n  - 1\nb:\n  - |\n    text\n",
]
items = st.dictionaries(st.sampled_from(["owner", "path", "n", "no"]), values, min_size=1, max_size=3)


def check(data: bytes, document: int, pointer: Pointer, item: dict[str, Scalar]) -> bool:
    made = append_item(data, Edit(EditKind.APPEND, "f", document, pointer, None, None), item)
    if isinstance(made, Unsafe):
        assert made.where.startswith("f:")
        assert made.detail
        return False
    assert isinstance(made, Edited)
    assert made.after is not None
    assert made.inverse.apply(made.after) == data
    assert made.inverse.inverse.apply(data) == made.after
    node = parse(made.after, "f")[document].node(made.edit.pointer)
    assert node is not None
    assert (node.value, made.edit.pointer[:-1]) == (item, pointer)
    untouched = [line for line in data.splitlines() if line not in made.after.splitlines()]
    assert len(untouched) <= 1  # the one line that a flow list or a last line without a break is on
    return True


@pytest.mark.parametrize("data", [*LISTS, *NASTY])
@given(data_=st.data())
@settings(max_examples=many(25))
def test_an_item_is_added_exactly_and_reversibly_or_refused(data: bytes, data_: st.DataObject) -> None:
    document, pointer = data_.draw(st.sampled_from(places(data)))
    check(data, document, pointer, data_.draw(items))


@given(data=documents(), more=st.lists(st.sampled_from(["a", "x", "yy"]), max_size=3), data_=st.data())
@settings(max_examples=many(150))
def test_a_list_that_is_not_there_yet_is_made_exactly_and_reversibly_or_refused(
    data: bytes, more: list[str], data_: st.DataObject
) -> None:
    document, pointer = data_.draw(st.sampled_from(places(data)))
    check(data, document, (*pointer, *more), data_.draw(items))


@pytest.mark.parametrize("data", LISTS[:6])
def test_every_list_that_ends_on_a_plain_line_takes_one_more(data: bytes) -> None:
    parsed = parse(data, "f")[0]
    lists = [p for _, p in places(data) if (n := parsed.node(p)) and isinstance(n.value, list) and p]
    assert lists
    assert all(check(data, 0, pointer, {"owner": "theirs", "path": "/a[b=c]/d"}) for pointer in lists)


def test_what_would_not_read_the_same_afterwards_is_no_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "only_this_changed", lambda *_: False)
    made = append_item(b"a: [1]\n", Edit(EditKind.APPEND, "f", 0, ("a",), None, None), {"n": 1})
    assert isinstance(made, Unsafe)
    assert made.where == "f:1:4"
