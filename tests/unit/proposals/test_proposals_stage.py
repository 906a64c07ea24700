"""The stage on real Git: which candidates there are, in which order, with which bytes, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.documents.loader import load_one
from reconciler.documents.operation import Operation
from reconciler.documents.playbook import Playbook
from reconciler.errors import Retryable
from reconciler.model.canonical import digest, encode
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.proposals import Check, EditKind, Proposal, Refusal
from reconciler.model.signals import Incident, Severity
from reconciler.model.telemetry import Topology
from reconciler.ports.repo import Identity
from reconciler.proposals import Candidate, Proposed, Ready, Situation, memory, propose, ready, undo
from reconciler.testing.telemetry import MemoryTelemetry

LIBRARY = Path(__file__).parents[3] / "playbooks"
PERSON, MACHINE = Identity("Ada", "ada@example.org"), Identity("Homeostat", "homeostat@machine.invalid")
CHECKOUT = "apps/shop/checkout.yaml"
CALLS = (("cart", "payment"), ("checkout", "payment"), ("frontend", "cart"), ("frontend", "checkout"), ("search", "catalog"))
UNITS = {"shop": "apps/shop", "payments": "apps/payments"}


def service(name: str, release: str = "1.4.1", replicas: int = 3, retries: int = 2, calls: str = "payment") -> bytes:
    return f"""# {name}
apiVersion: lab.homeostat/v1
kind: Service
metadata:
  name: {name}
spec:
  release: "{release}"
  replicas: {replicas}
  memoryMiB: 512
  calls:
    - service: {calls}
      retries: {retries}
  restart: ""
