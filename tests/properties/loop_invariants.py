"""What must hold after every step of the loop, whatever happened before it, read from Git, the log and the lab alone.

Each function takes an installation and raises AssertionError with what it saw. None of them asks the loop what it thinks.
"""

from __future__ import annotations

import functools
from typing import Any

import yaml
from installation import Installation

from reconciler.audit.facts import Brake
from reconciler.audit.view import Facts, fold
from reconciler.model.canonical import decode, plain
from reconciler.model.judging import Effect
from reconciler.model.pulls import ReviewChoice
from reconciler.model.records import LoggedRecord, RecordKind

MACHINE = "homeostat@machine.invalid"


def check(site: Installation) -> None:
    """Every invariant."""
    logged = site.records()
    facts = Facts()
    for one in logged:
        fold(facts, one)
    applied = site.system.world.cursor.applied or ""
    nothing_applied_unadmitted(site, facts, applied)
    merges_are_what_was_judged(site, facts)
    brakes_were_respected(logged)
    nobody_is_asked_again(site, facts)
    lab_is_what_git_says(site, applied)
    machine_commits_revert(site, facts)


def nothing_applied_unadmitted(site: Installation, facts: Facts, applied: str) -> None:
    """Every commit that was ever applied is admitted on record; the machine's own by a signed verdict about exactly it."""
    repo, root = site.system.world.repo, site.system.world.root
    revisions = {applied, *facts.applied} - {""}
    for revision in revisions:
        for info in repo.between(root, revision):
            assert info.id in facts.admissions, f"{info.id} was applied without an admission"
            if MACHINE in (info.author_email, info.committer_email):
                verdicts = [f.value for f in facts.verdicts.get(info.id, ())]
                assert any(v.effect is Effect.MERGE for v in verdicts), f"{info.id} was applied without a verdict"


def merges_are_what_was_judged(site: Installation, facts: Facts) -> None:
    """One verdict, one head; what landed is that head on that base; nothing lands twice."""
    repo = site.system.world.repo
    numbers = [f.value.number for f in facts.merges.values() if f.value.number]
    assert len(numbers) == len(set(numbers)), "a pull request landed twice"
    named = [f.value.verdict for f in facts.merges.values()]
    assert len(named) == len(set(named)), "a verdict was used twice"
    for commit, merge in facts.merges.items():
        judged = [f for f in facts.verdicts.get(commit, ()) if f.id == merge.value.verdict]
        assert judged, f"{commit} landed without the verdict that it names"
        assert judged[0].index < merge.index, f"{commit} landed before it was judged"
        assert judged[0].value.subject.base == merge.value.base == (repo.commit(commit).parents[0])  # type: ignore[union-attr]


def brakes_were_respected(logged: list[LoggedRecord]) -> None:
    """In the order of the log: no machine merge while a brake is in force. A panic's own commit precedes its brake."""
    brakes: dict[str, Brake] = {}
    for one in logged:
        payload: Any = plain(dict(one.record.payload))
        if one.record.kind is RecordKind.BRAKE:
            brake = decode(Brake, payload)
            brakes[brake.id] = brake
        elif one.record.kind is RecordKind.MERGE and payload["playbook"] != "panic":
            now = one.record.stamp.clock_ms
            on = [b.id for b in brakes.values() if b.on and now < b.until_ms and b.scope in ("", *payload["units"])]
            assert not on, f"{payload['commit']} landed under {on}"


def nobody_is_asked_again(site: Installation, facts: Facts) -> None:
    """What Ada rejected is not open in another pull request: not for a day, and no story takes that long."""
    said = [f.value for reviews in facts.reviews.values() for f in reviews]
    noes = {(one.review.patch, one.number) for one in said if one.review.choice is ReviewChoice.REJECT}
    for pull in site.pulls("open"):
        if pull.narrative.playbook != "undo":
            earlier = [number for patch, number in noes if patch == pull.patch and number < pull.number]
            assert not earlier, f"pull request {pull.number} asks again what was rejected in {earlier}"


def lab_is_what_git_says(site: Installation, applied: str) -> None:
    """The desired state of every service in the lab is a file of the applied revision, byte for byte of meaning."""
    repo = site.system.world.repo
    live = {name: state["spec"] for name, state in site.lab("/state")["services"].items()}
    wanted = {}
    for path, blob in repo.files(applied, "apps").items():
        if path.endswith(".yaml"):
            name, spec = service(repo.blob(blob))
            wanted[name] = spec
    assert set(live) == set(wanted)
    for name, spec in wanted.items():
        assert {key: live[name].get(key) for key in spec} == spec, f"{name} is not what {applied[:12]} says"


@functools.cache
def service(manifest: bytes) -> tuple[str, dict[str, Any]]:
    """Its name and its desired state; most manifests are the same after every step."""
    document = yaml.safe_load(manifest)
    return document["metadata"]["name"], document["spec"]


def machine_commits_revert(site: Installation, facts: Facts) -> None:
    """Undoing a machine commit where it stands gives exactly what was there before."""
    repo = site.system.world.repo
    for commit in facts.merges:
        undone = repo.revert(commit, commit)
        assert undone is not None, f"{commit} does not revert"
        before = {path: old for path, (old, _) in repo.touched(commit).items()}
        for path, data in undone.items():
            assert (repo.blob(before[path]) if before[path] else None) == data, f"undoing {commit} does not give its base"
