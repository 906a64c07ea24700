"""Cluster playbooks end to end: a target says what is wrong with what it holds, and the proposal that fits is made from Git.

One for each way to repair: an image from history, a whole commit, a quantity, a line that was not there, an Operation, a page.
The target is a folder that is told what to say; that a cluster says so itself is shown on a real one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from installation import Installation
from telling import Teller

from reconciler.documents.loader import load_one
from reconciler.documents.playbook_cases import GivenTrouble, PlaybookCases
from reconciler.model.troubles import Trouble, TroubleKind

LIBRARY = Path(__file__).parents[2] / "playbooks"
UNIT = "    - {name: pods, path: apps/pods, target: prod}\n  grouping:\n"
AHEAD_MS = 7_200_000  # is what the target's clock is
LONG_AGO_MS = 3_700_000  # for a commit to explain anything that begins now
TARGET = "    - {name: prod, kind: directory, settings: {path: prod}}\n  sources:\n"


def first(playbook: str) -> GivenTrouble:
    text = (LIBRARY / f"{playbook}.cases.yaml").read_bytes()
    return load_one(text, playbook, PlaybookCases).document.spec.cases[0].given


def commit(site: Installation, files: dict[str, str], message: str) -> str:
    """As a person does, into the unit `pods`."""
    site.pull()
    for path, text in files.items():
        place = site.clone / path.replace("apps/shop", "apps/pods")
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    site.git("add", "-A")
    site.git("commit", "-qm", message)
    site.git("push", "-q")
    site.settle()
    return site.head()


def begin(site: Installation, given: GivenTrouble) -> None:
    """What the playbook's own first case describes, as commits and as the target's word."""
    site.allow_everything("review")
    site.push({"homeostat.yaml": ("  grouping:\n", UNIT)}, "A unit of pods")
    site.push({"homeostat.yaml": ("  sources:\n", TARGET)}, "In a folder")
    for number, state in enumerate((*given.history, given.files)):
        commit(site, state, f"State {number}")
        if not (given.suspect and state is given.files):
            site.clock.advance(LONG_AGO_MS)
            site.settle()
    targets = site.system.connections.targets
    targets["prod"] = teller = Teller(targets["prod"])
    assert given.trouble is not None
    said = Trouble(
        "pods", given.object, given.component, given.trouble, site.clock.now() + AHEAD_MS, "", given.container, "so it is"
    )
    teller.say = lambda: [said]


@pytest.mark.parametrize(
    "playbook",
    ["cluster-image-missing", "cluster-crash-config", "cluster-out-of-memory", "cluster-liveness", "cluster-job-again"],
)
def test_what_a_target_says_is_explained_and_the_playbook_for_it_proposes(site: Installation, playbook: str) -> None:
    given = first(playbook)
    begin(site, given)
    site.until(lambda: site.pulls("open"), seconds=240)
    (proposed,) = [p["proposal"] for p in site.payloads("proposal")][:1]
    assert (proposed["playbook"], proposed["component"]) == (playbook, given.component)
    (diagnosis,) = [p["diagnosis"] for p in site.payloads("diagnosis")][:1]
    assert diagnosis["causes"][0]["kind"] == given.cause
    assert site.machine_commits() == []


def test_what_no_edit_repairs_is_a_page_with_the_facts(site: Installation) -> None:
    begin(site, first("cluster-page"))
    site.until(site.pages, seconds=240)
    assert TroubleKind.NODE_PRESSURE.value in str(site.pages())
    assert site.pulls() == []


def test_a_rule_after_which_homeostat_yaml_would_not_load_is_no_pull_request_but_a_page(site: Installation) -> None:
    site.allow_everything("autonomous")
    site.push({"homeostat.yaml": ("  grouping:\n", UNIT)}, "A unit of pods")
    site.push({"homeostat.yaml": ("  sources:\n", TARGET)}, "In a folder")
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: ours}\n"
    commit(site, {"apps/pods/settings.yaml": settings}, "Settings")
    targets = site.system.connections.targets
    targets["prod"] = teller = Teller(targets["prod"])
    since, fields = site.clock.now() + AHEAD_MS, (("/data/a", "reloader"),)
    said = Trouble("pods", "ConfigMap/shop/settings", "settings", TroubleKind.CONTESTED, since, contested=fields)
    teller.say = lambda: [said]
    site.until(site.pages, seconds=240)  # only a cluster's units may have such rules, and this target is a folder
    proposed = [(p["proposal"]["playbook"], p["effect"], p["reason"]) for p in site.payloads("proposal")]
    assert proposed == [("cluster-contested", "deny", "policy-error")]
    assert (site.pulls(), site.machine_commits()) == ([], [])
