"""Manifests are read as kubectl reads them; the expectations were printed by its own YAML library (sigs.k8s.io/yaml)."""

import pytest

from reconciler.errors import Misconfigured
from reconciler.yamltext import Reading, kubernetes, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-3", -3),
        ("+5", 5),
        ("0644", 420),
        ("0o644", 420),
        ("00", 0),
        ("08", 8),
        ("0888", 888),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("1.", 1),
        ("1.0", 1),
        ("1.20", 1.2),
        ("1_0.5", 10.5),
        ("1.e5", 100000),
        ("99999999999999999999", 1e20),
        ("1e400", "1e400"),
        ("yes", True),
        ("No", False),
        ("on", True),
        ("y", True),
        ("TRUE", True),
        ("oNe", "oNe"),
        ("~", None),
        ("12:30:45", "12:30:45"),
        ("2026-11-21", "2026-11-21"),
        ("web", "web"),
        ("-", "-"),
        (".", "."),
    ],
)
def test_an_unquoted_scalar_means_what_kubectl_takes_it_for(text: str, value: object) -> None:
    found = kubernetes(text)
    assert found == value
    assert type(found) is type(value)


def test_what_is_quoted_stays_text() -> None:
    (document,) = parse(b"mode: '0644'\nflag: \"yes\"\nplain: 0644\n", "x.yaml", Reading(plain=kubernetes))
    assert document.value == {"mode": "0644", "flag": "yes", "plain": 420}


def test_limits_are_those_of_the_caller() -> None:
    deep = b"[" * 60 + b"]" * 60
    with pytest.raises(Misconfigured, match="nested deeper than 40"):
        parse(deep, "x.yaml")
    assert len(parse(deep, "x.yaml", Reading(depth=60))) == 1
    with pytest.raises(Misconfigured, match="nested deeper than 59"):
        parse(deep, "x.yaml", Reading(depth=59))
    with pytest.raises(Misconfigured, match="more than 2 documents"):
        parse(b"--- 1\n--- 2\n--- 3\n", "x.yaml", Reading(documents=2))
    with pytest.raises(Misconfigured, match="at most 3 are read"):
        parse(b"1234", "x.yaml", Reading(bytes=3))
