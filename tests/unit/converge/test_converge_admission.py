"""Who may change what is applied: every row of the table is a way in that must be open or shut."""

from dataclasses import replace

import pytest
from converge_history import ALICE, History

from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.converge.admit import Admitted, BranchState, admit
from reconciler.converge.commits import Bench, claims_machine
from reconciler.converge.trust import RecordedVerdict, Trust, TrustKey, TrustPrincipal
from reconciler.errors import Misconfigured
from reconciler.model.judging import Effect, Subject, Verdict
from reconciler.model.reasons import Reason
from reconciler.model.revisions import AdmissionKind
from reconciler.ports.repo import MACHINE, Identity
from reconciler.testing.signing import MemorySigner

BOB = Identity("Bob", "bob@example.org")
EDIT = {"apps/shop/checkout.yaml": b"a: 1\n"}
POSITION = 50


def key(name: str, revoked_from: int | None = None) -> TrustKey:
    return TrustKey(MemorySigner("author", name).public, revoked_from)


def trust(*, enforce: bool = True, machine: TrustKey | None = None) -> Trust:
    people = (
        TrustPrincipal("alice", ("Alice@example.org",), (key("alice"), key("alice-old", revoked_from=40))),
        TrustPrincipal("bob", ("bob@example.org",), (key("bob"),)),
    )
    return Trust(enforce, people, (machine or key("machine"),))


