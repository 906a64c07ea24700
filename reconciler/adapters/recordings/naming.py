"""Which component and metric a column of a wide table means.

`component|metric` and `component/metric` say it; `component.metric` too, split after a component that is known from the calls,
else at the first dot. `component_metric` is split after a known component, or, when nothing in the file says what the words
before the first underscore are, there: several different ones that are no words for a metric. Otherwise the whole name is a
metric of the component that the file is named after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

Key = tuple[str, str]
SEPARATORS = "|/."


def keys_of(columns: Sequence[str], stem: str, known: Collection[str], is_metric: Callable[[str], bool]) -> list[Key]:
    """`is_metric` says whether a word is an ordinary word for something measured."""
    for sign in SEPARATORS:
        if any(sign in name for name in columns):
            return [_split(name, sign, known) or (stem, name) for name in columns]
    longest = sorted(known, key=lambda name: (-len(name), name))
    if any(_after(name, longest) for name in columns):
        return [_after(name, longest) or (stem, name) for name in columns]
    heads = {name.partition("_")[0] for name in columns}
    if len(heads) > 1 and all("_" in name for name in columns) and not any(is_metric(head) for head in heads):
        return [_cut(name, "_") for name in columns]
    return [(stem, name) for name in columns]


def _split(name: str, sign: str, known: Collection[str]) -> Key | None:
    if sign not in name:
        return None
    places = [i for i, letter in enumerate(name) if letter == sign]
    after = next((i for i in reversed(places) if name[:i] in known), places[0])
    return (name[:after], name[after + 1 :]) if name[:after] and name[after + 1 :] else None


def _after(name: str, known: Sequence[str]) -> Key | None:
    found = next((k for k in known if name.startswith(f"{k}_") and len(name) > len(k) + 1), None)
    return (found, name[len(found) + 1 :]) if found else None


def _cut(name: str, sign: str) -> Key:
    head, _, rest = name.partition(sign)
    return head, rest
