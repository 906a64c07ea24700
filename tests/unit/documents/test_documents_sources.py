"""Telemetry sources in homeostat.yaml: the kinds, what is refused with its reason, and that the guide's examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.documents.installation import Installation
from reconciler.documents.installation_sources import OtlpSource, PromqlSource, ScrapeSource
from reconciler.documents.loader import load_one
from reconciler.documents.schemas import violations
from reconciler.errors import Misconfigured

GUIDE = Path(__file__).parents[3] / "docs/guide/telemetry.md"
HEAD = """apiVersion: homeostat/v1
kind: Installation
metadata: {name: main}
spec:
  repository: infra
  targets: [{name: lab, kind: lab}]
  units: []
  sources:
"""
ASKED = "    - {name: p, kind: promql, url: 'http://p:9090', metrics: [{name: error_rate, query: 'e{$component}'}]}\n"


def sources(text: str) -> tuple[object, ...]:
    loaded = load_one((HEAD + text).encode(), "homeostat.yaml", Installation)
    assert violations(loaded) == ()
    return loaded.document.spec.sources


def test_a_source_without_a_kind_is_a_page_that_is_scraped():
    assert [type(source) for source in sources("    - {name: lab}\n" + ASKED + "    - {name: o, kind: otlp}\n")] == [
        ScrapeSource, PromqlSource, OtlpSource,
    ]  # fmt: skip


def test_the_examples_of_the_guide_load():
    blocks = re.findall(r"```yaml\n  sources:\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert [type(sources(block)[0]) for block in blocks] == [PromqlSource, OtlpSource]
    (metrics,) = re.findall(r"```yaml\n(      metrics:\n.*?)```", GUIDE.read_text(), re.DOTALL)
    assert isinstance(sources("    - name: sent\n      kind: otlp\n" + metrics)[0], OtlpSource)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ASKED.replace("{$component}", ""), "does not choose components"),
        (ASKED.replace("e{$component}", "e{$component"), "braces in pairs"),
        (ASKED.replace("}]}", "}, {name: error_rate, query: 'f{$component}'}]}"), "error_rate is asked for twice"),
        (ASKED.replace("http://p:9090", "http://ada:secret@p:9090"), "url"),
        (ASKED.replace("http://p:9090", "file:///etc/passwd"), "url"),
        (ASKED + "    - {name: a, kind: otlp}\n    - {name: b, kind: otlp}\n", "one source of kind otlp"),
        ("    - {name: a, kind: statsd}\n", "statsd"),
        ("    - {name: a, kind: otlp, url: 'http://p'}\n", "url is no field .another kind has it: remove it"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused_with_the_reason(text: str, said: str):
    with pytest.raises(Misconfigured, match=said):
        sources(text)