class World:
    """One branch, one Trust state unless a commit names another, and a book of verdicts."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.root = history.commit({"README.md": b"hello\n"})
        self.trust: dict[str, Trust] = {}
        self.default = trust()
        self.verdicts: dict[str, RecordedVerdict] = {}

    def bench(self) -> Bench:
        return Bench("infra", "main", POSITION, Ed25519Verifier(), self.verdicts.get)

    def admit(self, *, head: str | None = "", applied: str = "", seen: str = "", accepted: str = "") -> Admitted:
        at = self.history.head if head == "" else head
        state = BranchState(at, applied or self.root, self.root, seen or accepted, accepted)
        return admit(self.history.repo, state, lambda c: self.trust.get(c, self.default), self.bench())

    def judge(self, commit: str, effect: Effect = Effect.MERGE, **other: str) -> None:
        info = self.history.repo.commit(commit)
        assert info is not None
        subject = Subject("infra", "main", info.parents[0], commit, "patch", (), "policy")
        self.verdicts[commit] = RecordedVerdict("record-1", Verdict(replace(subject, **other), effect, "allowed", (), 1))


@pytest.fixture
def world(history: History) -> World:
    return World(history)


def test_a_persons_signed_commit_is_admitted_under_her_name(world: World) -> None:
    commit = world.history.commit(EDIT, signed_by="alice")
    found = world.admit()
    assert (found.reason, found.good) == (Reason.OK, commit)
    assert [(a.commit, a.kind, a.principal) for a in found.admissions] == [(commit, AdmissionKind.SIGNED, "alice")]


@pytest.mark.parametrize(
    ("who", "signed_by", "said"),
    [
        (ALICE, "", "not signed"),
        (ALICE, "stranger", "belongs to nobody"),
        (ALICE, "alice-old", "revoked"),
        (ALICE, "bob", "does not own the author's address"),
        (Identity("Eve", "eve@example.org"), "alice", "does not own the author's address"),
    ],
    ids=["unsigned", "unknown key", "revoked key", "spoofed author", "somebody else's address"],
)
class TestAPersonsDoubtfulCommit:
    def test_stops_there_under_enforce(self, world: World, who: Identity, signed_by: str, said: str) -> None:
        good = world.history.commit({"a": b"1"}, signed_by="alice")
        bad = world.history.commit(EDIT, who=who, signed_by=signed_by)
        world.history.commit({"b": b"1"}, signed_by="alice")
        found = world.admit()
        assert (found.reason, found.good) == (Reason.NOT_ADMITTED, good)
        assert found.refusal is not None
        assert found.refusal.commit == bad
        assert said in found.refusal.detail

    def test_is_admitted_with_a_warning_under_warn(self, world: World, who: Identity, signed_by: str, said: str) -> None:
        world.default = trust(enforce=False)
        commit = world.history.commit(EDIT, who=who, signed_by=signed_by)
        found = world.admit()
        assert found.good == commit
        assert found.admissions[0].kind is AdmissionKind.BRANCH
        assert said in found.admissions[0].warning


def test_a_signature_moved_from_another_commit_is_not_valid(world: World) -> None:
    info = world.history.repo.commit(world.history.commit(EDIT, signed_by="alice"))
    other = world.history.repo.commit(world.history.commit({"x": b"1"}, signed_by="alice"))
    assert info is not None
    assert other is not None
    from reconciler.converge.commits import judge_commit

    forged = replace(info, signature=other.signature)
    judged = judge_commit(forged, trust(), world.bench())
    assert judged.reason is Reason.NOT_ADMITTED  # type: ignore[union-attr]


def test_a_revoked_key_still_holds_before_the_position_of_its_revocation(world: World) -> None:
    world.history.commit(EDIT, signed_by="alice-old")
    state = BranchState(world.history.head, world.root, world.root)
    before = replace(world.bench(), position=39)
    assert admit(world.history.repo, state, lambda _: trust(), before).reason is Reason.OK


def test_a_machine_commit_with_key_and_verdict_is_admitted(world: World) -> None:
    commit = world.history.machine(EDIT)
    world.judge(commit)
    found = world.admit()
    assert found.good == commit
    assert (found.admissions[0].kind, found.admissions[0].verdict) == (AdmissionKind.VERDICT, "record-1")


@pytest.mark.parametrize("enforce", [True, False])
@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        ("no verdict", "no signed verdict"),
        ("unsigned", "no valid signature"),
        ("person's key", "not by a machine author key"),
        ("revoked", "revoked"),
        ("only trailers", "not the machine's author"),
        ("review verdict", "says review"),
        ("other base", "another repository, branch, base or head"),
        ("other branch", "another repository, branch, base or head"),
        ("other repository", "another repository, branch, base or head"),
    ],
)
def test_a_machine_commit_without_its_proof_is_never_applied(world: World, break_it: str, said: str, enforce: bool) -> None:
    world.default = trust(enforce=enforce, machine=key("machine", 10) if break_it == "revoked" else None)
    signed_by = {"unsigned": "", "person's key": "alice", "only trailers": "alice"}.get(break_it, "machine")
    commit = world.history.machine(EDIT, signed_by=signed_by, who=ALICE if break_it == "only trailers" else MACHINE)
    other = {"other base": {"base": "f" * 40}, "other branch": {"branch": "dev"}, "other repository": {"repository": "x"}}
    if break_it != "no verdict":
        world.judge(commit, Effect.REVIEW if break_it == "review verdict" else Effect.MERGE, **other.get(break_it, {}))
    found = world.admit()
    assert (found.reason, found.good) == (Reason.UNVERDICTED, world.root)
    assert found.refusal is not None
    assert said in found.refusal.detail


def test_a_verdict_about_the_commit_before_does_not_cover_the_next(world: World) -> None:
    first = world.history.machine(EDIT)
    world.judge(first)
    second = world.history.machine({"apps/shop/checkout.yaml": b"a: 2\n"})
    world.verdicts[second] = world.verdicts[first]
    assert world.admit().good == first


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (Identity("x", "HOMEOSTAT@MACHINE.INVALID"), "m"),
        (Identity("x", "a@sub.machine.invalid"), "m"),
        (Identity("homeostat", "a@example.org"), "m"),
        (ALICE, "m\n\nhomeostat-patch: abc"),
        (ALICE, "m\n\n  Homeostat-Reverts: abc"),
    ],
)
def test_whatever_looks_like_the_machine_has_to_prove_it(world: World, who: Identity, message: str) -> None:
    world.default = trust(enforce=False)
    world.history.commit(EDIT, who=who, message=message)
    assert world.admit().reason is Reason.UNVERDICTED


def test_a_person_may_write_about_the_machine(world: World) -> None:
    info = world.history.repo.commit(
        world.history.commit(EDIT, message="Revert what Homeostat did\n\nHomeostat was wrong: see 12")
    )
    assert info is not None
    assert not claims_machine(info)


def test_a_commit_cannot_bring_the_trust_that_admits_it(world: World) -> None:
    """The state after the commit would admit the stranger; only the state before is asked."""
    commit = world.history.commit({"policies/trust.yaml": b"stranger: yes\n"}, signed_by="stranger")
    generous = replace(trust(), principals=(TrustPrincipal("stranger", (ALICE.email,), (key("stranger"),)),))
    world.trust[commit] = generous
    assert world.admit().good == world.root


def test_trust_that_a_commit_grants_holds_for_the_next(world: World) -> None:
    grant = world.history.commit({"policies/trust.yaml": b"stranger: yes\n"}, signed_by="alice")
    world.trust[grant] = replace(trust(), principals=(TrustPrincipal("stranger", (ALICE.email,), (key("stranger"),)),))
    commit = world.history.commit(EDIT, signed_by="stranger")
    assert world.admit().good == commit


def test_a_side_branch_cannot_revive_the_trust_it_branched_from(world: World) -> None:
    old = world.history.commit({"a": b"1"}, signed_by="alice")
    world.trust[old] = trust(enforce=False)  # the state that the side branch would like to be held against
    main = world.history.commit({"b": b"1"}, signed_by="alice")
    world.trust[main] = trust()
    side = world.history.commit({"c": b"1"}, base=old)  # unsigned
    world.history.commit({"c": b"1"}, base=main, also=[side], signed_by="alice")
    found = world.admit(applied=main)
    assert (found.good, found.reason) == (main, Reason.NOT_ADMITTED)
    assert found.refusal is not None
    assert found.refusal.commit == side


def test_a_merge_whose_every_commit_is_signed_is_admitted(world: World) -> None:
    main = world.history.commit({"b": b"1"}, signed_by="alice")
    side = world.history.commit({"c": b"1"}, base=world.root, signed_by="bob", who=BOB)
    merge = world.history.commit({"c": b"1"}, base=main, also=[side], signed_by="alice")
    found = world.admit()
    assert found.good == merge
    assert {a.commit for a in found.admissions} == {main, side, merge}


def test_a_merge_the_wrong_way_round_is_taken_whole_or_not_at_all(world: World) -> None:
    main = world.history.commit({"b": b"1"}, signed_by="alice")
    side = world.history.commit({"c": b"1"}, base=world.root, signed_by="alice")
    merge = world.history.commit({"b": b"1"}, base=side, also=[main], signed_by="alice")
    assert world.admit(applied=main).good == merge
    world.history.commit({"c": b"2"}, base=side)  # unsigned, before the merge
    world.history.commit({"b": b"1"}, also=[main], signed_by="alice")
    assert world.admit(applied=main).good == main


def test_trust_that_cannot_be_read_admits_nobody(world: World) -> None:
    world.history.commit(EDIT, signed_by="alice")

    def broken(_: str) -> Trust:
        raise Misconfigured("nothing here", where="policies/trust.yaml:1:1")

    found = admit(world.history.repo, BranchState(world.history.head, world.root, world.root), broken, world.bench())
    assert (found.reason, found.good) == (Reason.NOT_ADMITTED, world.root)


def test_a_fresh_installation_pins_its_root(world: World) -> None:
    commit = world.history.commit(EDIT, signed_by="alice")
    state = BranchState(world.history.head, "", world.root)
    found = admit(world.history.repo, state, lambda _: trust(), world.bench())
    assert [(a.commit, a.kind) for a in found.admissions] == [(world.root, AdmissionKind.ROOT), (commit, AdmissionKind.SIGNED)]


def test_a_branch_from_another_root_is_not_followed(world: World) -> None:
    other = world.history.commit(EDIT, base="", signed_by="alice")
    state = BranchState(other, "", world.root)
    found = admit(world.history.repo, state, lambda _: trust(), world.bench())
    assert (found.reason, found.good) == (Reason.REWRITTEN, world.root)


@pytest.mark.parametrize("gone", ["deleted", "rewritten", "unknown"])
def test_a_branch_that_is_no_descendant_freezes_with_an_alarm(world: World, gone: str) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    rewritten = world.history.commit({"x": b"1"}, base=world.root, signed_by="alice")
    found = world.admit(head={"deleted": None, "rewritten": rewritten, "unknown": "e" * 40}[gone], applied=applied)
    assert (found.reason, found.good, found.admissions) == (Reason.REWRITTEN, applied, ())
    assert found.alarm is not None
    assert found.alarm.expected == applied
    assert found.alarm.found == {"deleted": "", "rewritten": rewritten, "unknown": "e" * 40}[gone]


def test_a_rewritten_branch_is_followed_once_its_head_is_accepted_and_on_from_there(world: World) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    rewritten = world.history.commit({"x": b"1"}, base=world.root, signed_by="alice")
    assert world.admit(applied=applied).reason is Reason.REWRITTEN
    assert world.admit(applied=applied, accepted=rewritten).good == rewritten
    later = world.history.commit({"x": b"2"}, signed_by="alice")
    assert world.admit(head=later, applied=applied, accepted=rewritten).good == later
    other = world.history.commit({"x": b"3"}, base=world.root, signed_by="alice")
    assert world.admit(head=other, applied=applied, accepted=rewritten).reason is Reason.REWRITTEN


def test_a_tip_that_was_seen_stays_below_the_branch_even_where_it_was_never_applied(world: World) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    refused = world.history.commit({"x": b"1"})
    other = world.history.commit({"x": b"2"}, base=applied, signed_by="alice")
    found = world.admit(head=other, applied=applied, seen=refused)
    assert (found.reason, found.good) == (Reason.REWRITTEN, applied)
    assert found.alarm is not None
    assert found.alarm.expected == refused
    assert world.admit(head=applied, applied=applied, seen=refused).reason is Reason.REWRITTEN
    assert world.admit(head=other, applied=applied, seen="e" * 40).reason is Reason.REWRITTEN  # it is in nobody's history


def test_what_is_applied_may_be_left_only_by_an_acceptance_over_it(world: World) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    assert world.admit(head=world.root, applied=applied, seen=world.root).reason is Reason.REWRITTEN


def test_an_accepted_way_back_to_an_older_commit_is_followed(world: World) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    found = world.admit(head=world.root, applied=applied, accepted=world.root)
    assert (found.reason, found.good, found.admissions) == (Reason.OK, world.root, ())


def test_accepting_a_rewrite_admits_none_of_its_commits(world: World) -> None:
    applied = world.history.commit(EDIT, signed_by="alice")
    rewritten = world.history.commit({"x": b"1"}, base=world.root)
    found = world.admit(applied=applied, accepted=rewritten)
    assert (found.reason, found.good) == (Reason.NOT_ADMITTED, applied)


def test_a_round_without_a_new_commit_admits_nothing_and_is_fine(world: World) -> None:
    found = world.admit(applied=world.root)
    assert (found.reason, found.good, found.admissions) == (Reason.OK, world.root, ())


def test_hostile_text_in_a_refusal_is_short_and_printable(world: World) -> None:
    world.history.commit(EDIT, who=Identity("x", "a\x1b[31m" + "b" * 500))
    found = world.admit()
    assert found.refusal is not None
    assert "\x1b" not in found.refusal.detail
    assert len(found.refusal.detail) < 250