""".encode()


class World:
    """A real bare repository with a few services, and telemetry in memory."""

    def __init__(self, folder: Path) -> None:
        pygit2.init_repository(str(folder), bare=True, initial_head="main")
        self.repo = PygitRepo(folder)
        self.tip = ""
        self.count = 0
        self.telemetry = MemoryTelemetry(CALLS)
        files = {f"apps/shop/{n}.yaml": service(n) for n in ("checkout", "cart", "search")}
        self.first = self.write(
            {**files, "apps/payments/payment.yaml": service("payment", calls="fraud"), "policies/p.yaml": b"a: 1\n"}
        )

    def write(self, files: Mapping[str, bytes | None], message: str = "An edit\n", by: Identity = PERSON) -> str:
        self.count += 1
        self.tip = self.repo.write(self.tip, files, message, by, self.count * 1_000, None)
        return self.tip

    def metric(self, component: str, metric: str, before: float, after: float) -> None:
        self.telemetry.put(
            component, metric, [(t, before) for t in range(0, 100, 10)] + [(t, after) for t in range(200, 300, 10)]
        )

    def situation(self, *causes: Cause) -> Situation:
        incident = Incident("inc-1", "group-1", "infra", "lab", 250, Severity.CRITICAL, ("checkout",), ())
        diagnosis = Diagnosis("inc-1", 300, self.tip, causes, (0, 100), (200, 300), "found")
        components = tuple(sorted({c for call in CALLS for c in call} | {"user", "notification"}))
        return Situation(incident, diagnosis, self.tip, UNITS, Topology(components, CALLS), 1_000_000)

    def propose(self, situation: Situation, *names: str) -> Proposed:
        return propose(situation, [library(n) for n in names], self.repo, self.telemetry)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "infra.git")


def library(name: str) -> Ready:
    return ready(load_one((LIBRARY / f"{name}.yaml").read_bytes(), f"playbooks/{name}.yaml", Playbook))


def written(text: str) -> Ready:
    head = "apiVersion: homeostat/v1\nkind: Playbook\nmetadata:\n  name: test\nspec:\n  when: 'true'\n  impact: low\n"
    return ready(load_one((head + text).encode(), "playbooks/test.yaml", Playbook))


def cause(kind: CauseKind, component: str = "checkout", commit: str = "", confidence: str = "0.9") -> Cause:
    return Cause(kind, component, confidence, commit, ())


def release(world: World, **more: object) -> Situation:
    suspect = world.write({CHECKOUT: service("checkout", "1.4.2")})
    return replace(world.situation(cause(CauseKind.RELEASE, commit=suspect)), **more)


ALL = ("page", "restart", "scale-out", "rollback-release", "raise-limit", "lower-retries", "scale-in", "revert-config")


def test_a_bad_release_is_restored_from_history(world: World) -> None:
    best = world.propose(release(world), *ALL).best
    assert best.files == {CHECKOUT: service("checkout", "1.4.1")}
    assert best.inverse == {CHECKOUT: service("checkout", "1.4.2")}
    edit = best.proposal.edits[0]
    assert (edit.kind, edit.pointer, edit.before, edit.after) == (EditKind.RESTORE, ("spec", "release"), "1.4.2", "1.4.1")
    assert (edit.commit, edit.timeout_ms) == (world.first, 120_000)
    assert best.proposal.title == "checkout: release 1.4.2 -> 1.4.1"


def test_a_proposal_is_bound_to_its_bytes_and_its_base(world: World) -> None:
    proposal = world.propose(release(world), *ALL).best.proposal
    assert proposal.files[0].after == digest(service("checkout", "1.4.1"))
    assert proposal.patch == digest(list(proposal.files))
    assert proposal.base == world.tip
    assert encode(proposal)


def test_the_same_situation_gives_the_same_proposal(world: World) -> None:
    situation = release(world)
    assert world.propose(situation, *ALL) == world.propose(situation, *ALL)


def test_do_nothing_and_page_is_always_the_last_candidate(world: World) -> None:
    last = world.propose(release(world), *ALL).candidates[-1]
    assert last.proposal.is_nothing
    assert last.proposal.edits[0].kind is EditKind.NOTHING
    assert (last.files, last.inverse) == ({}, {})


@pytest.mark.parametrize("causes", [(), (cause(CauseKind.UNKNOWN), cause(CauseKind.LOAD))])
def test_an_unknown_cause_is_not_guessed_at(world: World, causes: tuple[Cause, ...]) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(*causes), *ALL)
    assert [c.proposal.is_nothing for c in proposed.candidates] == [True]
    assert [r.reason for r in proposed.refusals] == ["no-cause"]


def test_weak_evidence_puts_the_page_before_everything_else(world: World) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    weak = world.propose(world.situation(cause(CauseKind.LOAD, confidence="0.45")), *ALL)
    assert weak.best.proposal.playbook == "page"


@pytest.mark.parametrize("confidence", ["nan", "7", "-1", "high", ""])
def test_a_confidence_that_is_no_share_counts_as_none(world: World, confidence: str) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD, confidence=confidence)), *ALL)
    assert proposed.best.proposal.is_nothing


def test_smaller_variants_follow_and_after_finds_the_next(world: World) -> None:
    world.write({CHECKOUT: service("checkout", replicas=10)})
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD)), *ALL)
    assert [c.proposal.edits[0].after for c in proposed.candidates] == [15, 12, None]
    assert proposed.after(proposed.best.proposal.patch).proposal.edits[0].after == 12
    assert proposed.after(proposed.candidates[-1].proposal.patch).proposal.is_nothing


def test_a_candidate_that_a_judge_refused_makes_room_for_the_smaller_one(world: World) -> None:
    world.write({CHECKOUT: service("checkout", replicas=10)})
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    situation = world.situation(cause(CauseKind.LOAD))
    first = world.propose(situation, *ALL).best.proposal
    again = world.propose(replace(situation, refused=frozenset({first.patch})), *ALL)
    assert again.best.proposal.edits[0].after == 12
    assert [r.reason for r in again.refusals] == ["denied"]


def test_a_reverted_patch_is_not_proposed_again(world: World) -> None:
    situation = release(world)
    first = world.propose(situation, *ALL).best.proposal
    again = world.propose(replace(situation, remembered=frozenset({first.patch})), *ALL)
    assert again.best.proposal.is_nothing
    assert [r.reason for r in again.refusals] == ["remembered"]


def test_a_reverted_edit_is_not_proposed_again_on_a_file_that_has_moved_on(world: World) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    first = world.propose(world.situation(cause(CauseKind.LOAD)), "scale-out").best.proposal
    world.write({CHECKOUT: service("checkout") + b"# a comment\n"})
    situation = replace(world.situation(cause(CauseKind.LOAD)), remembered=frozenset(memory(first)))
    again = world.propose(situation, "scale-out")
    assert "remembered" in [r.reason for r in again.refusals]
    assert all(c.proposal.edits[0].after != 5 for c in again.candidates)


def test_a_playbook_that_cools_down_leaves_room_for_others(world: World) -> None:
    world.metric("checkout", "memory_usage", 0.4, 0.95)
    cooling = {("raise-limit", "checkout"): 1_000_001, ("restart", "cart"): 2_000_000}
    proposed = world.propose(replace(world.situation(cause(CauseKind.MEMORY)), cooling=cooling), *ALL)
    assert proposed.best.proposal.playbook == "restart"
    assert [(r.playbook, r.reason) for r in proposed.refusals] == [("raise-limit", "cooling-down")]


def test_a_cool_down_ends_on_time(world: World) -> None:
    world.metric("checkout", "memory_usage", 0.4, 0.95)
    cooling = {("raise-limit", "checkout"): 1_000_000}
    proposed = world.propose(replace(world.situation(cause(CauseKind.MEMORY)), cooling=cooling), *ALL)
    assert proposed.best.proposal.playbook == "raise-limit"


def test_what_a_repair_brought_is_not_turned_back(world: World) -> None:
    world.write({CHECKOUT: service("checkout", "1.4.2")})
    message = "Roll back\n\nHomeostat-Playbook: rollback-release\n"
    suspect = world.write({CHECKOUT: service("checkout", "1.4.1")}, message, MACHINE)
    proposed = world.propose(world.situation(cause(CauseKind.RELEASE, commit=suspect)), "rollback-release")
    assert proposed.best.proposal.is_nothing
    assert "repair" in proposed.refusals[0].detail


def test_what_git_revert_brought_is_not_turned_back(world: World) -> None:
    bad = world.write({CHECKOUT: service("checkout", "1.4.2")})
    suspect = world.write({CHECKOUT: service("checkout", "1.4.1")}, f'Revert "x"\n\nThis reverts commit {bad}.\n')
    proposed = world.propose(world.situation(cause(CauseKind.RELEASE, commit=suspect)), "rollback-release")
    assert proposed.best.proposal.is_nothing


def test_a_retry_storm_lowers_the_retries_of_every_caller(world: World) -> None:
    best = world.propose(world.situation(cause(CauseKind.DEPENDENCY, "payment")), *ALL).best
    assert set(best.files) == {CHECKOUT, "apps/shop/cart.yaml"}
    assert best.proposal.blast.components == ("cart", "checkout")
    assert best.proposal.blast.dependents == ("frontend",)
    assert "several-services" in best.proposal.high_impact


def test_a_repair_of_too_many_places_is_no_repair(world: World) -> None:
    callers = [f"c{n}" for n in range(21)]
    world.write({f"apps/shop/{name}.yaml": service(name) for name in callers})
    situation = world.situation(cause(CauseKind.DEPENDENCY, "payment"))
    calls = tuple(sorted((name, "payment") for name in callers))
    proposed = world.propose(replace(situation, topology=Topology((*callers, "payment"), calls)), "lower-retries")
    assert proposed.best.proposal.is_nothing
    assert {r.reason for r in proposed.refusals} == {"limit"}


def test_blast_radius_reaches_callers_at_any_distance_and_controls_are_untouched(world: World) -> None:
    world.metric("payment", "memory_usage", 0.4, 0.95)
    proposal = world.propose(world.situation(cause(CauseKind.MEMORY, "payment")), *ALL).best.proposal
    assert proposal.blast.dependents == ("cart", "checkout", "frontend")
    assert proposal.blast.units == ("payments",)
    assert proposal.expectation.controls == ("catalog", "notification", "search")


def test_a_component_that_the_call_graph_does_not_know_is_high_impact(world: World) -> None:
    situation = replace(release(world), topology=Topology((), ()))
    assert "unknown-topology" in world.propose(situation, *ALL).best.proposal.high_impact


def test_the_expectation_is_bound_to_what_was_normal_before(world: World) -> None:
    world.metric("checkout", "latency_p99", 400.0, 4_000.0)
    checks = world.propose(release(world), *ALL).best.proposal.expectation.checks
    assert Check("checkout", "latency_p99", "below", "600") in checks
    assert Check("checkout", "error_rate", "below", "0.02") in checks


def test_blind_telemetry_is_no_reason_to_act(world: World) -> None:
    situation = release(world)
    world.telemetry.failing = True
    with pytest.raises(Retryable):
        world.propose(situation, *ALL)


def test_a_missing_metric_is_a_refusal_and_never_a_zero(world: World) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.1)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD)), "scale-in")
    assert proposed.best.proposal.is_nothing
    assert "trigger has no answer" in proposed.refusals[0].detail


def test_samples_that_are_no_numbers_are_gaps(world: World) -> None:
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    world.telemetry.put("checkout", "cpu_usage", [(t, float("inf")) for t in range(201, 206)] + [(299, float("nan"))])
    assert world.propose(world.situation(cause(CauseKind.LOAD)), "scale-out").best.files


def test_nan_is_a_gap(world: World) -> None:
    world.metric("checkout", "cpu_usage", 0.5, float("nan"))
    assert world.propose(world.situation(cause(CauseKind.LOAD)), "scale-out").best.proposal.is_nothing


@pytest.mark.parametrize("name", ["../../etc", "checkout; rm -rf /", "{{7*7}}", "Checkout", "", "x" * 10_000, "\u202echeckout"])
def test_a_hostile_component_name_becomes_no_edit(world: World, name: str) -> None:
    world.metric(name, "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD, name)), "scale-out")
    assert all(c.proposal.is_nothing for c in proposed.candidates)


def test_an_object_with_a_hostile_name_is_not_edited_although_it_is_there(world: World) -> None:
    world.write({"apps/shop/odd.yaml": service('"Odd; name"')})
    world.metric("Odd; name", "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD, "Odd; name")), "scale-out")
    assert proposed.best.proposal.is_nothing
    assert "no plain name" in proposed.refusals[0].detail


def test_an_object_that_stands_twice_is_not_edited(world: World) -> None:
    world.write({"apps/payments/checkout.yaml": service("checkout")})
    world.metric("checkout", "cpu_usage", 0.5, 0.99)
    proposed = world.propose(world.situation(cause(CauseKind.LOAD)), "scale-out")
    assert proposed.best.proposal.is_nothing
    assert "stands twice" in proposed.refusals[0].detail


def test_an_object_in_a_shared_file_is_found_and_only_it_is_edited(world: World) -> None:
    shared = service("user") + b"---\n" + service("inventory")
    world.write({"apps/shop/all.yaml": shared})
    world.metric("inventory", "cpu_usage", 0.5, 0.99)
    best = world.propose(world.situation(cause(CauseKind.LOAD, "inventory")), "scale-out").best
    assert best.files == {"apps/shop/all.yaml": service("user") + b"---\n" + service("inventory", replicas=5)}


def test_objects_outside_every_unit_are_not_found(world: World) -> None:
    world.write({"elsewhere/user.yaml": service("user")})
    world.metric("user", "cpu_usage", 0.5, 0.99)
    assert world.propose(world.situation(cause(CauseKind.LOAD, "user")), "scale-out").best.proposal.is_nothing


def test_a_broken_neighbour_does_not_hide_the_object(world: World) -> None:
    world.write({"apps/shop/aaa.yaml": b"kind: Service\nname: &x checkout\n"})
    assert world.propose(release(world), *ALL).best.files


def test_a_config_commit_is_reverted_as_a_whole(world: World) -> None:
    suspect = world.write({CHECKOUT: service("checkout", replicas=1), "apps/shop/cart.yaml": None})
    best = world.propose(world.situation(cause(CauseKind.CONFIG, commit=suspect)), *ALL).best
    assert best.files == {CHECKOUT: service("checkout"), "apps/shop/cart.yaml": service("cart")}
    assert best.inverse == {CHECKOUT: service("checkout", replicas=1), "apps/shop/cart.yaml": None}
    assert best.proposal.blast.components == ("cart", "checkout")


def test_a_commit_that_touched_policies_is_not_reverted_by_the_machine(world: World) -> None:
    suspect = world.write({CHECKOUT: service("checkout", replicas=1), "policies/p.yaml": b"a: 2\n"})
    proposed = world.propose(world.situation(cause(CauseKind.CONFIG, commit=suspect)), *ALL)
    assert proposed.best.proposal.is_nothing
    assert proposed.refusals[0].where == "policies/p.yaml:1:1"


def test_a_commit_that_no_longer_reverts_cleanly_is_refused(world: World) -> None:
    suspect = world.write({CHECKOUT: service("checkout", replicas=1)})
    world.write({CHECKOUT: service("checkout", replicas=2)})
    proposed = world.propose(world.situation(cause(CauseKind.CONFIG, commit=suspect)), *ALL)
    assert [r.reason for r in proposed.refusals] == ["unsafe-edit"]


OPERATION = """  irreversibility: costly
  steps:
    - {edit: operation, action: flush-cache, expiresSeconds: 60}
  expect: {checks: [{metric: error_rate, below: "0.02"}]}
