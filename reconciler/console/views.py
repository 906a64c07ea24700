"""Views: the pages that are read. Each takes a visit and answers a page; nothing here writes, and every list is bounded."""

from __future__ import annotations

import json

from reconciler.audit.text import show
from reconciler.changes.diffs import unified_diff
from reconciler.commands import panic
from reconciler.commands.brakes import MAX_MS
from reconciler.commands.reviews import find
from reconciler.console.explanations import explained, seen_since
from reconciler.console.gate import Refused, Visit
from reconciler.console.logins import peek
from reconciler.console.overview import brakes_in_force, holds_in_force, overview
from reconciler.console.pages import Page, span
from reconciler.console.timeline import Event, Table, ballots, event, events
from reconciler.documents.trust import Role
from reconciler.errors import HomeostatError, Permanent
from reconciler.model.canonical import plain
from reconciler.model.pulls import PullRequest, PullState
from reconciler.model.records import RecordKind
from reconciler.policy.explaining import explain
from reconciler.steps.world import World

PAGE = 50  # rows of one page of a list
MAX_EVENTS = 300  # of one incident
WINDOWS = {"5m": 300_000, "15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "1d": 86_400_000}
DURATIONS = {"30m": 1_800_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000, "7d": 604_800_000, "30d": MAX_MS}


def home(visit: Visit) -> Page:
    """What waits, what is open, what holds the machine back, what it did lately."""
    found = overview(visit.world, visit.desk.records)
    return Page("home.html", {"o": found, "live": visit.query("live") == "1", "may_operate": visit.may(Role.OPERATE)})


def pulls(visit: Visit) -> Page:
    """Every repair, newest first."""
    state = visit.query("state")
    if state not in ("", *(s.value for s in PullState)):
        raise Refused(404, f"there are no pull requests that are {state!r}", "open, merged or closed")
    found = visit.world.forge.list(state)
    at = _page(visit)
    shown = tuple(found[at * PAGE : (at + 1) * PAGE])
    return Page(
        "pulls.html", {"pulls": shown, "state": state, "page": at, "total": len(found), "more": (at + 1) * PAGE < len(found)}
    )


def pull(visit: Visit) -> Page:
    """One repair: what a reviewer reads, in the order in which they read it."""
    world, found = visit.world, find_or_404(visit)
    units = tuple(name for name, _ in found.trees)
    ledger = world.ledger.facts()
    verdict = ledger.verdict(found.head)
    outcomes = ledger.outcomes.get(found.merged, []) if found.merged else []
    return Page(
        "pull.html",
        {
            "pull": found,
            "diff": diff_of(world, found.base, found.head),
            "decisions": [explain(d).split("\n", 1)[0] for d in verdict.value.decisions] if verdict else [],
            "verdict_index": verdict.index if verdict else -1,
            "votes": _votes(visit, found),
            "reviews": [(review, (review.patch, review.trees) == (found.patch, found.trees)) for review in found.reviews],
            "outcomes": [f.value for f in outcomes],
            "undone_by": ledger.reverted.get(found.merged, "") if found.merged else "",
            "may_approve": visit.may(Role.APPROVE, units),
            "may_merge": visit.may(Role.MERGE, units),
        },
    )


def revert(visit: Visit) -> Page:
    """What an undo would do, before it is done."""
    found = find_or_404(visit)
    if found.state is not PullState.MERGED:
        raise Refused(409, f"pull request {found.number} has not landed", "reject it instead")
    if by := visit.world.ledger.facts().reverted.get(found.merged):
        raise Refused(409, f"pull request {found.number} was undone by {by[:12]} already", "nothing of it is left to undo")
    units = tuple(name for name, _ in found.trees)
    enforced = visit.world.standing().people.enforce
    values = {"pull": found, "diff": diff_of(visit.world, found.head, found.base), "enforced": enforced}
    return Page("revert.html", values | {"may_merge": visit.may(Role.MERGE, units)})


def incident(visit: Visit) -> Page:
    """The life of one case, from its records."""
    name = str(visit.request.path_params["incident"])
    positions = visit.desk.records.incident(name)
    case = visit.world.store.case(name)
    if case is None and not positions:
        raise Refused(404, f"no incident is called {name[:80]!r}", "the log lists every incident")
    records = visit.desk.records.read(positions[-MAX_EVENTS:])
    told = events(records)
    values = {"name": name, "case": case, "events": told, "left_out": max(0, len(positions) - MAX_EVENTS)}
    pull = next((e.told.pull for e in reversed(told) if e.told.pull), 0)
    return Page("incident.html", values | {"pull": pull, "explained": explained(records), "since": seen_since(records)})


def log(visit: Visit) -> Page:
    """Records, newest first, a page at a time."""
    kind = visit.query("kind")
    kinds = [k.value for k in RecordKind]
    if kind not in ("", *kinds):
        raise Refused(404, f"no kind of record is called {kind!r}", ", ".join(kinds))
    size = visit.world.log.size
    positions = visit.desk.records.kind(RecordKind(kind)) if kind else range(size)
    at = _page(visit)
    shown = list(reversed(positions))[at * PAGE : (at + 1) * PAGE] if kind else list(_window(size, at))
    values = {"events": [_proved(visit, i) for i in shown], "kind": kind, "kinds": kinds, "page": at, "size": size}
    return Page("log.html", values | {"total": len(positions), "more": (at + 1) * PAGE < len(positions)})


def _window(size: int, at: int) -> range:
    """Positions of one page without listing them all."""
    top = size - at * PAGE
    return range(top - 1, max(-1, top - PAGE - 1), -1)


def _proved(visit: Visit, index: int) -> tuple[int, Event | None, str]:
    """One record, or why it cannot be shown: a month that was dropped does not hide the others."""
    try:
        return index, event(visit.world.log.entry(index)), ""
    except HomeostatError as error:
        return index, None, str(error)


def record(visit: Visit) -> Page:
    """One record whole, as it was signed."""
    index, size = visit.number, visit.world.log.size
    if index >= size:
        raise Refused(404, f"the log has no entry {index}; it has {size}")
    entry = visit.world.log.entry(index)
    envelope = json.dumps(plain(dict(entry.envelope)), indent=2, sort_keys=True)
    return Page("record.html", {"event": event(entry), "text": show(entry), "envelope": envelope, "size": size})


def brakes(visit: Visit) -> Page:
    """What keeps the machine back, and the form that puts a brake on."""
    on, held = brakes_in_force(visit.world), holds_in_force(visit.world)
    return Page(
        "brakes.html", {"brakes": on, "holds": held, "durations": list(DURATIONS), "may_operate": visit.may(Role.OPERATE)}
    )


def panic_plan(visit: Visit) -> Page:
    """The dry run of a panic; doing it is the button below."""
    window = visit.query("since") or "5m"
    if window not in WINDOWS:
        raise Refused(404, f"no window of {window!r} is offered", ", ".join(WINDOWS))
    visit.person(Role.OPERATE)
    world = visit.world
    since = max(0, world.clock.now() - WINDOWS[window])
    plan = panic.plan(world, since)
    merges = world.ledger.facts().merges
    subjects = {
        c: str(merges[c].value.proposal.get("title", "")) for c in (*plan.reverted, *(s for s, _ in plan.skipped)) if c in merges
    }
    values = {"plan": plan, "window": window, "windows": list(WINDOWS), "since_ms": since, "subjects": subjects}
    return Page("panic.html", values | {"brake_for": span(panic.BRAKE_MS)})


def login(visit: Visit) -> Page:
    """A login link opened: a button, so that whoever only fetches the page does not spend it."""
    token = visit.query("token")
    now = visit.world.clock.wall()
    if not token:
        return Page("stranger.html", {"again": ""})
    if visit.desk.failures.exhausted(now):
        raise Refused(429, "too many links that did not work", "wait a minute")
    principal = peek(visit.deps.home, token, now)
    if not principal:
        visit.desk.failures.failed(now)
        raise Refused(403, "this login link is used up, too old or wrong", "make a new one: homeostat login --as NAME")
    return Page("login.html", {"token": token, "principal": principal})


def find_or_404(visit: Visit) -> PullRequest:
    try:
        return find(visit.world, visit.number)
    except Permanent as error:
        raise Refused(404, error.message, "the list of repairs shows all of them") from error


def diff_of(world: World, base: str, head: str) -> list[tuple[str, str]]:
    """Lines with what they are: file, hunk, added, removed or the same."""
    try:
        text = unified_diff(world.repo, base, head)
    except HomeostatError as error:
        text = f"(the diff cannot be shown: {error.message})"
    marks = (("+++", "file"), ("---", "file"), ("@@", "hunk"), ("+", "added"), ("-", "removed"))
    return [(next((kind for mark, kind in marks if line.startswith(mark)), "same"), line) for line in text.rstrip().split("\n")]


def _votes(visit: Visit, found: PullRequest) -> Table | None:
    newest = visit.desk.records.newest(RecordKind.BALLOTS, found.head)
    try:
        return ballots(newest.record.payload) if newest else None
    except (Permanent, KeyError, TypeError):
        return None


def _page(visit: Visit) -> int:
    text = visit.query("page") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Refused(404, f"there is no page {text[:20]!r}")
    return int(text)
