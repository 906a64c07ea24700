"""A unit that somebody else applies, in a round: followed, told, and never planned or applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from converge_history import History, service

from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult, UnitOutcome
from reconciler.documents.installation import Unit
from reconciler.model.appliers import AppliedBy, Phase, Standing
from reconciler.model.reasons import Reason
from reconciler.testing.targets import FakeTarget

FLUX = {"kind": "flux", "kustomization": "flux-system/shop", "timeoutMs": 60_000}


def unit(name: str, **more: object) -> Unit:
    return Unit.model_validate({"name": name, "path": f"apps/{name}", "target": "lab", **more}, strict=False)


@dataclass(slots=True)
class SharedTarget(FakeTarget):
    """Somebody else works here, too, and says what the test says."""

    says: Standing = field(default_factory=lambda: Standing(Phase.BUSY))
    left: Mapping[str, AppliedBy] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)

    def inventory(self) -> Mapping[str, str]:
        return {i: o.unit for i, o in self.objects.items()} | self.theirs

    def leave(self, units: Mapping[str, AppliedBy]) -> None:
        self.left = units

    def standing(self, unit: str, by: AppliedBy) -> Standing:
        self._call("standing", f"{unit} by {by}")
        return self.says


class Site:
    """Unit shop is Flux's; edge is ours and depends on it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.index = UnitIndex.of((unit("shop", applier=FLUX), unit("edge", dependsOn=["shop"])))
        self.target = SharedTarget("lab")
        self.converger = Converger(history.repo, {"lab": self.target})
        self.generation = 0
        self.first = history.commit({"apps/shop/a.yaml": service("a"), "apps/edge/g.yaml": service("g")})

    def round(self, now_ms: int = 0, *, dry_run: bool = False) -> ConvergeResult:
        self.generation += 1
        ask = Round(self.index, self.history.head, "", self.generation, now_ms, dry_run=dry_run)
        return self.converger.converge(ask)

    def shop(self, now_ms: int = 0) -> UnitOutcome:
        found = self.round(now_ms).outcome("shop")
        assert found
        return found

    def applied(self, *revisions: str, phase: Phase = Phase.DONE, told: str = "", tried: tuple[str, ...] = ()) -> None:
        self.target.says = Standing(phase, told, revisions, tried)


@pytest.fixture
def site(history: History) -> Site:
    return Site(history)


def test_it_is_applied_when_they_applied_our_revision(site: Site) -> None:
    site.applied(site.first)
    found = site.shop()
    assert (found.reason, found.again) == (Reason.APPLIED, False)
    assert found.changes
    assert found.changes.ok
    assert {p.unit for p in site.target.applied} == {"edge"}


def test_it_is_applied_when_they_are_ahead_of_us(site: Site) -> None:
    newer = site.history.commit({"apps/shop/a.yaml": service("a", 2)})
    site.history.head = site.first
    site.applied(newer)
    assert site.shop().reason is Reason.APPLIED


def test_a_commit_that_left_the_unit_as_it_was_waits_for_nobody(site: Site) -> None:
    site.history.commit({"docs/readme.md": b"more"})
    site.applied(site.first)
    assert site.shop().reason is Reason.APPLIED


def test_until_then_it_waits_and_so_does_what_depends_on_it(site: Site) -> None:
    site.history.commit({"apps/shop/a.yaml": service("a", 2)})
    site.applied(site.first)
    result = site.round()
    assert [o.reason for o in result.outcomes] == [Reason.WAITING, Reason.WAITING]
    assert result.pending == {"shop", "edge"}
    assert not site.target.applied


@pytest.mark.parametrize("theirs", ["f" * 40, "e" * 64])
def test_a_revision_that_is_not_in_the_repository_is_not_ours(site: Site, theirs: str) -> None:
    site.applied(theirs)
    assert site.shop().reason is Reason.WAITING