"""


def test_an_operation_is_one_new_file_that_loads(world: World) -> None:
    best = propose(world.situation(cause(CauseKind.SATURATION)), [written(OPERATION)], world.repo, world.telemetry).best
    (path, data), *more = best.files.items()
    assert not more
    assert data is not None
    made = load_one(data, path, Operation).document
    assert path == f"operations/{made.metadata.name}.yaml"
    assert (made.spec.action, made.spec.unit, made.spec.component, made.spec.expires_ms) == (
        "flush-cache",
        "shop",
        "checkout",
        1_060_000,
    )
    assert best.inverse == {path: None}


def test_an_operation_that_is_there_already_is_not_written_again(world: World) -> None:
    situation = world.situation(cause(CauseKind.SATURATION))
    first = propose(situation, [written(OPERATION)], world.repo, world.telemetry).best
    world.write(first.files)
    again = propose(situation, [written(OPERATION)], Overlaid(world.repo, world.tip), world.telemetry)
    assert again.best.proposal.is_nothing


class Overlaid(PygitRepo):
    """The same repository, read at a later commit."""

    def __init__(self, repo: PygitRepo, tip: str) -> None:
        super().__init__(repo.path)
        self.tip = tip

    def read(self, commit: str, path: str) -> bytes | None:
        return super().read(self.tip, path)


def test_steps_that_share_a_file_build_on_each_other(world: World) -> None:
    steps = """  irreversibility: reversible
  parameters: {n: {type: integer, default: 7, min: 1, max: 9}}
  steps:
    - {edit: set, object: Service, field: [spec, replicas], parameter: n}
    - {edit: set, object: Service, field: [spec, memoryMiB], value: 1024}
  expect: {checks: [{metric: error_rate, below: "0.02"}]}
