"""Gather: the Facts that policy judges by, read from Git, the log, the forge and the Clock; never from the proposal.

What cannot be read is left out, and the judge then denies: a file that does not parse is not "examined".
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from reconciler.audit import facts as audit
from reconciler.audit.facts import Merge
from reconciler.audit.recurrence import recurrence
from reconciler.audit.view import Fact
from reconciler.audit.view import Facts as Ledger
from reconciler.changes.building import Built
from reconciler.documents.trust import Role
from reconciler.errors import Misconfigured
from reconciler.model.objectives import NOTED, Budget, noted
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import PullRequest, Review, ReviewChoice
from reconciler.policy.facts import EXACT_LANDING, MACHINE, Brake, Facts, Hold, SpentMerge, ValueMove
from reconciler.policy.moves import value_moves
from reconciler.signals.objectives import watches
from reconciler.steps.rejected import stands_until
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World
from reconciler.yamltext import parse

BUDGET_MS = 31 * 86_400_000
OLD_MS = 300_000  # a budget that should have been settled so long ago says nothing of now


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, and the reviews they hold, for consensus to read too."""

    facts: Facts
    reviews: tuple[Review, ...]


def gather(
    world: World, rules: Rulebook, built: Built, proposal: Proposal, pull: PullRequest | None = None, cascading: bool = False
) -> Gathered:
    """One moment of the world for one commit."""
    now = world.clock.now()
    ledger = world.ledger.facts()
    changed = dict(sorted(world.repo.changed(built.base, built.head).items()))
    owners = {rules.index.owner(path) or "" for path in changed}  # "": of no unit, which only a rule for all covers
    units = sorted(owners | world.converger.readers(rules.index, built.base, changed))
    moves, examined = _moves(world, changed)
    reviews = _reviews(rules, ledger, pull, now)
    again = recurrence(ledger, proposal.cause, proposal.component, proposal.incident, now)
    commit = world.repo.commit(built.head)
    proved = commit is not None and world.verifier.verify_ssh(commit.signature, commit.signed, "git") in world.machine_keys
    facts = Facts(
        now_ms=now,
        author=MACHINE,
        author_proved=proved,
        paths=tuple(changed),
        deleted=tuple(path for path, (_, after) in changed.items() if not after),
        units=tuple(units),
        examined=tuple(examined),
        moves=tuple(moves),
        domains=_domains(rules, units),
        critical=any(u in rules.index.by_name and rules.index.by_name[u].criticality == "high" for u in units),
        reviews=reviews,
        merger=_merger(rules, built, reviews, units),
        brakes=tuple(_brakes(ledger, now)),
        holds=tuple(_hold(f) for f in ledger.held(now)),
        merges=tuple(_spent(rules, f) for f in ledger.spending(now - BUDGET_MS)),
        open_domains=_domains(rules, _open_units(ledger, proposal)),
        cascading=cascading,
        capabilities=(EXACT_LANDING,),
        inverse_of=_inverse_of(world, ledger, built, proposal),
        inverse_of_revert=undoes_an_undo(ledger, proposal.is_revert_of),
        pull_request=pull.number if pull else 0,
        seen_before=again.times,
        seen_this_week=again.week,
        worked_before=again.worked(proposal.playbook),
        budgets=budgets_about(world, rules, proposal),
    )
    return Gathered(facts, reviews)


def _moves(world: World, changed: dict[str, tuple[str, str]]) -> tuple[list[ValueMove], list[str]]:
    moves: list[ValueMove] = []
    examined: list[str] = []
    for path, (before, after) in changed.items():
        try:
            old, new = _values(world, before, path), _values(world, after, path)
        except Misconfigured:
            continue
        examined.append(path)
        moves += value_moves(path, old, new)
    return moves, examined


def _values(world: World, blob: str, path: str) -> object:
    if not blob:
        return None
    found = [document.value for document in parse(world.repo.blob(blob), path)]
    return found[0] if len(found) == 1 else found


def _merger(rules: Rulebook, built: Built, reviews: tuple[Review, ...], units: list[str]) -> str:
    """The person who asks for the merge of exactly this edit, and may; "" leaves it to the machine."""
    asked = [r for r in reviews if r.landing and r.choice is ReviewChoice.APPROVE and (r.patch, r.trees) == built.edit]
    able = [r for r in asked if rules.people.may(r.principal, Role.MERGE, [u for u in units if u])]
    return max(able, key=lambda r: r.made_ms).principal if able else ""


