"""A repair that is an Operation goes the whole way: proposed, judged, merged, applied, done once, verified, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from installation import Installation, installation

OTHERS = ("rollback-release", "revert-config", "scale-out", "raise-limit", "lower-retries", "scale-in")
STEP = "    - edit: operation\n      action: {action}\n      timeoutSeconds: 300\n"


def only_operations(site: Installation, action: str, irreversibility: str, mode: str) -> None:
    """A person's playbooks: for a bad release, an Operation and nothing else."""
    site.pull()
    path = site.clone / "playbooks" / "restart.yaml"
    text = path.read_text()
    text = text[: text.index("  when:")] + '  when: cause == "release"\n' + text[text.index("  steps:") :]
    text = text[: text.index("    - edit:")] + STEP.format(action=action) + text[text.index("  expect:") :]
    path.write_text(text.replace("irreversibility: costly", f"irreversibility: {irreversibility}"))
    for name in (*OTHERS, "restart"):
        site.git("rm", "-q", "--ignore-unmatch", f"playbooks/{name}.cases.yaml")
    for name in OTHERS:
        site.git("rm", "-q", f"playbooks/{name}.yaml")
    site.git("add", "-A")
    site.git("commit", "-qm", "Only Operations")
    site.git("push", "-q")
    site.allow("restart", mode)
    site.settle()


def events(site: Installation) -> list[str]:
    return [p["event"] for p in site.payloads("operation")]


@pytest.fixture
def site(tmp_path: Path):
    with installation(tmp_path) as made:
        yield made


def test_a_machines_operation_is_merged_done_once_and_its_useless_file_taken_back(site: Installation) -> None:
    only_operations(site, "restart", "costly", "autonomous")
    site.bad_release()
    site.until(lambda: "finished" in events(site), seconds=300)
    assert events(site) == ["accepted", "started", "finished"]
    (act,) = site.lab("/state")["operations"].values()
    assert (act["action"], act["component"]) == ("restart", "checkout")
    incident = site.cases()[0].id
    assert {r.record.incident for r in site.records("operation")} == {incident}

    site.until(lambda: all(case.stage.value == "done" for case in site.cases()), seconds=1_500)
    assert len(site.lab("/state")["operations"]) == 1
    assert events(site) == ["accepted", "started", "finished"]
    assert "it was not applied" not in str(site.story())


def test_an_irreversible_operation_waits_for_a_person_and_is_done_after_the_approval(site: Installation) -> None:
    only_operations(site, "clear-queue", "irreversible", "autonomous")
    site.bad_release()
    site.until(lambda: site.pulls("open"), seconds=300)
    site.advance(60)
    assert (events(site), site.lab("/state")["operations"]) == ([], {})
    site.review(site.pulls("open")[0].number)
    site.until(lambda: "finished" in events(site), seconds=120)


def test_a_machine_cannot_call_an_act_less_dangerous_than_the_target_does(site: Installation) -> None:
    only_operations(site, "clear-queue", "costly", "autonomous")
    site.bad_release()
    site.until(lambda: "refused" in events(site), seconds=300)
    assert site.lab("/state")["operations"] == {}
    assert "irreversible and no person approved it" in str(site.payloads("operation")[-1])
