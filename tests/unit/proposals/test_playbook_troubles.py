"""Playbooks for what a target says: matched by word and container, on the object it names and on no other of its name."""

import pytest

from reconciler.documents.loader import Loaded, load_one
from reconciler.documents.playbook import Playbook
from reconciler.documents.playbook_cases import PlaybookCases
from reconciler.errors import Misconfigured
from reconciler.proposals import CaseResult, run_cases

PLAYBOOK = """
apiVersion: homeostat/v1
kind: Playbook
metadata: {name: last-image}
spec:
  when: 'trouble == "image-pull" && container != ""'
  steps:
    - edit: set
      object: OBJECT
      on: component
      field: [spec, template, spec, containers, {key: name, equals: container}, image]
      value: registry/web:1.0
  expect: {healthy: true}
  irreversibility: reversible
  impact: medium
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  template:
    spec:
      containers:
        - name: sidecar
          image: registry/proxy:3
        - name: app
          image: registry/web:2.O
"""
GIVEN = """
apiVersion: homeostat/v1
kind: PlaybookCases
metadata: {name: last-image}
spec:
  playbook: last-image
  cases:
    - name: one
      given:
        cause: workload
        component: web
        TROUBLE
        files:
FILES
      expect: {EXPECT}
"""
SAID = "{trouble: image-pull, container: app, object: Deployment.apps/shop/web, unit: shop}"
DIFF = "diff: ['-          image: registry/web:2.O', '+          image: registry/web:1.0']"


def playbook(text: str = PLAYBOOK, kind: str = "Workload") -> Loaded[Playbook]:
    return load_one(text.replace("OBJECT", kind).encode(), "playbooks/last-image.yaml", Playbook)


def case(files: dict[str, str], expect: str = DIFF, said: str = SAID, kind: str = "Workload", text: str = PLAYBOOK) -> CaseResult:
    indented = "".join(f"          {path}: |\n" + "".join(f"            {line}\n" for line in body.strip().splitlines())
                       for path, body in files.items())  # fmt: skip
    fields = "\n        ".join(part.strip() for part in said.strip("{}").split(",") if part.strip())
    given = GIVEN.replace("TROUBLE", fields or "severity: critical").replace("FILES\n", indented).replace("EXPECT", expect)
    (result,) = run_cases(playbook(text, kind), load_one(given.encode(), "playbooks/last-image.cases.yaml", PlaybookCases))
    return result


def web(namespace: str = "shop", kind: str = "Deployment") -> str:
    return WEB.replace("NAMESPACE", namespace).replace("kind: Deployment", f"kind: {kind}")


@pytest.mark.parametrize("kind", ["Workload", "Deployment"])
def test_the_named_object_s_named_container_is_edited(kind: str) -> None:
    result = case({"apps/shop/web.yaml": web()}, kind=kind)
    assert result.expected == result.found


@pytest.mark.parametrize("kind", ["Workload", "Deployment"])
def test_the_same_name_in_another_namespace_or_unit_is_left_alone(kind: str) -> None:
    files = {"apps/shop/web.yaml": web(), "apps/shop/stage/web.yaml": web("stage"), "apps/other/web.yaml": web()}
    result = case(files, kind=kind)
    assert result.expected == result.found
    elsewhere = {"apps/shop/x.yaml": web("stage"), "apps/other/web.yaml": web()}
    refused = case(elsewhere, "refused: unsafe-edit", kind=kind)
    assert refused.expected == refused.found


def test_a_workload_is_of_whatever_kind_the_target_names() -> None:
    said = SAID.replace("Deployment", "StatefulSet")
    result = case({"apps/shop/web.yaml": web(kind="StatefulSet") + "---" + web()}, said=said)
    assert result.expected == result.found
    refused = case({"apps/shop/web.yaml": web()}, "refused: unsafe-edit", said=said)
    assert refused.expected == refused.found


@pytest.mark.parametrize("said", ["{}", "{trouble: crash-loop, container: app}", "{trouble: image-pull}"])
def test_another_word_or_no_container_does_not_fire(said: str) -> None:
    result = case({"apps/shop/web.yaml": web()}, "silent: true", said=said)
    assert result.expected == result.found


def test_an_empty_container_chooses_no_entry_not_even_one_without_a_name() -> None:
    said = "{trouble: image-pull, object: Deployment.apps/shop/web, unit: shop}"
    always = PLAYBOOK.replace(' && container != ""', "")
    result = case({"apps/shop/web.yaml": web().replace("name: app", 'name: ""')}, "refused: no-change", said=said, text=always)
    assert result.expected == result.found


def test_without_a_named_object_there_is_no_workload() -> None:
    result = case({"apps/shop/web.yaml": web()}, "refused: unsafe-edit", said="{trouble: image-pull, container: app}")
    assert result.expected == result.found


def test_success_may_be_that_the_target_is_well_again_and_something_has_to_be() -> None:
    assert playbook().document.spec.expect.healthy
    with pytest.raises(Misconfigured, match=r"expect\.checks"):
        playbook(PLAYBOOK.replace("healthy: true", "healthy: false"))


def test_callers_of_a_workload_are_refused_when_it_is_loaded() -> None:
    with pytest.raises(Misconfigured, match="the object in trouble itself"):
        playbook(PLAYBOOK.replace("on: component", "on: callers"))