def _reviews(rules: Rulebook, ledger: Ledger, pull: PullRequest | None, now_ms: int) -> tuple[Review, ...]:
    """Reviews by known principals, from the forge and from the log: a pull request's ref that was rolled back to before
    a rejection does not make the rejection unsaid. Both have checked the signatures. For a while a rejection also speaks
    about the same edit in another pull request: the same alert firing again is no way around it.
    """
    number = pull.number if pull else 0
    said = [fact for facts in ledger.reviews.values() for fact in facts]
    logged = (f.value.review for f in said if f.value.number == number or now_ms < stands_until(rules, f))
    every = {(r.principal, r.made_ms, r.choice, r.head): r for r in (*logged, *(pull.reviews if pull else ()))}
    return tuple(r for r in every.values() if rules.people.named(r.principal))


def _domains(rules: Rulebook, units: list[str]) -> tuple[str, ...]:
    known = [rules.index.by_name[u] for u in units if u in rules.index.by_name]
    return tuple(sorted({u.failure_domain or u.name for u in known}))


def _open_units(ledger: Ledger, proposal: Proposal) -> list[str]:
    """Units of machine merges whose effect is not known yet; the one being undone does not stand in its own way."""
    return sorted({u for f in ledger.without_outcome() if f.value.commit != proposal.is_revert_of for u in f.value.units})


def budgets_about(world: World, rules: Rulebook, proposal: Proposal) -> tuple[Budget, ...]:
    """Where the objectives stand that the repair is about; what this process has not settled, or not for long, is unknown."""
    about = {proposal.component, *proposal.blast.components, *proposal.blast.dependents}
    blind = world.cursor.accounted_ms < world.clock.now() - OLD_MS  # no answer of the telemetry since, or since the start
    known = {} if blind else {(one.objective, one.component): one for one in noted(world.store.noted(NOTED))}
    asked = [(one, component) for one, component in watches(rules.objectives) if component in about]
    return tuple(
        known.get((one.metadata.name, component), Budget(one.metadata.name, component, str(one.spec.target), "", "", "0"))
        for one, component in asked
    )


def _brakes(ledger: Ledger, now_ms: int) -> list[Brake]:
    in_force = [f.value for f in ledger.brakes.values() if f.value.on and now_ms < f.value.until_ms]
    return [Brake(b.owner, b.reason, b.until_ms, (b.scope,) if b.scope else ()) for b in in_force]


def _hold(fact: Fact[audit.Hold]) -> Hold:
    value = fact.value
    return Hold(
        id=f"hold-{fact.id.removeprefix('sha256:')[:8]}",
        reason=value.reason,
        expires_ms=value.until_ms,
        paths=(value.scope,) if value.scope else (),  # without a scope it holds everything
    )


def _spent(rules: Rulebook, fact: Fact[Merge]) -> SpentMerge:
    merge = fact.value
    critical = any(rules.index.by_name[u].criticality == "high" for u in merge.units if u in rules.index.by_name)
    return SpentMerge(merge.commit, fact.clock_ms, merge.playbook, merge.units, critical)


def _inverse_of(world: World, ledger: Ledger, built: Built, proposal: Proposal) -> str:
    """The machine commit whose exact inverse this is: Git's own revert of it gives the same bytes, or it is none."""
    commit = proposal.is_revert_of
    if not commit or commit not in ledger.merges or not ledger.merges[commit].value.machine:
        return ""
    undone = world.repo.revert(commit, built.base)
    if undone is None:
        return ""
    mine = {
        path: world.repo.blob(after) if after else None for path, (_, after) in world.repo.changed(built.base, built.head).items()
    }
    return commit if dict(undone) == mine else ""


def undoes_an_undo(ledger: Ledger, commit: str) -> bool:
    """Whether this commit is a machine revert or a panic's: its inverse would do again what was undone."""
    merge = ledger.merges.get(commit)
    return bool(merge and merge.value.reverts) or any(commit == panic.value.commit for panic in ledger.panics if commit)


def canonical_facts(facts: Facts) -> dict[str, object]:
    """Facts as they are recorded for replay."""
    from reconciler.model.canonical import plain

    found = plain(facts)
    return json.loads(json.dumps(found)) if isinstance(found, dict) else {}
