"""The record of one repair: complete, proved, and enough to judge again."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from installation import Installation, installation

from reconciler.adapters.memories import EmbeddedMemory
from reconciler.analysis.likeness import vector
from reconciler.analysis.passages import Library
from reconciler.changes.building import built_of
from reconciler.changes.markdown import render_markdown
from reconciler.cli import main
from reconciler.errors import Permanent, Retryable
from reconciler.model.canonical import decode
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.memory import Portrait
from reconciler.model.proposals import Proposal
from reconciler.model.records import LoggedRecord
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Topology
from reconciler.ports.memory import Memo, Near
from reconciler.ports.repo import Repo
from reconciler.replay import replay
from reconciler.steps.gather import gather
from reconciler.steps.portraying import pictured
from reconciler.steps.remembering import remembered
from reconciler.steps.runbooks import Runbooks
from reconciler.testing.memory import HeldMemory
from reconciler.testing.telemetry import MemoryTelemetry

RUNBOOK = "# Releases\n\nA bad release of checkout: look at its error rate before anything else.\n\n# Holidays\n\nNobody.\n"


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A release was rolled back, and that was better. These tests only read."""
    with installation(tmp_path_factory.mktemp("record")) as site:
        site.add("runbooks/releases.md", RUNBOOK, "Write down what to do about releases")
        site.allow("rollback-release")
        site.bad_release("failing")
        site.until(lambda: site.payloads("outcome") and not site.cases(open_only=True), seconds=500)
        yield site


def test_every_arrow_of_the_loop_left_a_record_and_they_prove_themselves(repaired: Installation) -> None:
    of_incident = [r.record.kind.value for r in repaired.records() if r.record.incident == merge(repaired).record.incident]
    assert of_incident == ["incident", "diagnosis", "proposal", "ballots", "verdict", "merge", "outcome", "outcome", "closed"]
    report = repaired.verify()
    assert report.ok, report.problems


def test_replay_gives_the_same_verdict_byte_for_byte(repaired: Installation) -> None:
    world = repaired.system.world
    found = replay(world.repo, world.log, merge(repaired).record.incident)
    assert [(v.effect, v.same) for v in found] == [("merge", True)]