def test_what_they_never_apply_is_told_to_a_person_after_a_while_and_not_applied_here(site: Site) -> None:
    site.applied(phase=Phase.BUSY, told="waiting for the artifact")
    assert [site.shop(at).reason for at in (0, 59_999, 60_000)] == [Reason.WAITING, Reason.WAITING, Reason.ERROR]
    assert "waiting for the artifact" in site.shop(70_000).detail
    assert not site.target.applied
    site.applied(site.first)
    assert site.shop(80_000).reason is Reason.APPLIED
    site.applied()
    assert site.shop(90_000).reason is Reason.WAITING, "the time counts from when it began to wait"


@pytest.mark.parametrize(("phase", "reason"), [(Phase.FAILED, Reason.ERROR), (Phase.UNHEALTHY, Reason.UNHEALTHY)])
def test_what_failed_at_our_revision_is_told_in_their_words(site: Site, phase: Phase, reason: Reason) -> None:
    before, ours = site.first, site.history.commit({"apps/shop/a.yaml": service("a", 2)})
    site.applied(before, phase=phase, told="dry-run failed", tried=(ours,))
    found = site.shop()
    assert (found.reason, found.detail) == (reason, "Flux's Kustomization flux-system/shop: dry-run failed")
    assert found.changes
    assert found.changes.results[0].detail == found.detail


def test_what_failed_at_an_older_revision_says_nothing_of_ours(site: Site) -> None:
    site.history.commit({"apps/shop/a.yaml": service("a", 2)})
    site.applied(phase=Phase.FAILED, told="it was broken", tried=(site.first,))
    assert site.shop().reason is Reason.WAITING


def test_what_failed_at_a_newer_one_leaves_ours_applied(site: Site) -> None:
    newer = site.history.commit({"apps/shop/a.yaml": service("a", 2)})
    site.history.head = site.first
    site.applied(site.first, phase=Phase.FAILED, told="broken", tried=(newer,))
    assert site.shop().reason is Reason.APPLIED


def test_what_a_person_stopped_is_told_at_once(site: Site) -> None:
    site.applied(phase=Phase.STOPPED, told="it is suspended")
    assert site.shop().reason is Reason.ERROR


def test_an_applier_that_is_not_there_is_told(site: Site) -> None:
    site.applied(phase=Phase.MISSING, told="the cluster has none of that name")
    assert site.shop().detail.endswith("the cluster has none of that name")


@pytest.mark.parametrize(
    ("folder", "reason"), [("./", Reason.APPLIED), ("apps", Reason.APPLIED), ("./apps/other", Reason.INVALID)]
)
def test_an_applier_of_another_folder_is_refused(site: Site, folder: str, reason: Reason) -> None:
    site.target.says = Standing(Phase.DONE, "", (site.first,), (site.first,), folder)
    assert site.shop().reason is reason


def test_an_object_that_is_theirs_and_ours_is_refused_in_the_unit_that_does_not_hold_it(site: Site) -> None:
    site.applied(site.first)
    site.target.theirs = {"Service/a": "shop"}
    site.history.commit({"apps/edge/a.yaml": service("a")})
    found = site.round().outcome("edge")
    assert found
    assert (found.reason, "already belongs to unit shop" in found.detail) == (Reason.INVALID, True)
    assert not site.target.applied


def test_a_dry_run_asks_nobody(site: Site) -> None:
    found = site.round(dry_run=True).outcome("shop")
    assert found
    assert (found.reason, found.detail) == (Reason.OK, "Flux's Kustomization flux-system/shop applies it")
    assert not [c for c in site.target.calls if c[0] == "standing"]


def test_what_they_say_drifted_is_told_and_not_corrected(site: Site) -> None:
    site.target.says = Standing(Phase.DONE, "", (site.first,), (), None, ("Service/a",))
    report = site.converger.drift(site.index, site.first, ("shop",), 0)
    assert [(d.id, d.live) for d in report.drifts] == [("Service/a", "different")]
    assert (len(report.signals), report.correct) == (1, frozenset())


def test_a_target_that_cannot_tell_is_an_error(history: History) -> None:
    site = Site(history)
    converger = Converger(history.repo, {"lab": FakeTarget("lab")})
    found = converger.converge(Round(site.index, site.first, "", 1, 0)).outcome("shop")
    assert found
    assert (found.reason, "cannot tell" in found.detail) == (Reason.ERROR, True)
