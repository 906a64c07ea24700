"""Gates about when: freezes, maintenance, budgets, the critical rate, one failure domain at a time. They wait rather than refuse.

For machine repairs only, and not for the fast lane. Spending is read from the log, so a restart gives nothing back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.documents.budget import BudgetSpec
from reconciler.documents.freeze import Freeze, open_until
from reconciler.documents.loader import Loaded
from reconciler.documents.maintenance import Maintenance, maintenance_windows
from reconciler.model.judging import Effect
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench, Finding, Rule
from reconciler.policy.facts import SpentMerge
from reconciler.policy.rules import BUILT_IN, BUILT_IN_BUDGET, CRITICAL_WINDOW_MS, any_fits, fits


def pace(bench: Bench) -> Iterator[Finding]:
    """All of this module's gates, in the order of the judge's steps."""
    if bench.proposal is None or bench.fast_lane:
        return
    yield from freezes(bench)
    yield from maintenance(bench)
    yield from budgets(bench)
    yield critical_rate(bench)
    yield one_domain(bench)


def freezes(bench: Bench) -> Iterator[Finding]:
    """One line for each Freeze that is about this repair."""
    for item in bench.rules.freezes:
        spec = item.document.spec
        if fits(spec.match, bench.playbook, bench.units, bench.facts.paths, bench.cause):
            yield _freeze(bench, item)


def _freeze(bench: Bench, item: Loaded[Freeze]) -> Finding:
    spec = item.document.spec
    ends = [(end, index) for index, window in enumerate(spec.windows) if (end := open_until(window, bench.facts.now_ms))]
    end, index = max(ends, default=(0, 0))
    rule = Rule(
        f"freeze/{item.name}",
        f"no freeze: {spec.reason}",
        Reason.FROZEN,
        "the end of the freeze",
        Effect.WAIT,
        document=item.at("spec", "windows", index),
        person=spec.person,
    )
    return bench.finding(
        rule, ok=not ends, values=(("now", str(bench.facts.now_ms)), ("frozen until", str(end or "-"))), again_ms=end
    )


def maintenance(bench: Bench) -> Iterator[Finding]:
    """One line for each Maintenance that is about what this repair touches."""
    for item in _about(bench):
        yield _maintenance(bench, item)


def in_maintenance(bench: Bench) -> bool:
    """Whether people work on what this repair touches, for conditions: the same that the gate sees."""
    return any(_until(bench, item) for item in _about(bench))


def _about(bench: Bench) -> Iterator[Loaded[Maintenance]]:
    touched = sorted({bench.proposal.component, *bench.proposal.blast.components}) if bench.proposal else []
    return (item for item in bench.rules.maintenance if any_fits(item.document.spec.components, touched))


def _until(bench: Bench, item: Loaded[Maintenance]) -> int:
    """When the window that is open now ends; 0 when none is."""
    now = bench.facts.now_ms
    return max((window.end_ms for window in maintenance_windows((item,), now, now + 1)), default=0)


def _maintenance(bench: Bench, item: Loaded[Maintenance]) -> Finding:
    now, end = bench.facts.now_ms, _until(bench, item)
    rule = Rule(
        f"maintenance/{item.name}",
        f"nobody works on what is touched: {item.document.spec.reason}",
        Reason.MAINTENANCE,
        "the end of the maintenance",
        Effect.WAIT,
        document=item.at("spec"),
        person=True,
    )
    return bench.finding(rule, ok=not end, values=(("now", str(now)), ("worked on until", str(end or "-"))), again_ms=end)


def budgets(bench: Bench) -> Iterator[Finding]:
    """One line for each Budget that is about this repair; the built-in one where none is."""
    matching = [
        entry
        for entry in bench.rules.budgets
        if fits(entry[0].match, bench.playbook, bench.units, bench.facts.paths, bench.cause)
        and (bench.facts.critical or not entry[0].critical_only)
    ]
    general = [entry for entry in matching if not entry[0].critical_only]
    for spec, name, place in (*matching, *(() if general else ((BUILT_IN_BUDGET, "built-in", BUILT_IN),))):
        yield _budget(bench, spec, name, place)


def _budget(bench: Bench, spec: BudgetSpec, name: str, place: str) -> Finding:
    spent, again = max((_spent(bench, spec, group) for group in _groups(bench, spec)), default=(0, 0))
    rule = Rule(
        f"budget/{name}",
        f"at most {spec.merges} machine merges in {spec.window_ms} ms per {spec.per}",
        Reason.BUDGET,
        "the window to pass",
        Effect.WAIT,
        document=place,
        person=spec.person,
    )
    return bench.finding(
        rule, ok=spent < spec.merges, values=(("spent", str(spent)), ("allowed", str(spec.merges))), again_ms=again
    )


def _groups(bench: Bench, spec: BudgetSpec) -> Sequence[str]:
    """What has a budget of its own here: each touched unit, the playbook, or everything together ("")."""
    if spec.per == "unit":
        patterns = spec.match.units
        return [unit for unit in bench.units if not patterns or any_fits(patterns, (unit,))] or [""]
    return [bench.playbook] if spec.per == "playbook" else [""]


def _spent(bench: Bench, spec: BudgetSpec, group: str) -> tuple[int, int]:
    """How much of one group's budget is spent, and when the next merge fits."""
    now = bench.facts.now_ms
    times = sorted(m.merged_ms for m in bench.facts.merges if _counts(m, spec, group) and m.merged_ms > now - spec.window_ms)
    if len(times) < spec.merges:
        return len(times), 0
    free = times[len(times) - spec.merges] if spec.merges else now
    return len(times), free + spec.window_ms


