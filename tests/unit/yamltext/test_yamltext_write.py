"""What is written as YAML is read back as the same values, by our strict reader as kubectl reads."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.yamltext import Reading, kubernetes, parse
from reconciler.yamltext.writing import write

READING = Reading(8 * 1024 * 1024, 20_000, 100, kubernetes)
TRICKY = st.sampled_from(
    ["", "yes", "on", "null", "~", "0644", "0o14", "1e3", "1_000", "12:30:45", "2026-11-21", "- a", "a: b", "# c", "a #b", "=",
     " lead", "trail ", "a\nb\n", "a\n\n", "\n", "  a\nb", "a\n b \nc", "!tag", "*x", "&x", "<<", "%d", "@x", "`", "{}", "é"]
)  # fmt: skip
SEEN = "".join(map(chr, range(32, 127))) + "äößñ漢字\n"
TEXT = st.text(SEEN, max_size=20) | TRICKY
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32)
KEYS = TEXT.filter(lambda key: "\n" not in key and key != "<<")  # which strict readers refuse
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> Any:
    return [document.value for document in parse(text.encode(), "x.yaml", READING)]


@given(st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), min_size=1, max_size=3))
def test_every_value_comes_back(values: list[dict[str, Any]]) -> None:
    found = read(write(values))
    assert found == values
    assert json.dumps(found) == json.dumps(values) or "." in json.dumps(values)  # 1.0 may come back as 1


def test_text_of_several_lines_stays_lines_and_lists_are_indented() -> None:
    value = {"kind": "ConfigMap", "data": {"a.conf": "one\ntwo\n"}, "list": [{"name": "web", "port": 80}]}
    assert write([value]) == ("kind: ConfigMap\ndata:\n  a.conf: |\n    one\n    two\nlist:\n  - name: web\n    port: 80\n")


def test_what_is_used_twice_is_written_twice() -> None:
    shared = {"app": "web"}
    assert write([{"a": shared, "b": shared}]) == "a:\n  app: web\nb:\n  app: web\n"