"""
    best = propose(world.situation(cause(CauseKind.LOAD)), [written(steps)], world.repo, world.telemetry).best
    assert best.files[CHECKOUT] == service("checkout", replicas=7).replace(b"memoryMiB: 512", b"memoryMiB: 1024")
    assert best.inverse[CHECKOUT] == service("checkout")
    assert len(best.proposal.files) == 1


def test_a_step_that_fails_takes_the_others_with_it(world: World) -> None:
    steps = """  irreversibility: reversible
  steps:
    - {edit: set, object: Service, field: [spec, replicas], value: 7}
    - {edit: set, object: Service, field: [spec, absent], value: 1}
  expect: {checks: [{metric: error_rate, below: "0.02"}]}
"""
    proposed = propose(world.situation(cause(CauseKind.LOAD)), [written(steps)], world.repo, world.telemetry)
    assert proposed.best.proposal.is_nothing
    assert proposed.refusals[0].where == f"{CHECKOUT}:7:3"


def landed(world: World, candidate: Candidate) -> str:
    return world.write(candidate.files, "A repair\n\nHomeostat-Playbook: any\n", MACHINE)


def test_undo_gives_back_the_bytes_and_is_a_revert(world: World) -> None:
    best = world.propose(release(world), *ALL).best
    commit = landed(world, best)
    undone = undo(best.proposal, commit, world.tip, world.repo)
    assert isinstance(undone, Candidate)
    assert undone.files == best.inverse
    assert undone.proposal.is_revert_of == commit
    assert undone.proposal.base == commit
    assert (undone.proposal.edits[0].before, undone.proposal.edits[0].after) == ("1.4.1", "1.4.2")


def test_undo_keeps_what_people_did_in_between(world: World) -> None:
    best = world.propose(release(world), *ALL).best
    commit = landed(world, best)
    tip = world.write({CHECKOUT: service("checkout", "1.4.1").replace(b'restart: ""', b'restart: "x"')})
    undone = undo(best.proposal, commit, tip, world.repo)
    assert isinstance(undone, Candidate)
    assert undone.files[CHECKOUT] == service("checkout", "1.4.2").replace(b'restart: ""', b'restart: "x"')


def refusal_of(result: Candidate | Refusal) -> str:
    assert isinstance(result, Refusal)
    return result.reason


def test_a_revert_is_never_reverted_by_the_machine(world: World) -> None:
    best = world.propose(release(world), *ALL).best
    commit = landed(world, best)
    reverted: Proposal = replace(best.proposal, is_revert_of="c0ffee")
    assert refusal_of(undo(reverted, commit, world.tip, world.repo)) == "escalated"


def test_an_undo_that_conflicts_or_is_done_already_is_refused(world: World) -> None:
    best = world.propose(release(world), *ALL).best
    commit = landed(world, best)
    world.write({CHECKOUT: service("checkout", "1.5.0")})
    assert refusal_of(undo(best.proposal, commit, world.tip, world.repo)) == "unsafe-edit"


def test_an_operation_that_ran_is_not_undone_by_removing_its_file(world: World) -> None:
    best = propose(world.situation(cause(CauseKind.SATURATION)), [written(OPERATION)], world.repo, world.telemetry).best
    commit = landed(world, best)
    assert refusal_of(undo(best.proposal, commit, world.tip, world.repo)) == "escalated"
