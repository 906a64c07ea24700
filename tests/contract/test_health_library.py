"""The shipped health rules: each has cases, each case holds, and each is found by the group that its file names."""

import functools

import pytest

from reconciler.documents import load, load_one
from reconciler.documents.health_rule import HealthCases, HealthRule
from reconciler.health import HealthBook, library_files, library_text, run_cases
from reconciler.health.facts import read

FILES = tuple(library_files())
BOOK = HealthBook()


@functools.cache
def rules(name):
    return [loaded for loaded in load(library_text(name), name) if isinstance(loaded.document, HealthRule)]


@functools.cache
def cases(name):
    path = name.replace(".yaml", ".cases.yaml")
    return load_one(library_text(path), path, HealthCases)


@functools.cache
def results(name):
    return list(run_cases(BOOK, cases(name)))


def test_the_library_covers_what_people_run():
    groups = {loaded.document.spec.group for name in FILES for loaded in rules(name)}
    assert {"", "apps", "batch", "networking.k8s.io", "gateway.networking.k8s.io", "cert-manager.io", "argoproj.io"} <= groups
    assert {"*.crossplane.io", "*.cnrm.cloud.google.com", "*.services.k8s.aws", "kustomize.toolkit.fluxcd.io"} <= groups


@pytest.mark.parametrize("name", FILES)
def test_every_case_of_a_shipped_file_holds(name):
    assert [(r.where, r.difference) for r in results(name) if r.difference] == []


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_rule_has_a_case(name):
    asked = {BOOK.rule_of(f.group, f.kind).where for f in (read(c.object) for c in cases(name).document.spec.cases)}
    assert {loaded.at("metadata", "name") for loaded in rules(f"{name}")} == {where.removeprefix("library/") for where in asked}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_after_the_group_of_its_rules(name):
    group = {"core": ""}.get(
        stem := name.removesuffix(".yaml"), stem.replace("any.", "*.", 1) if stem.startswith("any.") else stem
    )
    assert {loaded.document.spec.group for loaded in rules(name)} == {group}


@pytest.mark.parametrize("name", FILES)
def test_no_shipped_rule_calls_a_case_healthy_that_it_expects_to_be_degraded(name):
    wrong = [r for r, c in zip(results(name), cases(name).document.spec.cases, strict=True)
             if c.expect == "degraded" and r.judgement.state == "healthy"]  # fmt: skip
    assert wrong == []


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_file_holds_one_rule_for_each_kind(name):
    kinds = [kind for loaded in rules(name) for kind in loaded.document.spec.kinds]
    assert len(kinds) == len(set(kinds))
