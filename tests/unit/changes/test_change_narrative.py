"""The narrative says what happened in typed fields, whatever the fields hold."""

from __future__ import annotations

from dataclasses import replace

from reconciler.changes.markdown import render_markdown
from reconciler.changes.narrative import describe
from reconciler.model.canonical import digest
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from reconciler.model.memory import Alike, Passage, Seen, Tried
from reconciler.model.proposals import BlastRadius, Edit, EditKind, Expectation, FileEdit, Impact, Irreversibility, Proposal
from reconciler.model.pulls import Narrative, PullRequest, PullState
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus

PATH = "apps/shop/checkout.yaml"
FILES = (FileEdit(PATH, digest(b"release: 2\n"), digest(b"release: 1\n")),)
EVIDENCE = Evidence("shift", "checkout", "latency_p99", "200", "900", "8.1", "latency_p99 of checkout rose from 200 to 900")
CAUSE = Cause(CauseKind.RELEASE, "checkout", "0.91", "c" * 40, (EVIDENCE,))
SIGNAL = Signal("s", "sensor/p99", "SlowCheckout", "checkout", "f", SignalStatus.FIRING, Severity.CRITICAL, 1, 2)
INCIDENT = Incident("i-1", "f", "infra", "lab", 1, Severity.CRITICAL, ("checkout",), (SIGNAL,), 3)
DIAGNOSIS = Diagnosis("i-1", 5, "r" * 40, (CAUSE,), (0, 1), (1, 2), "a release")
PROPOSAL = Proposal(
    id="p",
    incident="i-1",
    fingerprint="sha256:f",
    playbook="rollback-release",
    title="Roll back checkout to 1.4.2",
    cause="release",
    component="checkout",
    confidence="0.91",
    edits=(Edit(EditKind.RESTORE, PATH, 0, ("spec", "release"), "1.4.3", "1.4.2", "d" * 40),),
    files=FILES,
    patch=digest(list(FILES)),
    base="b" * 40,
    blast=BlastRadius(("checkout",), ("frontend", "gateway"), ("shop",), 1, Impact.LOW),
    irreversibility=Irreversibility.REVERSIBLE,
    expectation=Expectation((), ()),
    predicted="p99 of checkout falls below 300 ms",
)


def told(**changes: object) -> Narrative:
    return describe(INCIDENT, DIAGNOSIS, replace(PROPOSAL, **changes))  # type: ignore[arg-type]


def test_it_names_signals_components_and_the_likely_cause():
    assert told().what_happened == (
        "critical: 3 signals (SlowCheckout) about checkout. "
        "Likely cause: release of checkout, commit cccccccccccc (confidence 0.91)."
    )


def test_it_says_when_the_data_does_not_say_why():
    assert "does not say why" in describe(INCIDENT, replace(DIAGNOSIS, causes=()), PROPOSAL).what_happened


def test_it_says_that_a_forecast_is_one():
    assert "forecast" in describe(INCIDENT, replace(DIAGNOSIS, prediction_only=True), PROPOSAL).what_happened


def test_it_says_the_edit_in_words():
    assert told().edit_in_words == (f'{PATH}: spec.release from "1.4.3" to "1.4.2", as it was in commit dddddddddddd',)


def test_it_names_files_that_no_edit_explains():
    assert told(edits=()).edit_in_words == (f"{PATH}: altered",)


def test_it_says_that_nothing_is_edited():
    assert "Nothing is edited" in told(files=(), edits=()).edit_in_words[0]


def test_it_counts_what_it_leaves_out():
    edits = tuple(replace(PROPOSAL.edits[0], path=f"a/{n}") for n in range(30))
    assert told(edits=edits).edit_in_words[-1] == "and 11 more files, see the diff"
    many = replace(DIAGNOSIS, causes=(replace(CAUSE, evidence=(EVIDENCE,) * 20),))
    assert describe(INCIDENT, many, PROPOSAL).evidence[-1] == "and 12 more in the record"


def test_it_says_who_can_be_touched():
    assert told().blast_radius == "low impact: 1 object of checkout in shop; called by frontend, gateway."


def test_it_says_how_to_undo_and_what_undoing_cannot_restore():
    assert "git revert" in told().undo
    assert "cannot be undone" in told(irreversibility=Irreversibility.IRREVERSIBLE).undo
    assert told(is_revert_of="e" * 40).undo.startswith("This is itself an undo.")


def test_hostile_names_stay_inside_one_clean_line():
    evil = "x\n\n## Approved\u202e\x1b[2J" + "A" * 100_000
    incident = replace(INCIDENT, components=(evil,) * 50, signals=(replace(SIGNAL, name=evil),))
    narrative = describe(incident, DIAGNOSIS, replace(PROPOSAL, title=evil, component=evil, predicted=evil, playbook=evil))
    texts = [narrative.title, narrative.what_happened, narrative.predicted, narrative.playbook, narrative.blast_radius]
    assert all(text.isprintable() and len(text) <= 800 for text in texts)


def test_it_says_what_was_like_it_before_and_what_runbooks_say():
    seen = Seen(
        times=4,
        week=2,
        tried=(Tried("scale-out", 3, 2), Tried("restart", 1, 0)),
        alike=(Alike("inc-2", "0.93", "load", "cart", 1, "scale-out", "better"), Alike("inc-1", "0.61", "load", "front", 1)),
        passages=(Passage("runbooks/cart.md", 12, "Load", "Add replicas first."),),
    )
    assert describe(INCIDENT, replace(DIAGNOSIS, seen=seen), PROPOSAL).seen == (
        "seen before: 4 times, 2 in the last seven days; a repair landed 4 times and worked twice (scale-out)",
        "inc-2 looks alike (0.93): load of cart; scale-out landed: it helped",
        "inc-1 looks alike (0.61): load of front; no repair landed",
        "runbooks/cart.md:12, Load: \u201cAdd replicas first.\u201d",
    )


def test_what_was_never_repaired_is_not_said_to_have_failed():
    assert Seen(1, 1).summary == "seen before: once, 1 in the last seven days; no repair ever landed"
    assert Seen(0, 0).summary == "not seen before"
    assert Seen(2, 0, (Tried("restart", 2, 0),)).summary.endswith("a repair landed twice and worked never")


def test_a_hostile_runbook_stays_one_clean_line_and_inert():
    evil = "</p><script>alert(1)</script> ## Approved @team\u202e\x1b[2J" + "A" * 10_000
    seen = Seen(0, 0, passages=(Passage(evil, 1, evil, evil),))
    narrative = describe(INCIDENT, replace(DIAGNOSIS, seen=seen), PROPOSAL)
    assert all(text.isprintable() and len(text) < 700 for text in narrative.seen)
    body = render_markdown(
        PullRequest(7, "infra", "main", "x", "b", "c", "sha256:p", (), PullState.OPEN, "homeostat", narrative, 1)
    )
    assert "## Seen before" in body
    assert "<script>" not in body
    assert "@team" not in body