def _counts(merge: SpentMerge, spec: BudgetSpec, group: str) -> bool:
    if spec.critical_only and not merge.critical:
        return False
    if spec.per == "unit":
        return (not group or group in merge.units) and _of_match(merge, spec)
    if spec.per == "playbook":
        return merge.playbook == group and _of_match(merge, spec)
    return _of_match(merge, spec)


def _of_match(merge: SpentMerge, spec: BudgetSpec) -> bool:
    # Earlier merges are counted by playbook and unit; their files and causes are not kept, and counting more is safe.
    playbooks, units = spec.match.playbooks, spec.match.units
    return (not playbooks or any_fits(playbooks, (merge.playbook,))) and (not units or any_fits(units, merge.units))


def critical_rate(bench: Bench) -> Finding:
    """One critical machine merge a minute, whatever documents say."""
    rule = Rule("critical-rate", "one critical machine merge a minute", Reason.RATE, "a minute to pass", Effect.WAIT)
    if not bench.facts.critical:
        return bench.not_applicable(rule, "no touched unit is critical")
    since = bench.facts.now_ms - CRITICAL_WINDOW_MS
    recent = [merge.merged_ms for merge in bench.facts.merges if merge.critical and merge.merged_ms > since]
    again = max(recent, default=0) + CRITICAL_WINDOW_MS if recent else 0
    return bench.finding(rule, ok=not recent, values=(("critical merges in the last minute", str(len(recent))),), again_ms=again)


def one_domain(bench: Bench) -> Finding:
    """The machine changes one failure domain at a time (S9, S17): others wait until its outcome is known."""
    facts = bench.facts
    others = sorted(set(facts.open_domains) - set(facts.domains))
    rule = Rule(
        "failure-domain",
        "one failure domain at a time: no other has a repair whose outcome is not known yet",
        Reason.RATE,
        "one failure domain only" if len(facts.domains) > 1 else "the outcome of the open repair",
        Effect.REVIEW if len(facts.domains) > 1 else Effect.WAIT,
        person=len(facts.domains) > 1,
    )
    values = (("touched", ", ".join(facts.domains) or "none"), ("open elsewhere", ", ".join(others) or "none"))
    return bench.finding(rule, ok=not others and len(facts.domains) <= 1, values=values, again_ms=facts.now_ms + 30_000)
