"""One round of converging: from an admitted revision to what the targets were asked to do and did.

In: a `Round` (units, the admitted revision, the revision applied before, the generation, what still waits, the brake).
Out: a `ConvergeResult`. Admission has happened before (`admit`); health and verification come after.

Invariants
* Only units that a commit touched, that drifted or that still wait are looked at; a round over nothing asks no target.
* Dependencies first. A unit whose dependency failed waits as `blocked`; independent units go on; all errors are told.
* Of a suspended unit nothing is asked and nothing is done; its objects are not taken over by another unit either.
* A unit that does not render, renders to nothing or would delete too much keeps its last good state. Of one that renders in
  part, what renders is applied, and nothing is deleted.
* A unit that somebody else applies is followed (`left`), and no plan of it exists.
* The plan of a looked-at unit is applied even when it is empty: that moves the target's generation forward, so that a
  delayed older plan can never land on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from reconciler.converge.claims import ClaimBook, Claims, claim
from reconciler.converge.drift import DriftReport, as_they_say, compare, report
from reconciler.converge.fights import FightBook
from reconciler.converge.left import Follower, Now
from reconciler.converge.manners import manner_of
from reconciler.converge.plans import Leave, Refused, Trimmed, refuse_empty, refuse_outside, trim
from reconciler.converge.render import Outcome, RenderCache, RenderedUnit
from reconciler.converge.schedule import side_by_side, waits
from reconciler.converge.units import Readings, UnitIndex, concerned
from reconciler.converge.values import ConvergeResult, RenderFailure, UnitOutcome
from reconciler.documents.installation import Unit
from reconciler.documents.installation_applier import applied_by
from reconciler.errors import Elsewhere, Misconfigured, Permanent, Retryable
from reconciler.model.appliers import AppliedBy
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet
from reconciler.ports.repo import Repo
from reconciler.ports.target import Target

Unreachable = (Retryable, Permanent, Misconfigured)  # not Tampered: that stops everything


def nobody(_unit: str) -> str:
    """No unit is suspended."""
    return ""


@dataclass(frozen=True, slots=True)
class Round:
    """`applied` is the revision of the round before, "" to look at every unit. `generation` never falls. `suspended` says by
    whom and why a unit is; asked before each unit, so that a suspension counts in a round that has begun.
    """

    index: UnitIndex
    revision: str
    applied: str
    generation: int
    now_ms: int
    pending: frozenset[str] = frozenset()
    drifted: frozenset[str] = frozenset()
    braked: bool = False
    dry_run: bool = False
    suspended: Callable[[str], str] = nobody


class Converger:
    """Holds what is worth keeping between rounds: renders by tree, and the fights."""

    def __init__(
        self, repo: Repo, targets: Mapping[str, Target], *, cache: RenderCache | None = None, fights: FightBook | None = None
    ) -> None:
        self._repo = repo
        self._targets = targets
        self._cache = cache or RenderCache()
        self._fights = fights or FightBook()
        self._claims = ClaimBook()
        self._follower = Follower(repo, targets)
        self._readings = Readings(self._reads)

    def converge(self, ask: Round) -> ConvergeResult:
        """One round."""
        misses = self._cache.misses
        shared = self._readings.at(ask.index, ask.applied)
        touched = concerned(self._repo, ask.index, ask.applied, ask.revision, shared)
        names = touched | ask.pending | ask.drifted
        units = ask.index.in_order(names)
        targets = sorted({u.target for u in units})
        with ThreadPoolExecutor(max(1, len(targets)), "inventory") as pool:  # far ones answer while we render
            asked = {t: pool.submit(self._inventory, t) for t in targets if t in self._targets and self._targets[t].at_once > 1}
            renders = {u.name: self._render(ask.index, ask.revision, u) for u in units}
        if not ask.dry_run:
            self._readings.follow(ask.index, ask.revision, names)
        held = {t: asked[t].result() if t in asked else self._inventory(t) for t in targets}
        ownership = {t: self._ownership(ask, t, held[t], renders) for t in targets}
        outcomes: dict[str, UnitOutcome] = {}

        def work(unit: Unit) -> None:
            outcomes[unit.name] = self._one(ask, unit, renders[unit.name], ownership[unit.target], outcomes)

        at_once = {name: target.at_once for name, target in self._targets.items()}
        side_by_side(units, waits(units, renders), at_once, work)
        orphans = self._orphans(ask.index) if len(names) >= len(ask.index.by_name) else ()
        return ConvergeResult(
            ask.revision, ask.generation, tuple(_settle(outcomes)), orphans,
            self._cache.misses - misses, tuple(o for o in ownership.values() if isinstance(o, str)),
        )  # fmt: skip

    def rendered(self, index: UnitIndex, revision: str, unit: Unit) -> Outcome:
        """What a unit is at a revision; kept like the renders of rounds."""
        return self._render(index, revision, unit)

    def _render(self, index: UnitIndex, revision: str, unit: Unit) -> Outcome:
        return self._cache.get(self._repo, revision, unit, index.kind_of(unit))

    def readers(self, index: UnitIndex, revision: str, paths: Iterable[str]) -> frozenset[str]:
        """Units that read one of these paths from outside their own folder: an edit there is an edit of theirs."""
        shared = self._readings.at(index, revision)
        return frozenset().union(*map(shared.readers, paths))

    def _reads(self, revision: str, unit: Unit) -> frozenset[str]:
        """Nothing for a unit whose reads cannot be told: it does not render either, and is looked at until it does."""
        try:
            return self._cache.reads(self._repo, revision, unit)
        except Unreachable:
            return frozenset()

    def drift(self, index: UnitIndex, revision: str, names: Sequence[str], now_ms: int) -> DriftReport:
        """Looks at live objects of these units; corrects nothing. `revision` is the one applied last."""
        reports = [self._drift_of(index, unit, revision, now_ms) for unit in index.in_order(names)]
        return DriftReport(
            tuple(d for r in reports for d in r.drifts),
            tuple(s for r in reports for s in r.signals),
            frozenset(n for r in reports for n in r.correct),
            tuple(dict.fromkeys(f for r in reports for f in r.faults)),
        )

    def _drift_of(self, index: UnitIndex, unit: Unit, revision: str, now_ms: int) -> DriftReport:
        made = self._render(index, revision, unit)
        if isinstance(made, RenderFailure) or unit.target not in self._targets:
            return DriftReport()
        try:
            if by := applied_by(unit.applier):
                return as_they_say(unit, made.rendered, self._follower.standing(unit, by).drifted, now_ms)
            observed = self._targets[unit.target].observe(unit.name)
        except Unreachable as error:
            return DriftReport(faults=(f"{unit.target}: {error}",))
        drifts = compare(made.rendered, observed)
        fought = (d.id for d in drifts if not self._fights.may_correct(unit.target, d.id, d.desired, now_ms))
        return report(unit, drifts, frozenset(fought), now_ms)

    def _inventory(self, target: str) -> Mapping[str, str] | str:
        """What a target holds, or why it cannot be asked."""
        if target not in self._targets:
            return f"{target}: homeostat.yaml names this target, but it is not set up"
        try:
            return self._targets[target].inventory()
        except Unreachable as error:
            return f"{target}: {error}"

    def _ownership(
        self, ask: Round, target: str, inventory: Mapping[str, str] | str, renders: Mapping[str, Outcome]
    ) -> Claims | str:
        """Who owns what in one target, or why it cannot be asked."""
        if isinstance(inventory, str):
            return inventory
        mine = {name: made for name, made in renders.items() if ask.index.by_name[name].target == target}

        def render_other(name: str) -> Outcome | None:
            unit = ask.index.by_name.get(name)
            return self._render(ask.index, ask.revision, unit) if unit and unit.target == target else None

        def outside(name: str, object_id: str) -> str:
            return refuse_outside(ask.index.by_name[name], object_id)

        return self._claims.of(
            target, ask.index, mine, inventory, lambda: claim(mine, inventory, render_other, ask.suspended, outside)
        )

    def _one(
        self, ask: Round, unit: Unit, made: Outcome, claims: Claims | str, outcomes: Mapping[str, UnitOutcome]
    ) -> UnitOutcome:
        told = ask.suspended(unit.name)
        if told and not ask.dry_run:
            return UnitOutcome(unit.name, unit.target, Reason.SUSPENDED, told)
        outcome = self._tried(ask, unit, made, claims, outcomes)
        return replace(outcome, reason=Reason.SUSPENDED, detail=told) if told and outcome.ok else outcome

    def _tried(
        self, ask: Round, unit: Unit, made: Outcome, claims: Claims | str, outcomes: Mapping[str, UnitOutcome]
    ) -> UnitOutcome:
        if isinstance(made, RenderFailure):
            return UnitOutcome(unit.name, unit.target, Reason.INVALID, made.detail)
        if isinstance(claims, str):
            return UnitOutcome(unit.name, unit.target, Reason.ERROR, claims, again=True)
        if unit.name in claims.errors:
            return UnitOutcome(unit.name, unit.target, Reason.INVALID, "; ".join(map(str, claims.errors[unit.name])))
        by = applied_by(unit.applier)
        if by is None and (failed := [d for d in unit.depends_on if d in outcomes and not outcomes[d].ok]):
            return _blocked(unit, outcomes[failed[0]])
        try:
            done = self._followed(ask, unit, made, by) if by else self._apply(ask, unit, made, claims)
            return _with_errors(done, made)
        except Unreachable as error:
            reason = Reason.ELSEWHERE if isinstance(error, Elsewhere) else Reason.ERROR
            return UnitOutcome(unit.name, unit.target, reason, f"{unit.target}: {error}", again=True)

    def _apply(self, ask: Round, unit: Unit, made: RenderedUnit, claims: Claims) -> UnitOutcome:
        if refused := refuse_empty(unit, made.rendered):
            return UnitOutcome(unit.name, unit.target, refused.reason, refused.detail)
        target = self._targets[unit.target]
        wanted = replace(made.rendered, manner=manner_of(unit))
        plan = target.plan(wanted, ask.revision, ask.generation, shown=ask.dry_run)
        desired = {} if plan.is_empty else {o.id: o.digest for o in made.rendered.objects}
        trimmed = trim(unit, plan, claims, target.observe(unit.name), self._leave(ask, unit, desired))
        if isinstance(trimmed, Refused):
            return UnitOutcome(unit.name, unit.target, trimmed.reason, trimmed.detail, plan=plan)
        changes = target.dry_run(trimmed.plan) if ask.dry_run else target.apply(trimmed.plan)
        if not ask.dry_run:
            self._note_corrections(unit.target, trimmed, changes, desired, ask.now_ms)
        return _outcome(unit, trimmed, changes)

    def _followed(self, ask: Round, unit: Unit, made: RenderedUnit, by: AppliedBy) -> UnitOutcome:
        """A dry run asks nobody: nothing is to be done here."""
        if ask.dry_run:
            return UnitOutcome(unit.name, unit.target, Reason.OK, f"{by} applies it")

        def same(revision: str) -> bool:
            then = self._render(ask.index, revision, unit)
            return isinstance(then, RenderedUnit) and then.rendered.tree == made.rendered.tree

        return self._follower.follow(unit, by, Now(ask.revision, ask.generation, ask.now_ms), same)

    def _leave(self, ask: Round, unit: Unit, desired: Mapping[str, str]) -> Leave:
        def fighting(object_id: str) -> bool:
            return not self._fights.may_correct(unit.target, object_id, desired[object_id], ask.now_ms)

        return Leave(ask.braked, fighting)

    def _note_corrections(
        self, target: str, trimmed: Trimmed, changes: ChangeSet, desired: Mapping[str, str], now_ms: int
    ) -> None:
        done = {r.id for r in changes.results if r.ok}
        for object_id in trimmed.corrections:
            if object_id in done:
                self._fights.corrected(target, object_id, desired[object_id], now_ms)

    def _orphans(self, index: UnitIndex) -> tuple[str, ...]:
        """Units that a target holds and homeostat.yaml no longer sends there. They are told, never deleted."""
        found: set[str] = set()
        for name, target in self._targets.items():
            try:
                owners = set(target.inventory().values())
            except Unreachable:
                continue  # already told as a fault of this round
            found |= {o for o in owners if o not in index.by_name or index.by_name[o].target != name}
        return tuple(sorted(found))


def _outcome(unit: Unit, trimmed: Trimmed, changes: ChangeSet) -> UnitOutcome:
    plan = trimmed.plan
    if not changes.ok:
        failed = [r for r in changes.results if not r.ok]
        told = "; ".join(f"{r.id}: {r.detail or r.reason}" for r in failed) or changes.reason
        return UnitOutcome(unit.name, unit.target, _worst(changes), told, plan, changes, again=True)
    reason = Reason.OK if plan.is_empty else Reason.APPLIED
    return UnitOutcome(unit.name, unit.target, reason, "; ".join(trimmed.held), plan, changes, trimmed.again, trimmed.waits_for)


def _blocked(unit: Unit, before: UnitOutcome) -> UnitOutcome:
    """What only waits keeps others waiting; what failed blocks them."""
    reason = before.reason if before.reason in (Reason.WAITING, Reason.ELSEWHERE) else Reason.BLOCKED
    return UnitOutcome(unit.name, unit.target, reason, f"waits for unit {before.unit}: {before.detail}")


def _worst(changes: ChangeSet) -> Reason:
    """One reason for a unit that was not applied whole; waiting only when nothing else is wrong."""
    if changes.reason == Reason.STALE_PLAN.value:
        return Reason.STALE_PLAN
    waits = all(r.reason == Reason.WAITING.value for r in changes.results if not r.ok)
    return Reason.WAITING if waits and changes.results else Reason.ERROR


def _with_errors(outcome: UnitOutcome, made: RenderedUnit) -> UnitOutcome:
    """What was done, and that the unit is not right before the rest of it renders."""
    if not made.errors:
        return outcome
    reason = Reason.INVALID if outcome.ok else outcome.reason
    return replace(outcome, reason=reason, detail="; ".join(filter(None, (made.detail, outcome.detail))), again=True)


def _settle(outcomes: Mapping[str, UnitOutcome]) -> Iterator[UnitOutcome]:
    """A deletion that was held back for another unit is looked at again, unless that unit took the object over."""
    for outcome in outcomes.values():
        late = [u for u in outcome.waits_for if u in outcomes and not outcomes[u].ok]
        yield replace(outcome, again=True) if late else outcome
