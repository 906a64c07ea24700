"""The reference says everything that the code has, and nothing else."""

from __future__ import annotations

import inspect
import pkgutil
from pathlib import Path
from typing import Protocol

import pytest

import reconciler.ports
from reconciler.cli import reference
from reconciler.cli.reference_reasons import MEANINGS
from reconciler.cli.reference_schemas import settings_table
from reconciler.cli.reference_words import EXIT_CODES, METRICS, RECORDS
from reconciler.documents.registry import KINDS
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.plugins import BUILT_IN

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_make_docs_writes(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name], "run: make docs"


def test_no_page_is_left_of_what_is_gone():
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.md")}
    assert there == set(PAGES)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_meaning_and_what_to_do(reason):
    assert all(MEANINGS[reason])
    assert f"| `{reason.value}` |" in PAGES["reasons.md"]


def test_no_reason_is_explained_that_is_gone():
    assert set(MEANINGS) == set(Reason)


@pytest.mark.parametrize("kind", RecordKind)
def test_every_kind_of_record_is_explained(kind):
    assert f"| `{kind.value}` | {RECORDS[kind]} |" in PAGES["records.md"]


def test_every_metric_is_explained_and_no_other():
    assert set(reference.metric_names()) == set(METRICS)


def test_every_exit_code_is_explained_and_no_other():
    assert reference.exit_codes() == set(EXIT_CODES)


@pytest.mark.parametrize("name", sorted(name for name, _ in reference.verbs()))
def test_every_verb_has_a_section_with_an_example(name):
    section = PAGES["cli.md"].partition(f"\n## homeostat {name}\n")[2].partition("\n## ")[0]
    assert f"homeostat {name}" in section or f"homeostat --home /srv/homeostat-new {name}" in section


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_document_has_a_page_with_its_fields(kind):
    page = PAGES[f"documents/{reference._document(kind)}"]
    assert page.startswith(f"{reference.GENERATED}\n# {kind}\n")
    assert "| `spec` |" in page or "| `cases` |" in page


def test_a_field_without_a_description_stops_the_generator():
    with pytest.raises(LookupError, match="depth"):
        settings_table({"properties": {"depth": {"type": "integer"}}})


def test_every_port_is_listed():
    modules = {module.name for module in pkgutil.iter_modules(reconciler.ports.__path__)}
    assert set(reference.PORTS) == modules
    for _, port in reference.ports():
        assert inspect.getdoc(port)
        assert f"\n## {port.__name__}\n" in PAGES["ports.md"]


def test_every_protocol_of_the_ports_is_found():
    found = {port.__name__ for _, port in reference.ports()}
    assert {"Clock", "Forge", "Repo", "Signer", "Verifier", "Store", "Target", "Telemetry", "Voter", "Work", "Notifier"} <= found
    assert Protocol not in found


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_built_in_plug_in_is_listed(kind):
    for name in BUILT_IN[kind]:
        assert f"| {kind} | `{name}` |" in PAGES["plugins.md"]


def test_writing_removes_a_generated_page_and_leaves_what_people_wrote(tmp_path):
    (tmp_path / "old.md").write_text(reference.GENERATED + "old")
    (tmp_path / "mine.md").write_text("# mine")
    reference.write(tmp_path)
    assert not (tmp_path / "old.md").exists()
    assert (tmp_path / "mine.md").exists()
    assert (tmp_path / "documents" / "quorum.md").exists()
