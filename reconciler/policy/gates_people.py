"""Gates about evidence and people: is what is judged what was looked at, who made it, who asked, who objected."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.documents.trust import Role
from reconciler.model.judging import Effect
from reconciler.model.pulls import ReviewChoice
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench, Finding, Rule, last_words, touched_rules
from reconciler.policy.facts import EXACT_LANDING, MACHINE, Brake, Hold
from reconciler.policy.rules import any_fits


def evidence(bench: Bench) -> Iterator[Finding]:
    """What is judged is exactly what was examined, under exactly these rules. Anything else is an error, hence a denial."""
    rule = Rule(
        "evidence-complete",
        "subject, proposal and facts are about the same edit, and every touched file was examined",
        Reason.POLICY_ERROR,
        "the facts do not cover the edit",
        Effect.DENY,
        hard=True,
    )
    gaps = tuple(_gaps(bench))
    yield bench.finding(rule, ok=not gaps, values=(("gaps", "; ".join(gaps) or "none"),))


def _gaps(bench: Bench) -> Iterator[str]:
    facts, proposal, subject = bench.facts, bench.proposal, bench.subject
    if subject.policy != bench.rules.digest:
        yield "the subject names other rules than these"
    if not facts.paths:
        yield "nothing is touched"
    if unseen := sorted(set(facts.paths) - set(facts.examined) - set(facts.deleted)):
        yield f"{unseen[0]} was not examined"
    if proposal is None:
        return
    if proposal.patch != subject.patch:
        yield "the proposal has another patch"
    if set(facts.paths) != {item.path for item in proposal.files}:
        yield "the proposal names other files than Git"
    if {item.path for item in proposal.files if not item.after} != set(facts.deleted):
        yield "the proposal deletes other files than Git"


def author(bench: Bench) -> Iterator[Finding]:
    """The head was made by whom it says, proved by a signature. Binds the fast lane too."""
    facts = bench.facts
    made_by_machine = facts.author == MACHINE
    known = made_by_machine or bench.rules.people.named(facts.author) is not None
    proved = facts.author_proved or (not made_by_machine and not bench.rules.people.enforce)
    rule = Rule(
        "author",
        "the head commit is signed by a trusted key of its author",
        Reason.TRUST,
        "a head commit whose author is proved",
        Effect.DENY,
        command="homeostat audit verify" if made_by_machine else "git commit --amend -S",
        document=bench.rules.people.place(facts.author) or "built-in",
        hard=True,
    )
    machine_has_proposal = (bench.proposal is not None) == made_by_machine
    values = (("author", facts.author), ("signature proved", _yes(facts.author_proved)))
    yield bench.finding(rule, ok=known and proved and machine_has_proposal, values=values)


def merger(bench: Bench) -> Iterator[Finding]:
    """Who asks for the merge may ask for it. The machine asks as nobody."""
    facts = bench.facts
    rule = Rule(
        "merger",
        "whoever asks for the merge has the role merge for every touched unit",
        Reason.TRUST,
        "the role merge",
        Effect.DENY,
        hard=True,
    )
    if not facts.merger:
        yield bench.not_applicable(rule, "the machine asks by itself")
        return
    allowed = bench.rules.people.may(facts.merger, Role.MERGE, bench.units)
    yield bench.finding(rule, ok=allowed, values=(("merger", facts.merger), ("units", ", ".join(bench.units))))


def rejection(bench: Bench) -> Iterator[Finding]:
    """One person's no is enough. It is taken back only by the same person."""
    people = bench.rules.people
    against = sorted(
        review.principal
        for review in last_words(bench.subject, bench.facts)
        if review.choice is ReviewChoice.REJECT
        and any(people.may(review.principal, Role.APPROVE, (u,)) for u in bench.units or ("",))
    )
    rule = Rule(
        "no-rejection",
        "nobody who may approve has rejected this edit",
        Reason.REJECTED,
        f"{', '.join(against)} to approve after all",
        Effect.DENY,
        command=f"homeostat pr approve {bench.number}",
        hard=True,
    )
    yield bench.finding(rule, ok=not against, values=(("rejected by", ", ".join(against) or "nobody"),))


def brakes(bench: Bench) -> Iterator[Finding]:
    """A brake stops the machine, the fast lane too. People's own edits pass."""
    rule = Rule(
        "brake",
        "no brake is on for a touched unit",
        Reason.BRAKED,
        "the brake to be lifted",
        Effect.WAIT,
        "homeostat brake off",
        hard=True,
    )
    if bench.proposal is None or bench.facts.merger:
        yield bench.not_applicable(rule, "a brake stops the machine, not people")
        return
    on = [brake for brake in bench.facts.brakes if not brake.scopes or _touches(bench, brake.scopes) or not bench.units]
    yield bench.finding(rule, ok=not on, values=tuple(_brake(brake) for brake in on), again_ms=_until(bench, on))