def test_a_judge_that_changed_its_mind_is_noticed(repaired: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler import replay as module

    honest = module.judge
    monkeypatch.setattr(module, "judge", lambda *a: dataclasses.replace(honest(*a), rule="another rule"))
    world = repaired.system.world
    assert [v.same for v in replay(world.repo, world.log, merge(repaired).record.incident)] == [False]


def test_a_diagnosis_says_what_it_looks_like_what_runbooks_say_and_that_it_is_new(repaired: Installation) -> None:
    found = diagnosed(repaired)
    assert found.portrait
    assert found.seen
    assert {"checkout", "release"} <= set(found.portrait.words)
    assert ("cause inner", "error_rate") in {(m.place, m.metric) for m in found.portrait.moved}
    assert (found.seen.times, found.seen.tried, found.seen.alike) == (0, (), ())
    assert [(p.path, p.line, p.heading) for p in found.seen.passages] == [("runbooks/releases.md", 3, "Releases")]
    (pull,) = repaired.pulls("merged")
    assert pull.narrative.seen[0] == "not seen before"
    assert pull.narrative.seen[1].startswith("runbooks/releases.md:3, Releases: \u201cA bad release of checkout")


def test_the_next_of_its_kind_knows_what_came_of_the_first(repaired: Installation) -> None:
    seen = again(repaired).seen
    assert seen
    assert seen.summary == "seen before: once, 1 in the last seven days; a repair landed once and worked once (rollback-release)"
    assert [(a.incident, a.component, a.playbook, a.outcome) for a in seen.alike] == [
        (merge(repaired).record.incident, "checkout", "rollback-release", "better")
    ]


def test_a_lost_memory_is_made_anew_from_the_log(repaired: Installation) -> None:
    before = again(repaired).seen
    memory = repaired.system.world.memory
    assert isinstance(memory, EmbeddedMemory)
    memory.clear()
    assert again(repaired).seen == before


@pytest.mark.parametrize("mark", ["", "1 999999", "0 1", "1 -3", "nonsense"])
def test_a_memory_of_another_log_or_release_is_made_anew(repaired: Installation, mark: str) -> None:
    memory = HeldMemory()
    memory.put([Memo("inc-of-another-log", vector(diagnosed(repaired).portrait or Portrait()))], mark)
    assert again(repaired, memory=memory).seen == again(repaired).seen


def test_what_cannot_be_remembered_stops_no_diagnosis(repaired: Installation) -> None:
    class Broken(HeldMemory):
        def nearest(self, vector: Sequence[float], most: int) -> Sequence[Near]:
            raise Retryable("the disk is full")

    class Refused(Runbooks):
        def at(self, repo: Repo, revision: str) -> Library:
            raise Permanent("runbooks/link is a symlink")

    class Silent(MemoryTelemetry):
        def topology(self) -> Topology:
            raise Retryable("no answer")

    found = again(repaired, memory=Broken(), runbooks=Refused(), telemetry=Silent(()))
    assert found.seen
    assert found.portrait
    assert (found.seen.times, found.seen.alike, found.seen.passages) == (1, (), ())
    assert (found.portrait.moved, "checkout" in found.portrait.words) == ((), True)


def test_policy_is_told_how_often_it_came_up_and_what_worked(repaired: Installation) -> None:
    world = repaired.system.world
    (pull,) = repaired.pulls("merged")
    proposal = dataclasses.replace(proposed(repaired), incident="inc-next")
    facts = gather(world, world.rulebook(), built_of(pull), proposal).facts
    assert (facts.seen_before, facts.seen_this_week, facts.worked_before) == (1, 1, 1)
    facts = gather(world, world.rulebook(), built_of(pull), proposed(repaired)).facts
    assert (facts.seen_before, facts.worked_before) == (0, 0)


def test_people_search_the_same_runbooks(repaired: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(repaired.home.root), "runbooks", "search", "checkout", "release"]) == 0
    assert capsys.readouterr().out.startswith("runbooks/releases.md:3  Releases\n  A bad release of checkout")


def test_people_are_told_of_the_past_wherever_they_look(repaired: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    (pull,) = repaired.pulls("merged")
    for asked in (["why", merge(repaired).record.incident], ["pr", "show", str(pull.number)]):
        assert main(["--home", str(repaired.home.root), *asked]) == 0
        told = capsys.readouterr().out
        assert "not seen before" in told
        assert "runbooks/releases.md:3, Releases" in told
    assert "## Seen before" in render_markdown(pull)


def test_what_logs_said_only_in_the_trouble_belongs_to_the_portrait(repaired: Installation) -> None:
    found, incident = diagnosed(repaired), decode(Incident, repaired.payloads("incident")[0]["incident"])
    at = [*range(found.window_before[0], found.window_after[1], 15_000)]
    heard = MemoryTelemetry(())
    heard.put("checkout", "log_template_rate{template=1}", [(t, 1.0) for t in at])
    heard.put("checkout", "log_template_rate{template=2}", [(t, 1.0) for t in at if t >= found.window_after[0]])
    lines = {1: "served <*>", 2: "connection refused by <*>"}
    looked = pictured(incident, found, heard, lambda _, number: lines[number])
    assert looked.templates == ("connection refused",)


def diagnosed(site: Installation) -> Diagnosis:
    return decode(Diagnosis, site.payloads("diagnosis")[0]["diagnosis"])


def proposed(site: Installation) -> Proposal:
    return decode(Proposal, site.payloads("proposal")[0]["proposal"])


def again(site: Installation, **instead: Any) -> Diagnosis:
    """The same is found for another incident."""
    world = dataclasses.replace(site.system.world, **instead)
    incident = dataclasses.replace(decode(Incident, site.payloads("incident")[0]["incident"]), id="inc-next")
    now = site.clock.now()
    return remembered(world, incident, dataclasses.replace(diagnosed(site), incident="inc-next", made_ms=now))


def merge(site: Installation) -> LoggedRecord:
    (found,) = site.records("merge")
    return found