def _brake(brake: Brake) -> tuple[str, str]:
    return f"brake of {brake.owner}", f"{brake.reason}, until {brake.expires_ms or 'lifted'}"


def holds(bench: Bench) -> Iterator[Finding]:
    """What a person undid is not done again by the machine."""
    rule = Rule(
        "hold",
        "no hold keeps the machine away",
        Reason.HELD,
        "the hold to be lifted",
        Effect.DENY,
        "homeostat brake list",
        hard=True,
    )
    if bench.proposal is None:
        yield bench.not_applicable(rule, "a hold keeps the machine away, not people")
        return
    on = [hold for hold in bench.facts.holds if _holds(hold, bench)]
    yield bench.finding(
        rule, ok=not on, values=tuple((f"hold {hold.id}", hold.reason) for hold in on), again_ms=_until(bench, on)
    )


def _holds(hold: Hold, bench: Bench) -> bool:
    return (
        hold.patch in ("", bench.subject.patch)
        and hold.playbook in ("", bench.playbook)
        and (not hold.paths or _touches(bench, hold.paths))
    )


def _touches(bench: Bench, scopes: tuple[str, ...]) -> bool:
    """Whether the edit touches one of these files, folders, units or components: a stop is read as widely as it can be."""
    components = (*bench.proposal.blast.components, bench.proposal.component) if bench.proposal else ()
    patterns = [pattern for scope in scopes for pattern in (scope, scope.rstrip("/") + "/*")]
    return any_fits(patterns, (*bench.facts.paths, *bench.units, *components))


def _until(bench: Bench, stops: list[Brake] | list[Hold]) -> int:
    """When to look again: when the last one ends, or in a minute when one of them has no end."""
    ends = [stop.expires_ms for stop in stops]
    return max(ends) if ends and all(ends) else bench.facts.now_ms + 60_000


def rules_by_people(bench: Bench) -> Iterator[Finding]:
    """Edits of the rules are approved by people with the role policy and landed by one of them, never by the machine."""
    touched = touched_rules(bench.facts)
    rule = Rule(
        "rules-by-people",
        "edits of policies, playbooks, sensors, trust and homeostat.yaml are approved and merged by people with the role policy",
        Reason.NEEDS_PERSON,
        "an approval and the merge by people with the role policy",
        command=f"homeostat pr approve {bench.number} && homeostat pr merge {bench.number}",
    )
    if not touched:
        yield bench.not_applicable(rule, "no rule is touched")
        return
    merger_may = bench.rules.people.may(bench.facts.merger, Role.POLICY)
    values = (
        ("touched", ", ".join(touched)),
        ("approved by", ", ".join(bench.approvers) or "nobody"),
        ("merger", bench.facts.merger or "machine"),
    )
    yield bench.finding(rule, ok=bool(bench.approvers) and merger_may, values=values)


def people_decide(bench: Bench) -> Iterator[Finding]:
    """A pull request made by people lands when another person approved it, or a person who may merge asks for it."""
    rule = Rule(
        "people-decide",
        "an edit made by people is approved or merged by a person",
        Reason.NEEDS_PERSON,
        "an approval or a merge by a person",
        command=f"homeostat pr approve {bench.number}",
    )
    if bench.proposal is not None:
        yield bench.not_applicable(rule, "the machine made this edit")
        return
    asked = bool(bench.facts.merger) and bench.rules.people.may(bench.facts.merger, Role.MERGE, bench.units)
    yield bench.finding(
        rule, ok=bool(bench.approvers) or asked, values=(("approved by", ", ".join(bench.approvers) or "nobody"),)
    )


def landing(bench: Bench) -> Iterator[Finding]:
    """The forge can land exactly what was judged; a weaker forge needs a person to press its button."""
    rule = Rule(
        "exact-landing",
        "the forge lands exactly the judged commit or nothing",
        Reason.NEEDS_PERSON,
        "a person to merge on the forge",
        person=True,
    )
    able = EXACT_LANDING in bench.facts.capabilities
    yield bench.finding(rule, ok=able, values=(("capabilities", ", ".join(bench.facts.capabilities) or "none"),))


def _yes(value: bool) -> str:
    return "yes" if value else "no"
